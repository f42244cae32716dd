// SPDX-License-Identifier: Apache-2.0
// What other stores lost data by, one test each, over the log on a simulated disk. The numbers are
// those of docs/proof.md.
#include <varve/adapters/memory.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/testing/crash_enumerator.hpp>
#include <varve/testing/simulated_file_system.hpp>
#include <varve/testing/tracing_file_system.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using varve::BytesView;
using varve::Durability;
using varve::Error;
using varve::ErrorKind;
using varve::MemoryAdapter;
using varve::OpenMode;
using varve::Tree;
using varve::Wal;
using varve::WalOptions;
using varve::WriteBatch;
using varve::testing::crash_shape;
using varve::testing::CrashEnumerator;
using varve::testing::CrashReport;
using varve::testing::CrashShape;
using varve::testing::DiskOperation;
using varve::testing::SimulatedFileSystem;
using varve::testing::TracingFileSystem;

namespace {

using Store = Wal<MemoryAdapter, SimulatedFileSystem>;

WalOptions small_log(std::uint64_t checkpoint_bytes = 1U << 20U) {
  return {.checkpoint_bytes = checkpoint_bytes, .segment_bytes = 16U << 10U};
}

Store open_store(const SimulatedFileSystem& disk, WalOptions options = small_log()) {
  return varve::open<Store>("db", std::move(options), disk);
}

/// What `key` of the tree "t" is; "(none)" where it is not there.
std::string value_of(const Store& store, BytesView key) {
  const auto tree = store.find_tree("t");
  if (!tree) return "(none)";
  const auto found = store.get(*tree, key);
  return found ? std::string(found->view()) : "(none)";
}

template <class Call>
std::optional<ErrorKind> kind_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  return std::nullopt;
}

std::string read_file(SimulatedFileSystem disk, const std::string& path) {
  auto file = disk.open(path, OpenMode::read);
  std::string bytes(static_cast<std::size_t>(file.size()), '\0');
  bytes.resize(file.read_at(0, bytes));
  return bytes;
}

/// Bytes of all files.
std::uint64_t used_bytes(SimulatedFileSystem disk) {
  constexpr std::uint64_t much = std::uint64_t{1} << 40U;
  disk.set_capacity(much);
  return much - disk.free_bytes("");
}

struct Found {
  std::string path;
  std::uint64_t offset = 0;
};

/// Where the log has these bytes.
Found find_in_log(SimulatedFileSystem disk, BytesView wanted) {
  for (const std::string& name : disk.list("db/wal")) {
    const std::string path = "db/wal/" + name;
    const std::size_t at = read_file(disk, path).find(wanted);
    if (at != std::string::npos) return {path, at};
  }
  FAIL("the log does not have '" << wanted << "'");
  return {};
}

/// A disk whose power went, with a log of these values of "t", each written for itself and durable.
SimulatedFileSystem disk_with(const std::vector<std::string>& values) {
  const SimulatedFileSystem disk;
  Store store = open_store(disk);
  const Tree tree = store.open_tree("t");
  for (const std::string& value : values) store.write(WriteBatch().put(tree, value, value));
  return disk.after_crash(crash_shape(0, 0));
}

void expect_nothing_lost(const WalOptions& options, BytesView script) {
  const auto open = [&](const SimulatedFileSystem& disk) { return open_store(disk, options); };
  CrashEnumerator enumerator(open, {.seed = 1, .variants = 32});
  const CrashReport report = enumerator.replay(script);
  INFO(to_string(report) << '\n' << (report.failure ? to_string(*report.failure) : ""));
  CHECK_FALSE(report.failure);
  CHECK(report.states > 500);
}

const std::string long_value(5000, 'v');

}  // namespace

TEST_CASE("1: the log that is forgotten goes only when the image that replaces it is there") {
  const std::string script =
      "open_tree 0\nwrite synced [ put 0 \"a\" \"1\" ]\nwrite synced [ put 0 \"b\" \"2\" ]\n"
      "write synced [ erase 0 \"a\" ]\nopen_tree 1\ndrop_tree 0\n"
      "write synced [ put 1 \"c\" \"3\" ]\n";
  expect_nothing_lost(small_log(1), script);
  const SimulatedFileSystem disk;
  Store store = open_store(disk, small_log(1));
  const Tree tree = store.open_tree("t");
  const std::uint64_t before = disk.operations(DiskOperation::rename);
  for (const char* const key : {"a", "b", "c"}) store.write(WriteBatch().put(tree, key, "1"));
  CHECK(disk.operations(DiskOperation::rename) > before);
}

