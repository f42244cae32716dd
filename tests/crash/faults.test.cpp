// SPDX-License-Identifier: Apache-2.0
//
// What goes wrong below a stack in one process, on disks and engines that do as they are told. What
// the system refuses is in tests/kill/faults.test.cpp.
#include <varve/adapters/memory.hpp>
#include <varve/layers/buffered.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/testing/faulty.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"
#include "held_files.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using varve::testing::Call;
using varve::testing::DiskOperation;
using varve::testing::Faulty;
using varve::testing::FaultyOptions;
using varve_test::HeldFiles;
using Disk = varve::testing::SimulatedFileSystem;

namespace {

/// Throws what is no `Error`, at the k-th operation that changes something.
class ThrowingFiles {
 public:
  struct Plan {
    std::uint64_t left = ~std::uint64_t{0};
    bool nameless = false;  ///< an int, or else a std::exception
  };

  class File {
   public:
    File(HeldFiles::File file, std::shared_ptr<Plan> plan)
        : file_(std::move(file)), plan_(std::move(plan)) {}
    void write_at(std::uint64_t offset, BytesView bytes) {
      called(*plan_);
      file_.write_at(offset, bytes);
    }
    void write_through(std::uint64_t offset, BytesView bytes) { write_at(offset, bytes); }
    [[nodiscard]] std::size_t read_at(std::uint64_t offset, std::span<char> buffer) const {
      return file_.read_at(offset, buffer);
    }
    void sync() { called(*plan_); }
    void truncate(std::uint64_t size) { file_.truncate(size); }
    [[nodiscard]] std::uint64_t size() const { return file_.size(); }

   private:
    HeldFiles::File file_;
    std::shared_ptr<Plan> plan_;
  };

  [[nodiscard]] File open(BytesView path, OpenMode mode) {
    return {files_.open(path, mode), plan_};
  }
  [[nodiscard]] bool exists(BytesView path) const { return files_.exists(path); }
  void rename(BytesView from, BytesView to) {
    called(*plan_);
    files_.rename(from, to);
  }
  void remove(BytesView path) {
    called(*plan_);
    files_.remove(path);
  }
  void create_directory(BytesView path) { files_.create_directory(path); }
  void sync_directory(BytesView /*path*/) { called(*plan_); }
  [[nodiscard]] std::vector<std::string> list(BytesView path) const { return files_.list(path); }
  [[nodiscard]] std::uint64_t free_bytes(BytesView path) const { return files_.free_bytes(path); }
  [[nodiscard]] HeldFiles::Lock lock(BytesView path) { return files_.lock(path); }

  [[nodiscard]] Plan& plan() const { return *plan_; }

 private:
  static void called(Plan& plan) {
    if (--plan.left != 0) return;
    if (plan.nameless) throw 42;
    throw std::runtime_error("the file system of somebody");
  }

  HeldFiles files_;
  std::shared_ptr<Plan> plan_ = std::make_shared<Plan>();
};

template <class Call>
std::optional<ErrorKind> kind_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  return std::nullopt;
}

constexpr std::uint64_t often = 2000;  ///< bytes between images
constexpr std::uint64_t never = 1U << 30U;

template <class Stack, class Files>
Stack open_store(const Files& files, std::uint64_t checkpoint_bytes = often) {
  return varve::open<Stack>(
      "db", WalOptions{.checkpoint_bytes = checkpoint_bytes, .segment_bytes = 600}, files);
}

constexpr int values = 40;

std::string key_of(int number) {
  return "k" + std::to_string(number);
}

template <class Stack>
void write_values(Stack& store) {
  const Tree tree = store.open_tree("t");
  for (int i = 0; i < values; ++i) put(store, tree, key_of(i), std::string(100, 'v'));
}

/// How many of the values are there.
template <class Stack>
int count_values(const Stack& store) {
  int count = 0;
  const auto tree = store.find_tree("t");
  for (int i = 0; tree && i < values; ++i) {
    count += get_copy(store, *tree, key_of(i)) == std::string(100, 'v') ? 1 : 0;
  }
  return count;
}

