// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace varve;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

namespace {

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

std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  std::error_code ignored;  // of a file that goes while they are listed
  for (auto it = std::filesystem::recursive_directory_iterator(directory, ignored);
       it != std::filesystem::recursive_directory_iterator(); it.increment(ignored)) {
    names.insert(it->path().string());
  }
  return names;
}

/// The files as they are now, which is what a process that dies now leaves. Threads of the engine
/// may make and remove files meanwhile: they are copied again until none did.
std::string files_now(const TempDirectory& directory, const std::string& name) {
  const std::string from = directory / "data";
  const std::string to = directory / name;
  for (;;) {
    std::error_code failed;
    const auto before = names_in(from);
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive, failed);
    if (!failed && names_in(from) == before) return to;
    std::filesystem::remove_all(to);
  }
}

std::string value(const auto& store, const char* tree, const char* key) {
  const auto found = store.find_tree(tree);
  if (!found) return "no tree";
  return get_copy(store, *found, key).value_or("nothing");
}

}  // namespace

TEMPLATE_TEST_CASE("Wal: what the engine lost is replayed, once", "",
                   VARVE_STACKS_OF_LANE(RocksAdapter, LmdbAdapter)) {
  const TempDirectory directory;
  using Stack = Wal<TestType>;
  auto store = open<Stack>(directory / "data");
  const Tree tree = store.open_tree("t");
  const Tree gone = store.open_tree("gone");
  put(store, tree, "flushed", "1");
  store.flush();
  for (int i = 0; i < 100; ++i) put(store, tree, std::to_string(i), "v");
  store.write(WriteBatch().put(gone, "k", "v").put(tree, "beside", "1"));
  store.drop_tree(gone);
  put(store, tree, "after", "1", Durability::buffered);
  const std::uint64_t last = store.last_sequence();

  const std::string copy = files_now(directory, "copy");
  {
    const auto again = open<Stack>(copy);
    CHECK(again.find_tree("t") == tree);
    CHECK_FALSE(again.find_tree("gone"));
    for (const char* const key : {"flushed", "beside", "after"})
      CHECK(value(again, "t", key) == "1");
    CHECK(count(again, tree) == 103);
    CHECK(again.last_sequence() == last);
    if (std::is_same_v<TestType, RocksAdapter>) CHECK(again.recovery().replayed == 103);
  }
  const auto third = open<Stack>(copy);
  CHECK(third.recovery().replayed == 0);
  CHECK(third.last_sequence() == last);
  CHECK(count(third, tree) == 103);
}

TEMPLATE_TEST_CASE("Wal: a log that was emptied after a tree was dropped goes on without a hole",
                   "", VARVE_STACKS_OF_LANE(RocksAdapter, LmdbAdapter)) {
  const TempDirectory directory;
  using Stack = Wal<TestType>;
  auto store = open<Stack>(directory / "data", WalOptions{.segment_bytes = 1});
  const Tree tree = store.open_tree("t");
  store.drop_tree(store.open_tree("gone"));
  store.flush();
  put(store, tree, "a", "1");
  CHECK(value(open<Stack>(files_now(directory, "copy")), "t", "a") == "1");
}

TEST_CASE("Wal: RocksDB below keeps no log of its own, unless it is asked for by name") {
  const TempDirectory directory;
  using Stack = Wal<RocksAdapter>;
  {
    const auto store = open<Stack>(directory / "data");
    CHECK(store.next().options().own_log == OwnLog::off);
    CHECK(store.next().database().GetDBOptions().atomic_flush);
  }
  const Error error =
      error_of([&] { (void)open<Stack>(directory / "data", RocksOptions{.own_log = OwnLog::on}); });
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK_THAT(error.what(), ContainsSubstring("logged twice"));
  {
    auto store = open<Stack>(directory / "data", RocksOptions{.own_log = OwnLog::beside_another});
    put(store, store.open_tree("t"), "a", "1");
  }
  CHECK(value(open<Stack>(directory / "data"), "t", "a") == "1");
  const TempDirectory other;
  const auto alone = open<RocksAdapter>(other / "data");
  CHECK(alone.options().own_log == OwnLog::automatic);
  CHECK(alone.options().logs());
}

TEMPLATE_TEST_CASE("Wal: a store with a log is not opened without it", "",
                   VARVE_STACKS_OF_LANE(RocksAdapter, LmdbAdapter)) {
  const TempDirectory directory;
  {
    auto store = open<Wal<TestType>>(directory / "data");
    put(store, store.open_tree("t"), "a", "1");
  }
  const Error error = error_of([&] { (void)open<TestType>(directory / "data"); });
  CHECK(error.kind() == ErrorKind::stack_mismatch);
  CHECK_THAT(error.what(), ContainsSubstring("wal"));
}

