// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace catalogue {

/// Where this program lies.
[[nodiscard]] std::filesystem::path own_path();

/// A program that runs beside this one and whose output is read line by line. Killed, where it
/// still runs, by the destructor.
class Process {
 public:
  enum class Errors : std::uint8_t { shown, hidden };  ///< what becomes of its error output

  /// How it ended.
  struct Ending {
    int code = 0;    ///< its exit code
    int signal = 0;  ///< the signal that ended it; 0 where it ended by itself

    [[nodiscard]] bool success() const noexcept { return code == 0 && signal == 0; }
    [[nodiscard]] std::string in_words() const;
  };

  /// Starts `arguments[0]`, looked for as a shell does. A program that is not there ends with the
  /// code 127, as in a shell.
  Process(const std::vector<std::string>& arguments, Errors errors);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  /// The next line of its output, without its end; false where the output has ended.
  [[nodiscard]] bool read_line(std::string& line, char end = '\n');

  /// Ends it at once, as `kill -9` does: it has no chance to tidy up.
  void kill() noexcept;

  /// Waits for its end.
  Ending wait() noexcept;

 private:
  std::FILE* output_ = nullptr;
  char* buffer_ = nullptr;
  std::size_t capacity_ = 0;
  pid_t id_ = -1;
  Ending ending_;
};

}  // namespace catalogue