/// A disk with the values in several segments of the log, or in an image and some.
template <class Stack>
Disk disk_with_values(std::uint64_t checkpoint_bytes = often) {
  const Disk disk;
  {
    auto store = open_store<Stack>(disk, checkpoint_bytes);
    write_values(store);
  }
  return disk.after_kill();
}

std::vector<std::string> segments_of(Disk disk) {
  std::vector<std::string> found;
  for (const auto number : detail::segment_numbers(disk.list("db/wal"))) {
    found.push_back("db/wal/" + detail::segment_name(number));
  }
  return found;
}

}  // namespace

#define VARVE_STACKS_ON(FILES)                                        \
  (Wal<MemoryAdapter, FILES>), (Wal<Buffered<MemoryAdapter>, FILES>), \
      (Cached<Wal<MemoryAdapter, FILES>>)

TEMPLATE_TEST_CASE("fault class 7: a log that cannot be read is an error, and none of its data", "",
                   VARVE_STACKS_ON(Disk)) {
  const Disk sound = disk_with_values<TestType>();
  REQUIRE(segments_of(sound).size() > 1);
  REQUIRE(Disk(sound).exists("db/wal/image"));
  std::uint64_t failures = 0;
  for (const bool for_ever : {false, true}) {
    for (std::uint64_t at = 1; at < 1000; ++at) {
      INFO("read " << at << (for_ever ? " and all after it" : ""));
      Disk disk = sound.after_kill();
      disk.fail({.at = at, .operation = DiskOperation::read, .for_ever = for_ever});
      const auto refusal = kind_of([&] {
        const auto store = open_store<TestType>(disk);
        CHECK(count_values(store) == values);
      });
      if (!refusal) break;
      ++failures;
      CHECK(refusal == ErrorKind::io);
      disk.heal();
      CHECK(count_values(open_store<TestType>(disk)) == values);
    }
  }
  CHECK(failures > 10);
}

TEST_CASE("fault class 7: a tail that cannot be read is an error, and not its end") {
  Disk disk = disk_with_values<Wal<MemoryAdapter, Disk>>();
  const auto store = open_store<Wal<MemoryAdapter, Disk>>(disk);
  const auto count = [&] {
    std::uint64_t last = 0;
    for (auto tail = store.tail(store.last_sequence() - 3); tail.valid(); tail.next()) {
      last = tail.sequence();
    }
    return last;
  };
  REQUIRE(count() == store.last_sequence());
  std::uint64_t failures = 0;
  for (std::uint64_t at = 1; at < 100; ++at) {
    disk.fail({.at = disk.operations(DiskOperation::read) + at, .operation = DiskOperation::read});
    std::uint64_t last = 0;
    const auto failure = kind_of([&] { last = count(); });
    disk.heal();
    if (failure) ++failures;
    if (failure) CHECK(failure == ErrorKind::io);
    if (!failure) CHECK(last == store.last_sequence());
  }
  CHECK(failures > 0);
}

TEMPLATE_TEST_CASE("fault class 7: a read that fails is no absence, and is not remembered as one",
                   "", Cached<Faulty<MemoryAdapter>>, Buffered<Faulty<MemoryAdapter>>,
                   Cached<Buffered<Faulty<MemoryAdapter>>>) {
  const FaultyOptions faults;
  auto store = varve::open<TestType>(faults);
  write_values(store);
  store.flush();
  const Tree tree = *store.find_tree("t");
  int failures = 0;
  const auto fails_once = [&](Call call, auto read) {
    faults.plan->add({.call = call});
    bool right = true;
    const auto failure = kind_of([&] { right = read(); });
    faults.plan->clear();
    failures += failure ? 1 : 0;
    CHECK((!failure || failure == ErrorKind::io));
    CHECK(right);
    CHECK(read());
  };
  // Each key for the first time, so that no cache has it.
  for (int i = 0; i < 10; ++i) {
    fails_once(Call::get, [&] { return get_copy(store, tree, key_of(i)).has_value(); });
    fails_once(Call::get, [&] { return !store.get(tree, "none" + key_of(i)).has_value(); });
    fails_once(Call::contains, [&] { return store.contains(tree, key_of(10 + i)); });
    fails_once(Call::scan, [&] { return store.scan(tree, KeyRange::all()).valid(); });
    fails_once(Call::next, [&] {
      int count = 0;
      for (auto scan = store.scan(tree, KeyRange::all()); scan.valid(); scan.next()) ++count;
      return count == values;
    });
  }
  CHECK(failures >= 40);
  CHECK(count_values(store) == values);
}

