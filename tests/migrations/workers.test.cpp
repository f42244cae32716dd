// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/faulty.hpp>

#include "catch.hpp"
#include "migrations/blocks.hpp"
#include "migrations/there_and_back.hpp"
#include "temp_directory.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::blocks;
using namespace varve_test::there_and_back;
using testing::Call;
using testing::Faulty;
using testing::FaultyOptions;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

namespace {

constexpr std::uint64_t blocks_made = 300;
constexpr std::size_t batch_records = 16;

using Engines =
    std::tuple<VARVE_STACKS_OF_LANE(Cached<Wal<MemoryAdapter>>, LmdbAdapter, RocksAdapter)>;

template <class Below>
void fill(const std::string& directory) {
  auto store = open<Below>(directory);
  fill_version_1(store, blocks_made);
}

/// What is the same in two stores that went through the same: all records, and what the ledger has
/// of the steps, but for who did it when.
struct Outcome {
  Contents contents;
  std::vector<std::uint64_t> figures;
  std::vector<std::string> refused;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

template <class Store>
Outcome outcome(Store& store) {
  Outcome all{.contents = contents(store), .figures = {}, .refused = {}};
  for (const LedgerStep& step : store.history()) {
    all.figures.insert(all.figures.end(), {step.from, step.to, step.records, step.refused});
  }
  for (const LedgerRefusal& one : store.refusals()) {
    all.refused.insert(all.refused.end(), {one.tree, one.key, one.value, one.reason});
  }
  return all;
}

MigratedOptions adopting(std::size_t workers) {
  MigratedOptions options{.adopt_as = 1};
  options.run.batch_records = batch_records;
  options.run.workers = workers;
  return options;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("RunOptions: the store is the same after any number of workers", "",
                        Engines) {
  const TempDirectory home;
  const auto run = [&](std::size_t workers) {
    const std::string directory = home / ("store" + std::to_string(workers));
    fill<TestType>(directory);
    std::vector<Outcome> outcomes;
    std::vector<std::uint64_t> reports;
    MigratedOptions options = adopting(workers);
    options.run.progress = [&](const MigrationProgress& progress) {
      if (!progress.verifying) reports.push_back(progress.done);
    };
    {
      auto store = open<Migrated<New, TestType>>(directory, options);
      outcomes.push_back(outcome(store));
    }
    options.take_back_to = 1;
    auto store = open<Migrated<New, TestType>>(directory, options);
    outcomes.push_back(outcome(store));
    return std::pair(outcomes, reports);
  };
  const auto alone = run(0);
  CHECK(alone.first.front().contents.at("blocks_by_hash").size() == blocks_made);
  for (const std::size_t workers : {1U, 2U, 4U}) {
    CAPTURE(workers);
    CHECK(run(workers) == alone);
  }
}

TEMPLATE_LIST_TEST_CASE("RunOptions: the same records are put aside by any number of workers", "",
                        Engines) {
  const TempDirectory home;
  using Store = Migrated<PickyChain, TestType>;
  const auto run = [&](std::size_t workers) {
    const std::string directory = home / ("store" + std::to_string(workers));
    fill<TestType>(directory);
    MigratedOptions options = adopting(workers);
    CHECK(refusal<Store>(directory, options).kind() == ErrorKind::schema_loss);
    options.accept_loss = plan<Store>(directory).hash();
    // Whichever record a worker is at, the first one in order is named.
    CHECK_THAT(refusal<Store>(directory, options).what(), ContainsSubstring("(3 ends in three)"));
    options.run.refused_at_most = 20;
    CHECK_THAT(refusal<Store>(directory, options).what(), ContainsSubstring("(203 ends in three)"));
    options.run.refused_at_most = blocks_made / 10;
    auto store = open<Store>(directory, options);
    return outcome(store);
  };
  const Outcome alone = run(0);
  CHECK(alone.refused.size() == 4 * blocks_made / 10);
  for (const std::size_t workers : {1U, 2U, 4U}) {
    CAPTURE(workers);
    CHECK(run(workers) == alone);
  }
}

TEST_CASE("RunOptions: a run that several workers began goes on with another number of them") {
  const TempDirectory home;
  const std::string directory = home / "store";
  fill<LmdbAdapter>(directory);
  std::size_t openings = 0;
  for (bool done = false; !done; ++openings) {
    MigratedOptions options = stopping_after(4);
    options.adopt_as = 1;
    options.run.batch_records = batch_records;
    options.run.workers = openings % 5;
    try {
      auto store = open<Migrated<New, LmdbAdapter>>(directory, options);
      CHECK(contents(store).at("blocks_by_hash") ==
            contents_of_new(blocks_made).at("blocks_by_hash"));
      CHECK(store.history().back().records == 2 * blocks_made);
      done = true;
    } catch (const Stop&) {
    }
  }
  CHECK(openings > 8);
}

namespace {

std::atomic<int> inside{0};
std::atomic<int> most_inside{0};

/// Waits a while for another thread to come in.
BlockV2 met(const BlockV1& block) {
  const int now = ++inside;
  for (int seen = most_inside; seen < now && !most_inside.compare_exchange_weak(seen, now);) {
  }
  const auto patience = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  while (most_inside < 2 && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
  --inside;
  return {block.height, block.hash, block.height * 17};
}
BlockV1 parted(const BlockV2& block) {
  return {block.height, block.hash};
}

struct Meeting : Step<1, 2> {
  static constexpr auto description = "conversions meet";
  using Actions = varve::Actions<Rewrite<BlockTree, BlockV1, BlockV2, &met, &parted>>;
};

}  // namespace

TEST_CASE("RunOptions: records are converted by several workers at once, and by no more") {
  const TempDirectory home;
  const std::string directory = home / "store";
  fill<LmdbAdapter>(directory);
  MigratedOptions options = adopting(3);
  options.run.batch_records = 2;
  static_cast<void>(open<Migrated<MigrationChain<Meeting>, LmdbAdapter>>(directory, options));
  CHECK(most_inside >= 2);
  CHECK(most_inside <= 3);
}

TEST_CASE("RunOptions: an error that a worker meets is thrown, and the next opening goes on") {
  using Store = Migrated<New, Faulty<LmdbAdapter>>;
  for (const std::size_t workers : {1U, 4U}) {
    for (const Call call : {Call::scan, Call::next}) {
      bool whole = false;
      for (std::uint64_t at = 1; !whole; at *= 2) {
        CAPTURE(workers, call, at);
        const TempDirectory place;
        const std::string directory = place / "store";
        fill<LmdbAdapter>(directory);
        FaultyOptions faulty;
        faulty.plan->add({.call = call, .at = at});
        try {
          auto store = open<Store>(directory, adopting(workers), faulty);
          whole = faulty.plan->met() == 0;
          REQUIRE(whole);
        } catch (const Error& error) {
          CHECK(error.kind() == ErrorKind::io);
        }
        auto store = open<Store>(directory, MigratedOptions{.adopt_as = 1});
        CHECK(contents(store).at("blocks_by_hash") ==
              contents_of_new(blocks_made).at("blocks_by_hash"));
      }
    }
  }
}

TEST_CASE("RunOptions: a run leaves the engine's cache to those who read the store after it") {
  constexpr std::uint64_t many = 20'000;
  const TempDirectory home;
  const std::string directory = home / "store";
  {
    auto store = open<RocksAdapter>(directory);
    auto loader = store.bulk_loader(store.open_tree("blocks"));
    for (std::uint64_t height = 0; height != many; ++height) {
      loader.put(key_of(height), record_of(BlockV1{height, hash_of(height)}));
    }
    loader.finish();
  }
  auto store = open<Migrated<Old, Cached<RocksAdapter>>>(directory, adopting(1));
  const RocksAdapter& engine = store.next().next();
  CHECK(store.history().back().records == many);
  const std::uint64_t before = engine.statistics().block_cache_bytes;
  CHECK(contents(store).at("blocks").size() == many);
  // The blocks of the old records, which the run has read, are not there yet.
  CHECK(engine.statistics().block_cache_bytes > before + 300'000);
}

TEST_CASE("RunOptions: records that become much larger are cut into more batches") {
  const TempDirectory home;
  const std::string directory = home / "store";
  fill<LmdbAdapter>(directory);
  MigratedOptions options = adopting(1);
  options.run.batch_records = 50'000;
  options.run.batch_bytes = 1000;
  std::uint64_t before = 0;
  std::uint64_t most = 0;
  options.run.progress = [&](const MigrationProgress& progress) {
    if (progress.verifying) return;
    most = std::max(most, progress.done - before);
    before = progress.done;
  };
  auto store = open<Migrated<New, LmdbAdapter>>(directory, options);
  CHECK(contents(store).at("blocks_by_hash") == contents_of_new(blocks_made).at("blocks_by_hash"));
  CHECK(most < 60);
}
