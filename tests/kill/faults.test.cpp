// SPDX-License-Identifier: Apache-2.0
//
// What the system refuses a store, over whole stacks: the error says what it is, what was
// acknowledged stays, and the store works when the cause is gone. Each in a process of its own.
#include <varve/testing/faulty.hpp>

#include "catch.hpp"
#include "kill/in_child.hpp"
#include "temp_directory.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

using namespace varve;
using namespace varve_test;

namespace {

/// Writes until there is no space, looks at what is there, makes room, and does so again.
template <class Stack, class MakeRoom>
std::string fill(const std::string& directory, int most, MakeRoom make_room) {
  constexpr std::size_t size = 40'000;
  void* const shared =
      ::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return "no memory to share";
  int& acknowledged = *static_cast<int*>(shared);
  const std::string said = in_child([&]() -> std::string {
    Stack store = varve::open<Stack>(directory);
    const Tree tree = store.open_tree("t");
    const auto refusal = write_until_refused(store, tree, most, size, acknowledged);
    if (!refusal) return "nothing was refused";
    const bool typed =
        refusal->kind() == ErrorKind::no_space || refusal->kind() == ErrorKind::indeterminate;
    if (!typed) return std::string("it was refused so: ") + refusal->what();
    const auto missing = missing_of(store, tree, acknowledged, size);
    return missing.empty() ? "" : missing + " while the disk is full";
  });
  if (!stopped_by_rocksdb(said) && !said.empty()) return said;
  make_room();
  Stack store = varve::open<Stack>(directory);
  const Tree tree = store.open_tree("t");
  if (const auto missing = missing_of(store, tree, acknowledged, size); !missing.empty()) {
    return missing + " after reopening with room";
  }
  put(store, tree, "after", "wards");
  return get_copy(store, tree, "after") == "wards" ? "" : "it does not work with room again";
}

bool as_nobody() {
  constexpr unsigned nobody = 65534;
  return ::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0;
}

}  // namespace

TEMPLATE_TEST_CASE("fault class 6: a full disk is told, loses nothing, and is got over", "",
                   VARVE_STACKS) {
  const TempDirectory temp;
  check_child(in_child([&]() -> std::string {
    // In a place of its own, so that nothing stays mounted.
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("varve", temp.path().c_str(), "tmpfs", 0, "size=12m") != 0) {
      return std::string(skip_word) + "a full tmpfs: this process may not mount one";
    }
    return fill<TestType>(temp / "store", 2000, [&] {
      if (::mount("varve", temp.path().c_str(), "tmpfs", MS_REMOUNT, "size=200m") != 0) {
        throw std::runtime_error("the tmpfs cannot be made larger");
      }
    });
  }));
}

TEMPLATE_TEST_CASE("fault class 6: a file that may not grow is told, and is got over", "",
                   VARVE_STACKS) {
  const TempDirectory temp;
  check_child(in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit limit = before;
    limit.rlim_cur = 4U << 20U;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return fill<TestType>(temp / "store", 2000, [&] { ::setrlimit(RLIMIT_FSIZE, &before); });
  }));
}

TEMPLATE_TEST_CASE("fault class 8: signals do not disturb writes", "", VARVE_STACKS) {
  const TempDirectory temp;
  check_child(in_child([&]() -> std::string {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);
    auto store = varve::open<TestType>(temp / "store");
    const Tree tree = store.open_tree("t");
    const itimerval often{{0, 200}, {0, 200}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
    int acknowledged = 0;
    const auto refusal = write_until_refused(store, tree, 150, 3000, acknowledged);
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    if (refusal) return refusal->what();
    return missing_of(store, tree, acknowledged, 3000);
  }));
}

