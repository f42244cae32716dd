// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/counted.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/testing/faulty.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"
#include "child.hpp"
#include "temp_directory.hpp"
#include "toy_layers.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace varve;
using testing::DiskOperation;
using testing::SimulatedFileSystem;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

namespace {

using Disk = SimulatedFileSystem;
using MemoryWal = Wal<MemoryAdapter, Disk>;

template <class Stack = MemoryWal, class... Options>
Stack open_on(const Disk& disk, Options... options) {
  return open<Stack>("db", disk, std::move(options)...);
}

template <class Call>
Error error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  throw;
}

std::string value(const auto& store, const char* tree, const char* key) {
  const auto found = store.find_tree(tree);
  if (!found) return "no tree";
  return get_copy(store, *found, key).value_or("nothing");
}

/// What became durable: writes through and syncs.
std::uint64_t syncs(const Disk& disk) {
  return disk.operations(DiskOperation::sync) + disk.operations(DiskOperation::write_through);
}

const testing::CrashShape nothing_unsynced{};

}  // namespace

TEST_CASE("Wal: what was written synced survives power loss, over an engine that forgets") {
  const Disk disk;
  auto store = open_on(disk);
  const Tree gone = store.open_tree("gone");
  const Tree kept = store.open_tree("kept");
  put(store, gone, "k", "v");
  store.drop_tree(gone);
  store.write(WriteBatch().put(kept, "a", "1").put(kept, "b", "2"));
  store.write_and_drop(WriteBatch().erase(kept, "a"), {}, Durability::synced);
  const Tree both = store.open_tree("both");
  const std::vector<Tree> drops{both};
  store.write_and_drop(WriteBatch().put(kept, "c", "3"), drops, Durability::synced);

  auto again = open_on(disk.after_crash(nothing_unsynced));
  CHECK(again.find_tree("kept") == kept);
  CHECK(value(again, "kept", "a") == "nothing");
  CHECK(value(again, "kept", "b") == "2");
  CHECK(value(again, "kept", "c") == "3");
  CHECK_FALSE(again.find_tree("gone"));
  CHECK_FALSE(again.find_tree("both"));
  CHECK(again.open_tree("new").number() == both.number() + 1);
  CHECK(again.recovery().replayed == again.recovery().entries);
  CHECK_FALSE(again.recovery().torn_tail);
  CHECK(again.last_sequence() == store.last_sequence() + 1);
  CHECK_THAT(to_string(again.recovery()), ContainsSubstring("of them replayed"));
}

TEST_CASE("Wal: a buffered write survives the death of the process, and flush brings it to disk") {
  const Disk disk;
  auto store = open_on(disk);
  const Tree tree = store.open_tree("t");
  put(store, tree, "a", "1", Durability::buffered);
  CHECK(value(open_on(disk.after_kill()), "t", "a") == "1");
  CHECK(value(open_on(disk.after_crash(nothing_unsynced)), "t", "a") == "nothing");
  store.flush();
  CHECK(value(open_on(disk.after_crash(nothing_unsynced)), "t", "a") == "1");
}

TEST_CASE("Wal: each policy syncs when it says so") {
  const Disk disk;
  const auto policy = GENERATE(WalSync::always, WalSync::interval, WalSync::on_flush);
  auto store = open_on(disk, WalOptions{.sync = policy, .sync_interval_ms = 3'600'000});
  const Tree tree = store.open_tree("t");
  put(store, tree, "first", "1");
  const std::uint64_t before = syncs(disk);
  for (int i = 0; i < 10; ++i) put(store, tree, "k" + std::to_string(i), "v");
  const std::uint64_t synced = syncs(disk) - before;
  if (policy == WalSync::always) {
    CHECK(synced >= 10);
  } else {
    CHECK(synced == 0);
  }
  const bool there = value(open_on(disk.after_crash(nothing_unsynced)), "t", "k9") == "v";
  CHECK(there == (policy == WalSync::always));
  CHECK(value(open_on(disk.after_kill()), "t", "k9") == "v");
  store.flush();
  CHECK(value(open_on(disk.after_crash(nothing_unsynced)), "t", "k9") == "v");
}

