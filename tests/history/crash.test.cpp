// SPDX-License-Identifier: Apache-2.0
#include "history/deeds.hpp"

#include <varve/adapters/memory.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"
#include "crash/crash_within.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::past;
using varve::testing::crash_shape;
using varve::testing::DiskOperation;
using varve::testing::SimulatedFileSystem;
using varve_test::crash_within;

namespace {

using Below = Cached<Wal<MemoryAdapter, SimulatedFileSystem>>;
template <class Commitment>
using Store = Versioned<Below, Commitment>;

constexpr std::uint64_t retained = 6;
const WalOptions log_options{.checkpoint_bytes = 3000, .segment_bytes = 16U << 10U};

constexpr std::size_t variants = VARVE_SANITIZED ? 2 : 9;

template <class Commitment>
Store<Commitment> open_store(const SimulatedFileSystem& disk) {
  return open<Store<Commitment>>("db", log_options, VersionedOptions{.retain_heights = retained},
                                 disk);
}

/// What is done, its model, and what a crash within it may leave.
template <class Commitment>
class Crashes {
 public:
  static constexpr bool with_roots = !std::is_same_v<Commitment, Uncommitted>;

  /// Commits, rolls back, prunes and drops on a fresh disk.
  void run(std::uint64_t seed, std::size_t steps) {
    Random random(seed);
    SimulatedFileSystem disk;
    auto store = open_store<Commitment>(disk);
    Trees trees = open_trees(store);
    possible_ = {Model(0, retained)};
    watch(disk);
    for (std::size_t i = 0; i != steps; ++i) {
      const Deed deed = draw(Random(random.next()), trees, possible_.back(), with_roots);
      possible_.push_back(deed.after);
      act(store, trees, deed);
      if (deed.promised()) possible_.erase(possible_.begin(), possible_.end() - 1);
      if (deed.kind == Deed::Kind::drop) trees = open_trees(store);
    }
    disk.watch({});
    CHECK(judge(store, trees, {possible_.back()}, seed).wrong.empty());
  }

  /// Opens what was left with the layer, or with roots, for the first time.
  void join(const SimulatedFileSystem& left, Model model) {
    SimulatedFileSystem disk = left.after_kill();
    possible_ = {std::move(model)};
    watch(disk);
    auto store = open_store<Commitment>(disk);
    disk.watch({});
    CHECK(judge(store, open_trees(store), possible_, 1).wrong.empty());
  }

  void print(const std::string& name) const {
    std::printf(
        "figures: %s: %zu states after a crash at %zu operations, %zu of them with a "
        "second crash in the recovery\n",
        name.c_str(), states_, places_, static_cast<std::size_t>(second_));
  }

  [[nodiscard]] std::size_t places() const { return places_; }
  [[nodiscard]] std::size_t second() const { return second_; }

 private:
  void watch(SimulatedFileSystem& disk) {
    disk.watch([&](DiskOperation) {
      ++places_;
      for (std::size_t variant = 0; variant != variants; ++variant) {
        const SimulatedFileSystem left = disk.after_crash(crash_shape(variant, places_));
        recover(variant % 2 == 0 ? left : crash_again(left));
      }
    });
  }

  SimulatedFileSystem crash_again(const SimulatedFileSystem& left) {
    const std::uint64_t seed = states_;
    return crash_within(
        left, 1 + seed % 23, crash_shape(seed % 13, seed), second_,
        [](const SimulatedFileSystem& disk) { static_cast<void>(open_store<Commitment>(disk)); });
  }

  /// The store is what it may be, whole, and goes on.
  void recover(const SimulatedFileSystem& disk) {
    ++states_;
    CAPTURE(places_, states_);
    try {
      auto store = open_store<Commitment>(disk);
      const Trees trees = open_trees(store);
      const Verdict verdict = judge(store, trees, possible_, states_);
      CHECK(verdict.wrong == "");
      if (!verdict.wrong.empty()) return;
      Model model = possible_[verdict.number];
      Random random(states_);
      for (int i = 0; i != 2; ++i) {
        Contents contents = model.now();
        WriteBatch batch;
        change(random, trees, contents, batch);
        store.commit(batch, Height{model.latest() + 1});
        model.commit(model.latest() + 1, std::move(contents));
      }
      store.rollback(Height{model.floor()});
      model.rollback(model.floor());
      CHECK(difference(store, trees, model) == "");
    } catch (const std::exception& error) {
      FAIL_CHECK(error.what());
    }
  }

  std::vector<Model> possible_;  ///< the last is the newest
  std::size_t places_ = 0;
  std::size_t states_ = 0;
  std::uint64_t second_ = 0;
};

template <class Commitment>
std::string name_of_stack() {
  return Crashes<Commitment>::with_roots ? "Versioned<Cached<Wal<MemoryAdapter>>>"
                                         : "Versioned<Cached<Wal<MemoryAdapter>>, Uncommitted>";
}

/// A store that was filled without the layer.
SimulatedFileSystem filled(Contents& contents) {
  SimulatedFileSystem disk;
  auto store = open<Below>("db", log_options, disk);
  const Trees trees = open_trees(store);
  Random random(3);
  for (int i = 0; i != 12; ++i) {
    WriteBatch batch;
    change(random, trees, contents, batch);
    store.write(batch);
  }
  return disk.after_kill();
}

}  // namespace

TEMPLATE_TEST_CASE(
    "Versioned: power that goes in a commit, a pruning, a rollback or a drop leaves all of it or "
    "none",
    "", Uncommitted, merkle::Blake3) {
  Crashes<TestType> crashes;
  for (std::uint64_t seed = 1; seed != 3; ++seed) crashes.run(seed, 32);
  crashes.print(name_of_stack<TestType>());
  CHECK(crashes.places() > 150);
  CHECK(crashes.second() > 10 * variants);
}

TEMPLATE_TEST_CASE(
    "Versioned: power that goes while history joins a store leaves one that it joins", "",
    Uncommitted, merkle::Blake3) {
  Contents contents(tree_count);
  const SimulatedFileSystem disk = filled(contents);
  Crashes<TestType> crashes;
  crashes.join(disk, Model(0, retained, contents));
  crashes.print(name_of_stack<TestType>() + ", joining");
  CHECK(crashes.places() > 5);
  CHECK(crashes.second() > 0);
}

TEST_CASE("Versioned: power that goes while roots join a history leaves one that they join") {
  Contents contents(tree_count);
  SimulatedFileSystem disk = filled(contents);
  Model model(0, retained, contents);
  {
    auto store = open_store<Uncommitted>(disk);
    const Trees trees = open_trees(store);
    Random random(5);
    for (std::uint64_t height = 1; height != 10; ++height) {
      WriteBatch batch;
      change(random, trees, contents, batch);
      store.commit(batch, Height{height});
      model.commit(height, contents);
    }
  }
  model.join_roots();
  Crashes<merkle::Blake3> crashes;
  crashes.join(disk, model);
  crashes.print(name_of_stack<merkle::Blake3>() + ", roots joining");
  CHECK(crashes.places() > 3);
  CHECK(crashes.second() > 0);
}
