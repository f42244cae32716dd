// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>

extern char** environ;

namespace catalogue {

std::filesystem::path own_path() {
  return std::filesystem::read_symlink("/proc/self/exe");
}

Process::Process(const std::vector<std::string>& arguments, Errors errors) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category(), "pipe");
  output_ = ::fdopen(ends[0], "r");

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  if (errors == Errors::hidden) {
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  }
  std::vector<char*> words;
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const int failure = ::posix_spawnp(&id_, words[0], &actions, nullptr, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failure == 0) return;
  id_ = -1;
  ending_.code = 127;
}

Process::~Process() {
  kill();
  wait();
  std::free(buffer_);
  std::fclose(output_);
}

bool Process::read_line(std::string& line, char end) {
  const ssize_t size = ::getdelim(&buffer_, &capacity_, end, output_);
  if (size <= 0) return false;
  line.assign(buffer_, static_cast<std::size_t>(size));
  if (line.back() == end) line.pop_back();
  return true;
}

void Process::kill() noexcept {
  if (id_ > 0) ::kill(id_, SIGKILL);
}

Process::Ending Process::wait() noexcept {
  if (id_ <= 0) return ending_;
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
  if (WIFSIGNALED(status)) ending_.signal = WTERMSIG(status);
  if (WIFEXITED(status)) ending_.code = WEXITSTATUS(status);
  return ending_;
}

std::string Process::Ending::in_words() const {
  if (signal != 0) return std::string("ended by ") + ::strsignal(signal);
  if (code == 127) return "not found";
  return code == 0 ? "ended well" : "ended with code " + std::to_string(code);
}

}  // namespace catalogue