namespace {

/// Whether `holds()` comes true within ten seconds.
bool comes_true(auto holds) {
  for (int i = 0; i < 1000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

TEST_CASE("Wal: with an interval what was written is on disk a while later, though nobody writes") {
  const Disk disk;
  auto store = open_on(disk, WalOptions{.sync = WalSync::interval, .sync_interval_ms = 20});
  const Tree tree = store.open_tree("t");
  for (const char* const key : {"a", "b"}) {
    put(store, tree, key, "1", key[0] == 'a' ? Durability::synced : Durability::buffered);
    CHECK(comes_true(
        [&] { return value(open_on(disk.after_crash(nothing_unsynced)), "t", key) == "1"; }));
  }
  const std::uint64_t before = disk.operations();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(disk.operations() == before);
}

TEST_CASE("Wal: with an interval a sync that fails by itself poisons the store") {
  const Disk disk;
  auto failing = disk;
  auto store = open_on(disk, WalOptions{.sync = WalSync::interval, .sync_interval_ms = 20});
  const Tree tree = store.open_tree("t");
  failing.fail({.at = disk.operations(DiskOperation::sync) + 1, .operation = DiskOperation::sync});
  put(store, tree, "a", "1");
  CHECK(comes_true([&] {
    try {
      put(store, tree, "b", "1");
    } catch (const Error& error) {
      return error.kind() == ErrorKind::poisoned;
    }
    return false;
  }));
  CHECK(error_of([&] { put(store, tree, "c", "1"); }).kind() == ErrorKind::poisoned);
  CHECK(value(store, "t", "a") == "1");
}

TEST_CASE("Wal: with an interval many may write while the log is synced, and it may be moved") {
  const Disk disk;
  {
    auto made = open_on(disk, WalOptions{.sync = WalSync::interval,
                                         .sync_interval_ms = 1,
                                         .checkpoint_bytes = 20'000,
                                         .segment_bytes = 8192});
    auto store = std::move(made);
    const Tree tree = store.open_tree("t");
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 3; ++writer) {
      writers.emplace_back([&, writer] {
        for (int i = 0; i < 300; ++i) {
          put(store, tree, std::to_string(writer) + ":" + std::to_string(i), std::string(50, 'v'));
          if (i % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
  }
  auto again = open_on(disk.after_crash(nothing_unsynced));
  CHECK(count(again, *again.find_tree("t")) == 900);
}

TEST_CASE("Wal: a batch that is refused leaves nothing in the log") {
  const Disk disk;
  auto store = open_on(disk, MemoryOptions{.max_key_bytes = 10, .max_value_bytes = 100});
  const Tree tree = store.open_tree("t");
  const Tree gone = store.open_tree("gone");
  store.drop_tree(gone);
  const std::uint64_t before = store.last_sequence();
  const auto refused = [&](const WriteBatch& batch) {
    CHECK(error_of([&] { store.write(batch); }).kind() == ErrorKind::invalid_argument);
  };
  refused(WriteBatch().put(tree, "a", "1").put(tree, std::string(11, 'k'), "v"));
  refused(WriteBatch().put(tree, "a", "1").put(tree, "k", std::string(101, 'v')));
  refused(WriteBatch().put(tree, "a", "1").put(gone, "k", "v"));
  refused(WriteBatch().put(tree, "a", "1").put(Tree(77, "never"), "k", "v"));
  CHECK(error_of([&] { (void)store.open_tree("varve.wal"); }).kind() ==
        ErrorKind::invalid_argument);
  const std::vector<Tree> drops{gone};
  CHECK(error_of([&] {
          store.write_and_drop(WriteBatch().put(tree, "a", "1"), drops, Durability::synced);
        }).kind() == ErrorKind::invalid_argument);
  CHECK(store.last_sequence() == before);
  put(store, tree, "b", "1");
  CHECK(store.last_sequence() == before + 1);
  const auto again = open_on(disk.after_kill());
  CHECK(value(again, "t", "a") == "nothing");
  CHECK(value(again, "t", "b") == "1");
}

TEST_CASE("Wal: a failed write to disk is indeterminate, and nothing is written after it") {
  const Disk disk;
  auto failing = disk;
  auto store = open_on(disk);
  const Tree tree = store.open_tree("t");
  put(store, tree, "a", "1");
  for (const DiskOperation kind : {DiskOperation::write_through, DiskOperation::sync}) {
    failing.fail({.at = disk.operations(kind) + 1, .operation = kind});
  }
  CHECK(error_of([&] { put(store, tree, "b", "1"); }).kind() == ErrorKind::indeterminate);
  const std::uint64_t operations = disk.operations();
  CHECK(error_of([&] { put(store, tree, "c", "1"); }).kind() == ErrorKind::poisoned);
  CHECK(error_of([&] { store.flush(); }).kind() == ErrorKind::poisoned);
  CHECK(error_of([&] { (void)store.open_tree("u"); }).kind() == ErrorKind::poisoned);
  CHECK(error_of([&] { store.drop_tree(tree); }).kind() == ErrorKind::poisoned);
  CHECK(disk.operations() == operations);
  CHECK(value(store, "t", "a") == "1");
  CHECK(value(store, "t", "b") == "nothing");
  failing.heal();
  auto again = open_on(disk.after_crash(nothing_unsynced));
  CHECK(value(again, "t", "a") == "1");
  CHECK(value(again, "t", "c") == "nothing");
  const std::string decided = value(again, "t", "b");
  put(again, tree, "d", "1");
  CHECK(value(open_on(disk.after_crash(nothing_unsynced)), "t", "b") == decided);
}

TEST_CASE("Wal: where the layer below fails to take a logged batch, reopening does it") {
  const Disk disk;
  using Stack = Wal<testing::Faulty<MemoryAdapter>, Disk>;
  const auto plan = std::make_shared<testing::FaultPlan>();
  auto store = open_on<Stack>(disk, testing::FaultyOptions{.plan = plan});
  const Tree tree = store.open_tree("t");
  plan->add({.call = testing::Call::write});
  CHECK(error_of([&] { put(store, tree, "a", "1"); }).kind() == ErrorKind::indeterminate);
  CHECK(error_of([&] { put(store, tree, "b", "1"); }).kind() == ErrorKind::poisoned);
  CHECK(value(store, "t", "a") == "nothing");
  const auto again = open_on<Stack>(disk.after_kill());
  CHECK(value(again, "t", "a") == "1");
  CHECK(value(again, "t", "b") == "nothing");
}

TEST_CASE("Wal: over an engine that forgets the log stays bounded by images") {
  const Disk disk;
  const WalOptions options{.checkpoint_bytes = 20'000, .segment_bytes = 16'384};
  auto store = open_on(disk, options);
  const Tree gone = store.open_tree("gone");
  store.drop_tree(gone);
  const Tree tree = store.open_tree("t");
  for (int i = 0; i < 3000; ++i) {
    put(store, tree, std::to_string(i % 50), std::string(100, 'v') + std::to_string(i),
        Durability::buffered);
  }
  CHECK(store.size_on_disk() < 400'000);
  auto again = open_on(disk.after_kill(), options);
  CHECK(again.recovery().image_sequence > 0);
  CHECK(again.recovery().replayed < 1000);
  CHECK(again.find_tree("t") == tree);
  for (int i = 2950; i < 3000; ++i) {
    CHECK(get_copy(again, tree, std::to_string(i % 50)) ==
          std::string(100, 'v') + std::to_string(i));
  }
  CHECK(again.open_tree("next").number() == tree.number() + 1);
  CHECK(again.last_sequence() == store.last_sequence() + 1);
}

TEST_CASE("Wal: the log stays bounded, however long it is written and however small the batches") {
  const Disk disk;
  const WalOptions options{
      .checkpoint_bytes = 20'000, .segment_bytes = 16'384, .spare_segments = 2};
  auto store = open_on(disk, options);
  const Tree tree = store.open_tree("t");
  // Twice the bytes between two images, two segments, the spare ones, and the image, of less than
  // 2000 bytes.
  const std::uint64_t most = 2 * options.checkpoint_bytes + 4 * options.segment_bytes + 2000;
  const WalStatistics before = store.statistics();
  std::uint64_t largest = 0;
  for (int i = 0; i < 30'000; ++i) {
    put(store, tree, std::to_string(i % 10), "v", Durability::buffered);
    if (i % 10 == 0) store.drop_tree(store.open_tree("passing"));
    largest = std::max(largest, store.size_on_disk());
  }
  CHECK(largest < most);
  CHECK(Disk(disk).list("db/wal").size() < 12);
  const WalStatistics statistics = store.statistics();
  CHECK(statistics.batches - before.batches == 30'000);
  CHECK(statistics.groups - before.groups == 30'000);
  CHECK(statistics.segments > 50);
  CHECK(statistics.recycled_segments > statistics.segments - 10);
  CHECK(statistics.log_bytes <= most);
  CHECK(count(open_on(disk.after_kill(), options), tree) == 10);
}

TEST_CASE("Wal: the last tree's number is not given again, when it was dropped before the image") {
  const Disk disk;
  Tree last;
  {
    auto store = open_on(disk);
    static_cast<void>(store.open_tree("kept"));
    last = store.open_tree("gone");
    store.drop_tree(last);
    store.trim_log();
  }
  const Disk left = disk.after_crash(nothing_unsynced);
  {
    auto again = open_on(left);
    CHECK(again.recovery().image_sequence > 0);
    again.trim_log();
  }
  auto third = open_on(left.after_crash(nothing_unsynced));
  CHECK(third.open_tree("new").number() == last.number() + 1);
}

TEST_CASE("Wal: an image has a byte for each tree that it speaks of") {
  Disk disk;
  Tree last;
  std::vector<TreeInfo> trees;
  {
    auto store = open_on(disk);
    for (int i = 0; i < 3000; ++i) {
      last = store.open_tree("t" + std::to_string(i));
      if (i % 1000 != 0) store.drop_tree(last);
    }
    trees = store.trees();
    put(store, *store.find_tree("t2000"), "a", "1");
    store.trim_log();
  }
  {
    auto again = open_on(disk);
    CHECK(again.recovery().image_sequence > 0);
    CHECK(again.trees() == trees);
    CHECK(value(again, "t2000", "a") == "1");
    CHECK(again.open_tree("next").number() == last.number() + 1);
  }
  for (const std::uint32_t number : {1U, 3'000'000U, 0xffff'ffffU}) {
    INFO(number << " trees");
    std::string payload(detail::image_magic);
    detail::append_number(payload, std::uint64_t{1});
    detail::append_number(payload, number);
    std::string bytes;
    for (const std::string& block : {payload, std::string()}) {
      detail::append_number(bytes, std::uint64_t{block.size()});
      detail::append_number(bytes, detail::image_checksum(block.empty() ? 1 : 0, block));
      bytes += block;
    }
    replace_file(disk, "db/wal", "image", bytes);
    CHECK(error_of([&] { (void)open_on(disk); }).kind() == ErrorKind::corruption);
  }
}

TEST_CASE("Wal: a file with a number that no segment has is not of the log") {
  Disk disk;
  {
    auto store = open_on(disk);
    put(store, store.open_tree("t"), "a", "1");
  }
  const std::string first = "db/wal/" + detail::segment_name(1);
  auto head = detail::decode_segment_head(*read_small_file(disk, first, 1U << 30U));
  REQUIRE(head);
  head->number = ~std::uint64_t{0};
  head->first = head->follows = 3;
  replace_file(disk, "db/wal", std::to_string(head->number) + ".log", detail::encode(*head));
  for (const char* const key : {"b", "c"}) {
    auto store = open_on(disk);
    put(store, store.open_tree("t"), key, "2");
  }
  const auto store = open_on(disk);
  CHECK(count(store, *store.find_tree("t")) == 3);
}

TEST_CASE("Wal: a child of fork is refused at once, whatever its parent does, and may end") {
  const Disk disk;
  auto store = std::make_unique<MemoryWal>(
      open_on(disk, WalOptions{.sync = WalSync::interval, .sync_interval_ms = 3'600'000}));
  const Tree tree = store->open_tree("t");
  put(*store, tree, "a", "1");
  // Somebody is always inside: with luck the child is made while the parent holds its locks.
  std::atomic<bool> stop{false};
  std::thread trimmer([&] {
    while (!stop) store->trim_log();
  });
  int good = 0;
  for (int round = 0; round < 5; ++round) {
    const bool refused_everything = varve_test::child_succeeds([&] {
      ::alarm(20);
      int refused = 0;
      for (int i = 0; i < 3; ++i) {
        try {
          if (i == 0) store->flush();
          if (i == 1) store->trim_log();
          if (i == 2) put(*store, tree, "b", "2");
        } catch (const Error& error) {
          refused += error.kind() == ErrorKind::invalid_argument ? 1 : 0;
        }
      }
      store.reset();
      return refused == 3;
    });
    good += refused_everything ? 1 : 0;
  }
  stop = true;
  trimmer.join();
  CHECK(good == 5);
  put(*store, tree, "c", "3");
  store.reset();
  CHECK(value(open_on(disk), "t", "b") == "nothing");
  CHECK(value(open_on(disk), "t", "c") == "3");
}

TEST_CASE("Wal: a damaged image is refused, whatever byte it is") {
  const Disk disk;
  std::string image;
  {
    auto store = open_on(disk);
    const Tree tree = store.open_tree("t");
    for (int i = 0; i < 20; ++i) put(store, tree, std::to_string(i), "value");
    store.trim_log();
    image = *read_small_file(const_cast<Disk&>(disk), "db/wal/image", 1U << 20U);
  }
  const auto opens_with = [&](const std::string& bytes) {
    auto copy = disk.after_kill();
    auto file = copy.open("db/wal/image", OpenMode::write);
    file.truncate(0);
    file.write_at(0, bytes);
    const auto store = open_on(copy);
    return value(store, "t", "7");
  };
  CHECK(opens_with(image) == "value");
  for (std::size_t at = 0; at < image.size(); ++at) {
    std::string damaged = image;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    if (error_of([&] { opens_with(damaged); }).kind() != ErrorKind::corruption) {
      FAIL("byte " << at << " is not refused with corruption");
    }
    const std::string cut = image.substr(0, at);
    if (error_of([&] { opens_with(cut); }).kind() != ErrorKind::corruption) {
      FAIL("a cut at " << at << " is not refused with corruption");
    }
  }
  CHECK(error_of([&] { opens_with(image + "x"); }).kind() == ErrorKind::corruption);
}

TEST_CASE("Wal: an image that goes missing is not taken for an empty store") {
  Disk disk;
  {
    auto store = open_on(disk, WalOptions{.segment_bytes = 8192});
    const Tree tree = store.open_tree("t");
    for (int i = 0; i < 300; ++i) put(store, tree, std::to_string(i), std::string(100, 'v'));
    store.trim_log();
    put(store, tree, "b", "1");
  }
  disk.remove("db/wal/image");
  CHECK(error_of([&] { (void)open_on(disk); }).kind() == ErrorKind::corruption);
}

static_assert(TailEngine<MemoryWal>);

TEST_CASE("Wal: the tail gives acknowledged batches as they come") {
  const Disk disk;
  using Stack = Wal<MemoryAdapter, Disk>;
  auto store = open_on<Stack>(disk);
  const Tree tree = store.open_tree("t");
  const WriteBatch first = WriteBatch().put(tree, "a", "1");
  const WriteBatch second = WriteBatch().put(tree, "b", "2");
  const std::uint64_t from = store.last_sequence() + 1;
  auto tail = store.tail(from);
  CHECK_FALSE(tail.valid());
  store.write(first);
  static_cast<void>(store.open_tree("u"));
  tail.next();
  REQUIRE(tail.valid());
  CHECK(tail.sequence() == from);
  CHECK(tail.batch() == first);
  tail.next();
  CHECK_FALSE(tail.valid());
  store.write(second);
  tail.next();
  REQUIRE(tail.valid());
  CHECK(tail.sequence() == store.last_sequence());
  CHECK(tail.batch() == second);
}

TEST_CASE("Wal: the tail reaches into the archive, and says where it ends without one") {
  const Disk disk;
  const bool archives = GENERATE(true, false);
  auto store = open_on(
      disk, WalOptions{.segment_bytes = 4096, .archive_directory = archives ? "old/logs" : ""});
  const Tree tree = store.open_tree("t");
  const std::uint64_t from = store.last_sequence() + 1;
  for (int i = 0; i < 500; ++i) {
    put(store, tree, std::to_string(i), std::string(50, 'v'));
    if (i % 100 == 50) store.trim_log();
  }
  if (!archives) {
    CHECK(error_of([&] { (void)store.tail(from); }).kind() == ErrorKind::not_supported);
    return;
  }
  int met = 0;
  for (auto tail = store.tail(from); tail.valid(); tail.next(), ++met) {
    CHECK(tail.sequence() == from + static_cast<std::uint64_t>(met));
    CHECK((*tail.batch().begin()).key == std::to_string(met));
  }
  CHECK(met == 500);
}

TEST_CASE("Wal: writers and a reader of the tail may run at once") {
  const Disk disk;
  auto store = open_on(
      disk,
      WalOptions{.checkpoint_bytes = 4000, .segment_bytes = 4096, .archive_directory = "old"});
  const Tree tree = store.open_tree("t");
  const std::uint64_t from = store.last_sequence() + 1;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 3; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 200; ++i) {
        put(store, tree, std::to_string(writer) + ":" + std::to_string(i), "value");
      }
    });
  }
  std::uint64_t met = 0;
  std::uint64_t previous = 0;
  for (auto tail = store.tail(from); met < 600; tail.next()) {
    if (!tail.valid()) continue;
    CHECK(tail.sequence() > previous);
    CHECK(tail.sequence() <= store.last_sequence());
    previous = tail.sequence();
    ++met;
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(previous == store.last_sequence());
  CHECK(count(open_on(disk.after_crash(nothing_unsynced)), tree) == 600);
}

TEST_CASE("Wal: a finished bulk load survives power loss, over an engine that forgets") {
  const Disk disk;
  auto store = open_on(disk);
  const Tree tree = store.open_tree("t");
  auto loader = store.bulk_loader(tree);
  for (int i = 1000; i < 2000; ++i) loader.put(std::to_string(i), "v");
  loader.finish();
  put(store, tree, "after", "1");
  const auto again = open_on(disk.after_crash(nothing_unsynced));
  CHECK(count(again, tree) == 1001);
}

TEST_CASE("Wal: two may not have one log, and other layers are refused") {
  const Disk disk;
  {
    auto store = open_on(disk);
    CHECK(error_of([&] { (void)open_on(disk); }).kind() == ErrorKind::busy);
  }
  { auto store = open_on<toys::JoiningVersions<MemoryWal>>(disk); }
  CHECK(error_of([&] { (void)open_on(disk); }).kind() == ErrorKind::stack_mismatch);
}
