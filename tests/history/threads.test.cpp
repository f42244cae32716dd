// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/history/height_error.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/layers/wal.hpp>
#include <varve/merkle/verify.hpp>
#include <varve/open.hpp>
#include <varve/testing/model/random.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace varve;
using varve::testing::Random;

namespace {

constexpr std::uint64_t keys = 24;

std::string key_of(std::uint64_t number) {
  return "key " + std::to_string(100 + number);
}

/// What a height of a branch holds. It says which branch it is of.
std::map<std::string, std::string> contents_of(std::uint64_t height, std::uint64_t branch) {
  std::map<std::string, std::string> contents;
  if (height == 0) return contents;
  contents["branch"] = std::to_string(branch);
  for (std::uint64_t i = 0; i != keys; ++i) {
    if ((height * 7 + branch + i) % 5 == 0) continue;
    contents[key_of(i)] = std::to_string((height + branch + i) / 3);
  }
  return contents;
}

WriteBatch batch_of(Tree tree, std::uint64_t height, std::uint64_t branch) {
  WriteBatch batch;
  const auto contents = contents_of(height, branch);
  batch.put(tree, "branch", contents.at("branch"));
  for (std::uint64_t i = 0; i != keys; ++i) {
    const auto record = contents.find(key_of(i));
    if (record == contents.end()) {
      batch.erase(tree, key_of(i));
    } else {
      batch.put(tree, key_of(i), record->second);
    }
  }
  return batch;
}

/// Whether all that is read is of one branch.
template <class R>
bool holds(const R& reader, Tree tree, std::uint64_t height, Random& random) {
  const auto branch = get_copy(reader, tree, "branch");
  if (branch.has_value() == (height == 0)) return false;
  const auto contents = contents_of(height, branch ? std::stoull(*branch) : 0);
  const auto order = random.one_in(2) ? Order::ascending : Order::descending;
  std::map<std::string, std::string> found;
  for (auto scan = reader.scan(tree, KeyRange::all(), order); scan.valid(); scan.next()) {
    found.emplace(scan.entry().key, scan.entry().value);
  }
  if (found != contents) return false;
  for (int i = 0; i != 5; ++i) {
    const std::string key = key_of(random.below(keys));
    const auto value = reader.get(tree, key);
    const auto record = contents.find(key);
    if (value.has_value() != (record != contents.end())) return false;
    if (value && value->view() != record->second) return false;
  }
  return true;
}

template <class Stack>
constexpr bool has_roots = requires(const Stack& store) { store.root(); };

/// Whether a proof says what the height holds. Its root is asked for before and after: nothing
/// where the height was taken back and made anew between.
template <class Stack>
std::optional<bool> proves(const Stack& store, Tree tree, Height height, Random& random) {
  const std::string key = key_of(random.below(keys));
  const StateRoot root = store.root(height);
  const auto value = get_copy(store.at(height), tree, key);
  const std::string proof = store.prove(tree, key, height);
  if (store.root(height) != root) return std::nullopt;
  const auto held = value ? std::optional<BytesView>(*value) : std::nullopt;
  return merkle::verify(root, "records", key, held, proof).fault == merkle::ProofFault::none;
}

template <class Stack>
void stress(std::chrono::milliseconds time) {
  const varve_test::TempDirectory directory;
  const VersionedOptions options{.retain_heights = 6};
  const auto make = [&] {
    if constexpr (needs_directory<Stack>) {
      return new Stack(open<Stack>(directory / "db", options));
    } else {
      return new Stack(open<Stack>(options));
    }
  };
  const std::unique_ptr<Stack> store(make());
  const Tree tree = store->open_tree("records");
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> reads{0};
  std::atomic<std::uint64_t> proofs{0};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t reader = 0; reader != 2; ++reader) {
    threads.emplace_back([&, reader] {
      Random random(reader);
      while (!stop.load()) {
        const std::uint64_t oldest = store->oldest().value;
        const std::uint64_t height = oldest + random.below(8);
        try {
          const auto past = store->at(Height{height});
          for (int i = 0; i != 3; ++i) {
            if (!holds(past, tree, height, random)) wrong.fetch_add(1);
          }
          if constexpr (has_roots<Stack>) {
            const auto proved = proves(*store, tree, Height{height}, random);
            if (proved == false) wrong.fetch_add(1);
            if (proved == true) proofs.fetch_add(1);
          }
          reads.fetch_add(1);
        } catch (const HeightError&) {
        }
      }
    });
  }
  threads.emplace_back([&] {
    Random random(9);
    while (!stop.load()) {
      static_cast<void>(store->prune_step(1 + random.below(64)));
      std::this_thread::yield();
    }
  });
  Random random(1);
  std::uint64_t rollbacks = 0;  // and the number of the branch
  const auto start = std::chrono::steady_clock::now();
  const auto passed = [&] { return std::chrono::steady_clock::now() - start; };
  // Longer where the machine is busy: until there was some of everything.
  const auto enough = [&] {
    return rollbacks >= 6 && reads.load() >= 10 && (!has_roots<Stack> || proofs.load() != 0);
  };
  while (passed() < time || (!enough() && passed() < 60 * time)) {
    if (random.one_in(12)) {
      const std::uint64_t latest = store->latest().value;
      const std::uint64_t oldest = store->oldest().value;
      store->rollback(Height{oldest + random.next() % (latest - oldest + 1)});
      ++rollbacks;
    } else {
      const std::uint64_t height = store->latest().value + 1;
      store->commit(batch_of(tree, height, rollbacks), Height{height}, Durability::buffered);
    }
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  const auto statistics = store->statistics();
  std::printf(
      "figures: %llu reads of old heights beside %llu heights, %llu rollbacks and %llu "
      "records pruned\n",
      static_cast<unsigned long long>(reads.load()),
      static_cast<unsigned long long>(statistics.commits),
      static_cast<unsigned long long>(rollbacks),
      static_cast<unsigned long long>(statistics.pruned));
  CHECK(wrong.load() == 0);
  CHECK(reads.load() > 0);
  CHECK(rollbacks > 0);
  CHECK((proofs.load() > 0) == has_roots<Stack>);
  CHECK((statistics.pruned > 0 || statistics.commits < 100));
}

}  // namespace

TEMPLATE_TEST_CASE(
    "Versioned: readers of old heights see them whole beside commits, pruning and rollback", "",
    VARVE_STACKS_OF_LANE((Versioned<MemoryAdapter>), (Versioned<MemoryAdapter, Uncommitted>),
                         (Versioned<LmdbAdapter>), (Versioned<RocksAdapter, Uncommitted>),
                         (Versioned<Cached<Wal<RocksAdapter>>>))) {
  stress<TestType>(std::chrono::milliseconds(500));
}