TEMPLATE_TEST_CASE("Wal: it joins a store that was written without it", "",
                   VARVE_STACKS_OF_LANE(RocksAdapter, LmdbAdapter)) {
  const TempDirectory directory;
  {
    auto store = open<TestType>(directory / "data");
    put(store, store.open_tree("t"), "a", "1");
  }
  auto store = open<Wal<TestType>>(directory / "data");
  CHECK(value(store, "t", "a") == "1");
  put(store, *store.find_tree("t"), "b", "1");
  CHECK(value(open<Wal<TestType>>(files_now(directory, "copy")), "t", "b") == "1");
}

TEMPLATE_TEST_CASE("Wal: a log that is gone, or another store's, is refused", "",
                   VARVE_STACKS_OF_LANE(RocksAdapter, LmdbAdapter)) {
  const TempDirectory directory;
  using Stack = Wal<TestType>;
  auto store = open<Stack>(directory / "data");
  const Tree tree = store.open_tree("t");
  put(store, tree, "a", "1");
  const std::string gone = files_now(directory, "gone");
  std::filesystem::remove_all(gone + "/wal");
  if (!std::is_same_v<TestType, RocksAdapter>) {  // whose memory died with the process
    CHECK(error_of([&] { (void)open<Stack>(gone); }).kind() == ErrorKind::corruption);
    CHECK(value(open<Stack>(gone, WalOptions{.salvage = true}), "t", "a") == "1");
  }
  const std::string swapped = files_now(directory, "swapped");
  std::filesystem::remove_all(swapped + "/" + std::string(TestType::name));
  const Error error = error_of([&] { (void)open<Stack>(swapped); });
  CHECK(error.kind() == ErrorKind::corruption);
  CHECK_THAT(error.what(), ContainsSubstring("do not belong together"));
}

TEMPLATE_TEST_CASE("Wal: a checkpoint opens without the log", "",
                   VARVE_STACKS_OF_LANE(RocksAdapter, LmdbAdapter)) {
  const TempDirectory directory;
  using Stack = Wal<TestType>;
  auto store = open<Stack>(directory / "data");
  const Tree tree = store.open_tree("t");
  put(store, tree, "a", "1");
  std::filesystem::create_directory(directory / "copy");
  store.checkpoint(directory / "copy/" + std::string(TestType::name));
  put(store, tree, "b", "1");
  auto copy = open<Stack>(directory / "copy");
  CHECK(value(copy, "t", "a") == "1");
  CHECK(value(copy, "t", "b") == "nothing");
  put(copy, tree, "c", "1");
  CHECK(copy.last_sequence() > 0);
}

TEMPLATE_TEST_CASE("Wal: what was logged before a bulk load is not replayed over it", "",
                   VARVE_STACKS_OF_LANE(RocksAdapter, LmdbAdapter)) {
  const TempDirectory directory;
  using Stack = Wal<TestType>;
  auto store = open<Stack>(directory / "data");
  const Tree tree = store.open_tree("t");
  put(store, tree, "a", "before");
  put(store, tree, "b", "before");
  auto loader = store.bulk_loader(tree);
  loader.put("a", "loaded");
  loader.finish();
  put(store, tree, "b", "after");
  const auto again = open<Stack>(files_now(directory, "copy"));
  CHECK(value(again, "t", "a") == "loaded");
  CHECK(value(again, "t", "b") == "after");
}

TEMPLATE_TEST_CASE("Wal: over a durable engine the log stays bounded", "",
                   VARVE_STACKS_OF_LANE(RocksAdapter, LmdbAdapter)) {
  const TempDirectory directory;
  auto store = open<Wal<TestType>>(
      directory / "data", WalOptions{.checkpoint_bytes = 100'000, .segment_bytes = 65'536});
  const Tree tree = store.open_tree("t");
  for (int i = 0; i < 3000; ++i) {
    put(store, tree, std::to_string(i % 10), std::string(200, 'v'), Durability::buffered);
  }
  CHECK(store.size_on_disk() - store.next().size_on_disk() < 1'000'000);
}

TEMPLATE_TEST_CASE("Wal: the log goes only as far as the engine below is on disk", "",
                   VARVE_STACKS_OF_LANE(RocksAdapter, LmdbAdapter)) {
  const TempDirectory directory;
  using Stack = Wal<TestType>;
  const WalOptions options{.checkpoint_bytes = 6000, .segment_bytes = 2000};
  auto store = open<Stack>(directory / "data", options);
  const Tree tree = store.open_tree("t");
  std::uint64_t largest = 0;
  int lost = 0;
  for (int i = 0; i < 400; ++i) {
    put(store, tree, std::to_string(i), std::string(80, 'v'), Durability::buffered);
    largest = std::max(largest, store.statistics().log_bytes);
    if (i % 57 != 50) continue;
    const std::string copy = files_now(directory, "copy" + std::to_string(i));
    const auto again = open<Stack>(copy, options);
    for (int back = 0; back <= i; ++back) {
      lost += get_copy(again, tree, std::to_string(back)) == std::string(80, 'v') ? 0 : 1;
    }
    CHECK(again.last_sequence() == store.last_sequence());
  }
  CHECK(lost == 0);
  CHECK(largest < 2 * 6000 + 6 * 20'000);
  CHECK(store.statistics().recycled_segments > 0);
}