TEMPLATE_TEST_CASE("fault class 13: a second process is refused", "", VARVE_STACKS) {
  const TempDirectory temp;
  check_child(in_child([&]() -> std::string {
    int ends[2] = {};
    if (::pipe(ends) != 0) return "no pipe";
    const pid_t holder = ::fork();
    if (holder == 0) {
      const auto store = varve::open<TestType>(temp / "store");
      if (::write(ends[1], "r", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char ready = 0;
    if (::read(ends[0], &ready, 1) != 1) return "the holder did not open";
    const std::string said = refusal_to_open<TestType>(temp / "store", ErrorKind::busy);
    ::kill(holder, SIGKILL);
    ::waitpid(holder, nullptr, 0);
    if (!said.empty()) return said;
    const auto store = varve::open<TestType>(temp / "store");
    return "";
  }));
}

TEMPLATE_TEST_CASE("fault class 14: a directory that may not be written is told, unchanged", "",
                   VARVE_STACKS) {
  if (::geteuid() != 0) {
    std::printf("!! %sa directory of another user: only root can become nobody\n", skip_word);
    return;
  }
  const TempDirectory temp;
  REQUIRE(::chmod(temp.path().c_str(), 0755) == 0);
  check_child(in_child([&]() -> std::string {
    if (!as_nobody()) return std::string(skip_word) + "this process cannot become nobody";
    return refusal_to_open<TestType>(temp / "store", ErrorKind::read_only);
  }));
  CHECK(std::filesystem::is_empty(temp.path()));
}

TEMPLATE_TEST_CASE("fault class 15: without descriptors the error is one, and nothing is lost", "",
                   VARVE_STACKS) {
  const TempDirectory temp;
  check_child(in_child([&]() -> std::string {
    constexpr int values = 20;
    int acknowledged = 0;
    {
      auto store = varve::open<TestType>(temp / "store");
      const auto tree = store.open_tree("t");
      if (const auto refusal = write_until_refused(store, tree, values, 100, acknowledged)) {
        return refusal->what();
      }
    }
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const int next = ::dup(0);
    ::close(next);
    int refused = 0;
    // With room for none more, for one more, and so on, until it can be opened.
    for (int room = 0;; ++room) {
      if (room > 200) return "it cannot be opened with 200 descriptors";
      rlimit limit = before;
      limit.rlim_cur = static_cast<rlim_t>(next + room);
      ::setrlimit(RLIMIT_NOFILE, &limit);
      try {
        auto store = varve::open<TestType>(temp / "store");
        const auto tree = store.open_tree("t");
        if (const auto missing = missing_of(store, tree, values, 100); !missing.empty()) {
          return missing;
        }
        break;
      } catch (const Error& error) {
        const std::string text = error.what();
        const bool named = text.find("Too many open files") != std::string::npos;
        if (error.kind() != ErrorKind::io && !named) return text;
        ++refused;
      }
    }
    if (refused == 0) return "it was never refused";
    ::setrlimit(RLIMIT_NOFILE, &before);
    auto store = varve::open<TestType>(temp / "store");
    const auto tree = store.open_tree("t");
    put(store, tree, "after", "wards");
    return missing_of(store, tree, values, 100);
  }));
}

TEMPLATE_TEST_CASE("scenario 16: who is refused a store and goes leaves it locked", "",
                   VARVE_STACKS) {
  const TempDirectory temp;
  check_child(in_child([&]() -> std::string {
    const auto store = varve::open<TestType>(temp / "store");
    for (int i = 0; i < 3; ++i) {
      // Closes what it opened, which would end a lock of `fcntl` of this process.
      const auto here = refusal_to_open<TestType>(temp / "store", ErrorKind::busy);
      if (!here.empty()) return "in this process: " + here;
      const auto there =
          in_child([&] { return refusal_to_open<TestType>(temp / "store", ErrorKind::busy); });
      if (!there.empty()) return "in another process: " + there;
    }
    return "";
  }));
}

TEMPLATE_TEST_CASE("scenario 17: a child of fork is refused, and its parent unharmed", "",
                   VARVE_STACKS) {
  const TempDirectory temp;
  check_child(in_child([&]() -> std::string {
    constexpr int values = 30;
    int acknowledged = 0;
    {
      auto store = varve::open<TestType>(temp / "store");
      const Tree tree = store.open_tree("t");
      for (int round = 1; round <= 3; ++round) {
        const auto refusal =
            write_until_refused(store, tree, values * round / 3, 100, acknowledged);
        if (refusal) return refusal->what();
        const std::string said = in_child([&]() -> std::string {
          for (int i = 0; i < 5; ++i) {
            try {
              put(store, tree, "child" + std::to_string(i), value_of(i, 300));
              return "the child could write";
            } catch (const Error& error) {
              if (error.kind() != ErrorKind::invalid_argument) return error.what();
            }
          }
          return "";
        });
        if (!said.empty()) return said;
      }
    }
    const auto store = varve::open<TestType>(temp / "store");
    const Tree tree = store.find_tree("t").value();
    if (store.contains(tree, "child0")) return "what the child wrote is there";
    return missing_of(store, tree, values, 100);
  }));
}

TEMPLATE_TEST_CASE(
    "fault class 1: what the log has and the engine missed is done when it is opened", "",
    LmdbAdapter, RocksAdapter) {
  for (std::uint64_t at = 1; at <= 6; ++at) {
    INFO("write " << at);
    const TempDirectory temp;
    check_child(in_child([&]() -> std::string {
      int acknowledged = 0;
      {
        const testing::FaultyOptions faults;
        auto store = varve::open<Wal<testing::Faulty<TestType>>>(temp / "store", faults);
        const Tree tree = store.open_tree("t");
        faults.plan->add({.call = testing::Call::write, .at = at, .for_ever = true});
        const auto refusal = write_until_refused(store, tree, 10, 100, acknowledged);
        if (!refusal || refusal->kind() != ErrorKind::indeterminate) return "it was not told";
      }
      const auto store = varve::open<Wal<TestType>>(temp / "store");
      // The one that failed too: it was on disk before the engine was asked.
      return missing_of(store, store.find_tree("t").value(), acknowledged + 1, 100);
    }));
  }
}