TEST_CASE("2: a hole where the old file of the log was not synced and the new one was") {
  std::string script = "open_tree 0\n";
  for (const char* const key : {"a", "b", "c", "d", "e"}) {
    script += "write buffered [ put 0 \"" + std::string(key) + "\" \"v\"*5000 ]\n";
  }
  expect_nothing_lost(small_log(), script + "write synced [ put 0 \"f\" \"1\" ]\n");
  const SimulatedFileSystem disk;
  Store store = open_store(disk);
  const Tree tree = store.open_tree("t");
  const auto files = [&] { return SimulatedFileSystem(disk).list("db/wal").size(); };
  const std::size_t before = files();
  for (int i = 0; i < 8; ++i) {
    store.write(WriteBatch().put(tree, "k" + std::to_string(i), long_value), Durability::buffered);
  }
  CHECK(files() > before);
}

TEST_CASE("3: a tail of zeros or garbage is cut, reported, and takes nothing with it") {
  const SimulatedFileSystem disk;
  Store store = open_store(disk);
  const Tree tree = store.open_tree("t");
  store.write(WriteBatch().put(tree, "a", "1"));
  store.write(WriteBatch().put(tree, "b", long_value), Durability::buffered);
  std::size_t torn = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    const Store recovered = open_store(disk.after_crash(crash_shape(i, i)));
    CHECK(value_of(recovered, "a") == "1");
    const std::string b = value_of(recovered, "b");
    CHECK((b == "(none)" || b == long_value));
    if (!recovered.recovery().torn_tail) continue;
    ++torn;
    CHECK(b == "(none)");
    CHECK(recovered.recovery().discarded_bytes > 0);
  }
  CHECK(torn > 10);
}

TEST_CASE("4: zeros inside the log are damage, not its end") {
  SimulatedFileSystem disk = disk_with({"first", "second", "third"});
  const Found at = find_in_log(disk, "second");
  disk.open(at.path, OpenMode::write).write_at(at.offset - 8, std::string(21, '\0'));
  CHECK(kind_of([&] { (void)open_store(disk); }) == ErrorKind::corruption);
}

