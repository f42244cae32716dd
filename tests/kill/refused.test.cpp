// SPDX-License-Identifier: Apache-2.0
//
// What the system says no to, over whole stacks: quotas, mounts that are read only, files that must
// not change, calls that it does not have. The error says so, what was acknowledged stays, and the
// store works when the cause is gone.
#include <varve/describe.hpp>

#include "catch.hpp"
#include "kill/in_child.hpp"
#include "temp_directory.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test;

namespace {

constexpr int values = 20;
constexpr std::size_t value_size = 3000;

/// From now on these system calls of this process fail so. Whether that could be brought about.
bool fail_calls(const std::vector<long>& calls, int error) {
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const long call : calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  // Of all threads, those of an engine too.
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

const std::vector<long> calls_that_write{SYS_write,   SYS_pwrite64, SYS_writev,
                                         SYS_pwritev, SYS_pwritev2, SYS_fallocate};

/// Makes a store with values and leaves it.
template <class Stack>
std::string prepare(const std::string& directory) {
  auto store = varve::open<Stack>(directory);
  int acknowledged = 0;
  const auto refusal =
      write_until_refused(store, store.open_tree("t"), values, value_size, acknowledged);
  return refusal ? refusal->what() : "";
}

/// Whether the store has its values and takes one more.
template <class Stack>
std::string judge(const std::string& directory) {
  auto store = varve::open<Stack>(directory);
  const Tree tree = store.open_tree("t");
  if (const auto missing = missing_of(store, tree, values, value_size); !missing.empty()) {
    return missing + " when it is opened again";
  }
  put(store, tree, "after", "wards");
  return get_copy(store, tree, "after") == "wards" ? "" : "it does not work again";
}

/// Writes to a store that may not write. What is wrong with how that ends.
template <class Stack>
std::string write_refused(Stack& store, ErrorKind expected, int error) {
  const Tree tree = store.open_tree("t");
  int acknowledged = values;
  const auto refusal = write_until_refused(store, tree, values + 1, value_size, acknowledged);
  if (!refusal) return "it was not refused";
  if (refusal->kind() != expected && refusal->kind() != ErrorKind::indeterminate) {
    return std::string("another kind: ") + refusal->what();
  }
  if (std::string(refusal->what()).find(std::generic_category().message(error)) ==
      std::string::npos) {
    return std::string("it does not say why: ") + refusal->what();
  }
  return missing_of(store, tree, values, value_size);
}

/// Makes what lies in a directory immutable, as `chattr +i` does, but for the lock file of LMDB,
/// which is mapped to be written: who has it open is killed by the system at the next write. When
/// it dies in the process that made it, all may be changed again.
class Immutable {
 public:
  explicit Immutable(std::string directory) : directory_(std::move(directory)) {}
  Immutable(const Immutable&) = delete;
  Immutable& operator=(const Immutable&) = delete;
  ~Immutable() { static_cast<void>(set(false)); }

  /// Whether it could be done.
  [[nodiscard]] bool set(bool immutable = true) const {
    bool done = set(directory_, immutable);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
      if (entry.path().filename() == "lock.mdb") continue;
      done = set(entry.path().string(), immutable) && done;
    }
    return done;
  }

 private:
  static bool set(const std::string& path, bool immutable) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    int flags = 0;
    bool good = file >= 0 && ::ioctl(file, FS_IOC_GETFLAGS, &flags) == 0;
    flags = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    good = good && ::ioctl(file, FS_IOC_SETFLAGS, &flags) == 0;
    ::close(file);
    return good;
  }

  std::string directory_;
};

const std::string no_immutable =
    std::string(skip_word) + "immutable files: this process, or the file system, has none";

}  // namespace

TEMPLATE_TEST_CASE("fault class 6: a quota that is used up is told, loses nothing, and is got over",
                   "", VARVE_STACKS) {
  const TempDirectory temp;
  REQUIRE(in_child([&] { return prepare<TestType>(temp / "store"); }) == "");
  const std::string said = in_child([&]() -> std::string {
    auto& store = *new TestType(varve::open<TestType>(temp / "store"));  // dies with the process
    if (!fail_calls(calls_that_write, EDQUOT)) {
      return std::string(skip_word) + "a quota: this process may not filter its system calls";
    }
    return write_refused(store, ErrorKind::no_space, EDQUOT);
  });
  if (!stopped_by_rocksdb(said)) check_child(said);
  check_child(in_child([&] { return judge<TestType>(temp / "store"); }));
}

TEMPLATE_TEST_CASE("fault class 14: a mount that is read only is told, and nothing is changed", "",
                   VARVE_STACKS) {
  const TempDirectory temp;
  const std::string store = temp / "store";
  REQUIRE(in_child([&] { return prepare<TestType>(store); }) == "");
  check_child(in_child([&]() -> std::string {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(store.c_str(), store.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
        ::mount(nullptr, store.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
      return std::string(skip_word) + "a mount that is read only: this process may not mount one";
    }
    return refusal_to_open<TestType>(store, ErrorKind::read_only);
  }));
  check_child(in_child([&] { return judge<TestType>(store); }));
}

TEMPLATE_TEST_CASE("fault class 14: files that may not change are told when a store is opened", "",
                   VARVE_STACKS) {
  const TempDirectory temp;
  REQUIRE(in_child([&] { return prepare<TestType>(temp / "store"); }) == "");
  {
    const Immutable immutable(temp / "store");
    check_child(in_child([&] {
      return immutable.set() ? refusal_to_open<TestType>(temp / "store", ErrorKind::read_only)
                             : no_immutable;
    }));
  }
  check_child(in_child([&] { return judge<TestType>(temp / "store"); }));
}

TEMPLATE_TEST_CASE("fault class 14: files that may no longer change are told when one is written",
                   "", VARVE_STACKS) {
  const TempDirectory temp;
  REQUIRE(in_child([&] { return prepare<TestType>(temp / "store"); }) == "");
  {
    const Immutable immutable(temp / "store");
    const std::string said = in_child([&]() -> std::string {
      auto& store = *new TestType(varve::open<TestType>(temp / "store"));  // dies with the process
      return immutable.set() ? write_refused(store, ErrorKind::read_only, EPERM) : no_immutable;
    });
    if (!stopped_by_rocksdb(said)) check_child(said);
  }
  check_child(in_child([&] { return judge<TestType>(temp / "store"); }));
}

TEST_CASE("Wal: where one call cannot write through, two do, and it says so") {
  using Stack = Wal<MemoryAdapter>;
  for (const int error : {EOPNOTSUPP, ENOSYS, EINVAL}) {
    INFO(std::generic_category().message(error));
    const TempDirectory temp;
    check_child(in_child([&]() -> std::string {
      if (!fail_calls({SYS_pwritev2}, error)) {
        return std::string(skip_word) + "a system without pwritev2: no filter of system calls";
      }
      if (const auto wrong = prepare<Stack>(temp / "store"); !wrong.empty()) return wrong;
      auto store = varve::open<Stack>(temp / "store");
      if (store.statistics().write_through != "pwrite and fdatasync") return "not in statistics()";
      if (describe(store).find("write_through = pwrite and fdatasync") == std::string::npos) {
        return "not in describe(): " + describe(store);
      }
      // The second call is what a write waits for.
      if (!fail_calls({SYS_fdatasync}, EIO)) return "no second filter";
      return write_refused(store, ErrorKind::indeterminate, EIO);
    }));
    check_child(in_child([&] { return judge<Stack>(temp / "store"); }));
  }
}