TEST_CASE("fault class 11: files beside the log that are not its own are left alone") {
  using Stack = Wal<MemoryAdapter, Disk>;
  Disk disk = disk_with_values<Stack>();
  const std::vector<std::string> foreign{"notes", "00000000000000000001.txt", "1.log", "image.old",
                                         "99999999999999999999.log.old"};
  for (const std::string& name : foreign) {
    disk.open("db/wal/" + name, OpenMode::create).write_at(0, "foreign");
  }
  CHECK(count_values(open_store<Stack>(disk)) == values);
  for (const std::string& name : foreign) CHECK(disk.exists("db/wal/" + name));
}

TEST_CASE("fault class 11: a file of the log that is missing, empty or short is refused") {
  using Stack = Wal<MemoryAdapter, Disk>;
  const auto refusal_with = [&](const Disk& sound, auto damage) {
    Disk disk = sound.after_kill();
    damage(disk);
    return kind_of([&] {
      if (count_values(open_store<Stack>(disk)) != values) throw std::logic_error("silently");
    });
  };
  const Disk log = disk_with_values<Stack>(never);
  const auto paths = segments_of(log);
  REQUIRE(paths.size() >= 3);
  for (std::size_t i = 0; i + 1 < paths.size(); ++i) {
    INFO(paths[i]);
    CHECK(refusal_with(log, [&](Disk& disk) { disk.remove(paths[i]); }) == ErrorKind::corruption);
    for (const std::uint64_t size : {0U, 63U, 100U}) {
      const auto cut = [&](Disk& disk) { disk.open(paths[i], OpenMode::write).truncate(size); };
      CHECK(refusal_with(log, cut) == ErrorKind::corruption);
    }
  }
  const Disk image = disk_with_values<Stack>();
  for (const std::uint64_t size : {0U, 10U, 50U, 100U}) {
    const auto cut = [&](Disk& disk) { disk.open("db/wal/image", OpenMode::write).truncate(size); };
    CHECK(refusal_with(image, cut) == ErrorKind::corruption);
  }
  CHECK(refusal_with(image, [](Disk& disk) { disk.remove("db/wal/image"); }) ==
        ErrorKind::corruption);
  // One that a crash left before anything was in it.
  CHECK_FALSE(refusal_with(log, [](Disk& disk) {
    (void)disk.open("db/wal/" + detail::segment_name(1'000'000), OpenMode::create);
  }));
}

TEMPLATE_TEST_CASE("fault class 19: what a file system throws that is no Error poisons the store",
                   "", VARVE_STACKS_ON(ThrowingFiles)) {
  std::size_t failures = 0;
  for (const bool nameless : {false, true}) {
    for (std::uint64_t at = 1; at < 200; ++at) {
      INFO("operation " << at << (nameless ? ", an int" : ""));
      const ThrowingFiles files;
      int done = 0;
      bool failed = false;
      {
        auto store = open_store<TestType>(files);
        const Tree tree = store.open_tree("t");
        files.plan() = {.left = at, .nameless = nameless};
        try {
          for (; done < values; ++done) put(store, tree, key_of(done), std::string(100, 'v'));
        } catch (...) {
          failed = true;
        }
        files.plan() = {};
        CHECK(count_values(store) >= done);
        if (failed) {
          ++failures;
          CHECK(kind_of([&] { put(store, tree, "after", "1"); }) == ErrorKind::poisoned);
        }
      }
      auto store = open_store<TestType>(files);
      CHECK(count_values(store) >= done);
      put(store, store.find_tree("t").value(), "after", "1");
    }
  }
  CHECK(failures > 50);
}