TEST_CASE("5: what is renamed or made is in a synced directory before anything rests on it") {
  using Traced = TracingFileSystem<SimulatedFileSystem>;
  const Traced files;
  for (int round = 0; round < 3; ++round) {
    auto store = varve::open<Wal<MemoryAdapter, Traced>>("db", small_log(20'000), files);
    const Tree tree = store.open_tree("t");
    for (int i = 0; i < 20; ++i) {
      const std::string key = "k" + std::to_string(i);
      const bool synced = i % 3 == 0;
      store.write(WriteBatch().put(tree, key, long_value),
                  synced ? Durability::synced : Durability::buffered);
      if (synced) Traced(files).acknowledged();
    }
  }
  for (const std::string& breach : files.breaches()) UNSCOPED_INFO(breach);
  CHECK(files.breaches().empty());
  CHECK(files.operations().size() > 100);
}

TEST_CASE("6, 7, 9: a failed write is there or not for ever, and nothing is written after it") {
  std::size_t failures = 0;
  for (std::uint64_t fault = 1; fault <= 6; ++fault) {
    for (std::size_t variant = 0; variant < 40; ++variant) {
      INFO("fault " << fault << ", shape " << variant);
      SimulatedFileSystem disk;
      std::optional<Store> store(open_store(disk));
      const Tree tree = store->open_tree("t");
      store->write(WriteBatch().put(tree, "a", "1"));
      const std::uint64_t sequence = store->last_sequence();
      disk.fail({.at = disk.operations() + fault});
      std::set<std::string> done;
      for (const char* const key : {"b", "c", "d"}) {
        const auto kind = kind_of([&] { store->write(WriteBatch().put(tree, key, "1")); });
        if (!kind) {
          done.insert(key);
          continue;
        }
        ++failures;
        CHECK(kind_of([&] { store->write(WriteBatch().put(tree, "x", "1")); }) ==
              ErrorKind::poisoned);
        CHECK(value_of(*store, "a") == "1");
        break;
      }
      // A new process on the same machine, then two losses of power.
      const bool killed = variant % 2 == 0;
      SimulatedFileSystem next =
          killed ? disk.after_kill() : disk.after_crash(crash_shape(variant, variant));
      std::string answer;
      std::uint64_t last = 0;
      for (int round = 0; round < 3; ++round) {
        Store recovered = open_store(next);
        std::string seen;
        for (const char* const key : {"a", "b", "c", "d", "x"}) seen += value_of(recovered, key);
        if (round == 0) answer = seen;
        CHECK(seen == answer);
        CHECK(value_of(recovered, "x") == "(none)");
        for (const std::string& key : done) CHECK(value_of(recovered, key) == "1");
        CHECK(recovered.last_sequence() >= std::max(last, sequence + done.size()));
        recovered.write(WriteBatch().put(*recovered.find_tree("t"), "after", "1"));
        CHECK(recovered.last_sequence() > std::max(last, sequence + done.size()));
        last = recovered.last_sequence();
        next = next.after_crash(crash_shape(variant / 2, variant));
      }
    }
  }
  CHECK(failures > 100);
}

TEST_CASE("8: a batch over several trees is there in all of them or in none") {
  const SimulatedFileSystem disk;
  Store store = open_store(disk);
  std::vector<Tree> trees;
  for (const char* const name : {"one", "two", "three"}) trees.push_back(store.open_tree(name));
  WriteBatch batch;
  for (const Tree tree : trees) batch.put(tree, "k", long_value);
  std::set<int> met;
  SimulatedFileSystem watched = disk;
  watched.watch([&](DiskOperation) {
    for (std::size_t i = 0; i < 100; ++i) {
      const Store recovered = open_store(disk.after_crash(crash_shape(i, i)));
      int there = 0;
      for (const char* const name : {"one", "two", "three"}) {
        there += recovered.contains(recovered.find_tree(name).value(), "k") ? 1 : 0;
      }
      met.insert(there);
    }
  });
  store.write(batch);
  watched.watch({});
  CHECK(met == std::set<int>{0, 3});
}

TEST_CASE("10: what is replayed is done once, however often the store is opened") {
  SimulatedFileSystem disk = disk_with({"1", "2", "3"});
  std::uint64_t last = 0;
  std::size_t before = 0;
  for (int round = 0; round < 10; ++round) {
    const Store store = open_store(disk);
    std::set<std::uint64_t> sequences;
    std::size_t batches = 0;
    for (auto tail = store.tail(0); tail.valid(); tail.next()) {
      sequences.insert(tail.sequence());
      ++batches;
    }
    CHECK(sequences.size() == batches);
    if (round > 0) CHECK(batches == before);
    if (round > 0) CHECK(store.last_sequence() == last);
    before = batches;
    last = store.last_sequence();
    disk = disk.after_crash(crash_shape(static_cast<std::size_t>(round), 1));
  }
}

TEST_CASE("11: damage before what was acknowledged later is no end of the log") {
  for (const char* const value : {"first", "second"}) {
    for (unsigned bit = 0; bit < 40; ++bit) {
      INFO("bit " << bit << " of " << value);
      SimulatedFileSystem disk = disk_with({"first", "second", "third"});
      const Found at = find_in_log(disk, value);
      auto file = disk.open(at.path, OpenMode::write);
      std::string byte(1, value[bit / 8]);
      byte[0] = static_cast<char>(byte[0] ^ (1 << (bit % 8)));
      file.write_at(at.offset + bit / 8, byte);
      CHECK(kind_of([&] { (void)open_store(disk); }) == ErrorKind::corruption);
    }
  }
}

TEST_CASE("12: a file that was to grow and did not") {
  const SimulatedFileSystem disk;
  Store store = open_store(disk);
  const Tree tree = store.open_tree("t");
  store.write(WriteBatch().put(tree, "a", "1"));
  for (int i = 0; i < 6; ++i) {
    store.write(WriteBatch().put(tree, "k" + std::to_string(i), long_value), Durability::buffered);
    for (const auto data : {CrashShape::Data::none, CrashShape::Data::all}) {
      for (const auto size : {CrashShape::Size::old, CrashShape::Size::grown}) {
        const CrashShape shape{.entries = CrashShape::Entries::all, .data = data, .size = size};
        const Store recovered = open_store(disk.after_crash(shape));
        CHECK(value_of(recovered, "a") == "1");
        bool before = true;
        for (int j = 0; j <= i; ++j) {
          const bool there = value_of(recovered, "k" + std::to_string(j)) == long_value;
          CHECK((before || !there));
          before = there;
        }
      }
    }
  }
}

TEST_CASE("13: lengths and numbers that cannot be are refused, not followed") {
  const SimulatedFileSystem sound = disk_with({"first", "second", "third"});
  const Found at = find_in_log(sound, "second");
  for (std::uint64_t back = 1; back <= 48 && back <= at.offset; ++back) {
    for (const std::size_t width : {1U, 4U, 8U}) {
      INFO("bytes " << back << " before, " << width << " of them");
      SimulatedFileSystem disk = sound.after_kill();
      disk.open(at.path, OpenMode::write).write_at(at.offset - back, std::string(width, '\xff'));
      const auto kind = kind_of([&] {
        const Store store = open_store(disk);
        CHECK(value_of(store, "third") == "third");
      });
      CHECK((!kind || kind == ErrorKind::corruption));
    }
  }
}

TEST_CASE("14: what a write that found no room left behind is in nobody's way") {
  std::size_t failures = 0;
  for (std::uint64_t room = 0; room < 40'000; room += 997) {
    INFO("room for " << room << " bytes");
    SimulatedFileSystem disk;
    std::set<std::string> done;
    {
      Store store = open_store(disk);
      const Tree tree = store.open_tree("t");
      disk.set_capacity(used_bytes(disk) + room);
      for (int i = 0; i < 30; ++i) {
        const std::string key = "k" + std::to_string(i);
        if (kind_of([&] { store.write(WriteBatch().put(tree, key, std::string(1500, 'x'))); })) {
          ++failures;
          break;
        }
        done.insert(key);
      }
    }
    disk.set_capacity(std::uint64_t{1} << 40U);
    {
      Store store = open_store(disk);
      store.write(WriteBatch().put(store.open_tree("t"), "after", "1"));
    }
    const Store store = open_store(disk.after_crash(crash_shape(room, room)));
    CHECK(value_of(store, "after") == "1");
    for (const std::string& key : done) CHECK(value_of(store, key) == std::string(1500, 'x'));
  }
  CHECK(failures > 0);
}

TEST_CASE("15: a failure is told with its cause to each later write, and opening anew ends it") {
  for (const DiskOperation operation : {DiskOperation::write_through, DiskOperation::write}) {
    SimulatedFileSystem disk;
    std::set<std::string> done;
    for (int round = 0; round < 20; ++round) {
      INFO("round " << round);
      Store store = open_store(disk);
      const Tree tree = store.open_tree("t");
      for (const std::string& key : done) CHECK(value_of(store, key) == "1");
      const auto durability =
          operation == DiskOperation::write ? Durability::buffered : Durability::synced;
      const std::string key = "k" + std::to_string(round);
      store.write(WriteBatch().put(tree, key, "1"), durability);
      done.insert(key);
      disk.fail({.at = disk.operations(operation) + 1, .operation = operation});
      CHECK(kind_of([&] { store.write(WriteBatch().put(tree, "x", "1"), durability); }) ==
            ErrorKind::indeterminate);
      // The disk is sound again; the store says so long as it is open that it is not written.
      for (int i = 0; i < 3; ++i) {
        try {
          store.write(WriteBatch().put(tree, "y", "1"), durability);
          FAIL_CHECK("written after a failure");
        } catch (const Error& error) {
          CHECK(error.kind() == ErrorKind::poisoned);
          CHECK(std::string(error.what()).find("was planned") != std::string::npos);
        }
        CHECK(value_of(store, key) == "1");
        CHECK(value_of(store, "y") == "(none)");
      }
    }
  }
}
