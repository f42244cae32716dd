// SPDX-License-Identifier: Apache-2.0
#include "history/model.hpp"

#include <varve/adapters/memory.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

using namespace varve;
using namespace varve_test::past;
using varve::testing::crash_shape;
using varve::testing::DiskOperation;
using varve::testing::SimulatedCrash;
using varve::testing::SimulatedFileSystem;

namespace {

template <class Commitment>
using Store = Versioned<Cached<Wal<MemoryAdapter, SimulatedFileSystem>>, Commitment>;

constexpr std::uint64_t retained = 6;
constexpr WalOptions log{.checkpoint_bytes = 3000, .segment_bytes = 16U << 10U};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t variants = 2;
#else
constexpr std::size_t variants = 9;
#endif

template <class Commitment>
Store<Commitment> open_store(const SimulatedFileSystem& disk) {
  return open<Store<Commitment>>("db", log, VersionedOptions{.retain_heights = retained}, disk);
}

/// A workload, its model, and what a crash within it may leave.
template <class Commitment>
class Crashes {
 public:
  void run(std::uint64_t seed, std::size_t steps) {
    Random random(seed);
    SimulatedFileSystem disk;
    auto store = open_store<Commitment>(disk);
    const Trees trees = open_trees(store);
    Model model(0, retained);
    disk.watch([&](DiskOperation) {
      ++places_;
      for (std::size_t variant = 0; variant != variants; ++variant) {
        recover(disk.after_crash(crash_shape(variant, places_)), variant % 2 == 1);
      }
    });
    for (std::size_t i = 0; i != steps; ++i) {
      step(random, store, trees, model);
      possible_ = {model};
    }
    disk.watch({});
    CHECK(difference(store, trees, model).empty());
  }

  void print(const char* name) const {
    std::printf(
        "figures: %s: %zu states after a crash at %zu operations, %zu of them with a "
        "second crash in the recovery\n",
        name, states_, places_, second_);
  }

  [[nodiscard]] std::size_t places() const { return places_; }
  [[nodiscard]] std::size_t second() const { return second_; }

 private:
  void step(Random& random, Store<Commitment>& store, const Trees& trees, Model& model) {
    const std::uint32_t drawn = random.below(10);
    if (drawn == 0) {
      const std::uint64_t span = model.latest() - model.floor();
      const std::uint64_t height = model.floor() + random.next() % (span + 1);
      begin(model, [&](Model& after) { after.rollback(height); });
      store.rollback(Height{height});
    } else if (drawn == 1) {
      begin(model, [](Model&) {});
      static_cast<void>(store.prune_step(1));
    } else {
      Contents contents = model.now();
      WriteBatch batch;
      change(random, trees, contents, batch);
      const std::uint64_t height = model.latest() + 1 + random.below(2);
      begin(model, [&](Model& after) { after.commit(height, contents); });
      store.commit(batch, Height{height});
    }
  }

  /// What is under way may be done or not.
  void begin(Model& model, const std::function<void(Model&)>& change) {
    possible_ = {model};
    change(model);
    possible_.push_back(model);
  }

  void recover(const SimulatedFileSystem& disk, bool crash_again) {
    if (possible_.empty()) return;
    ++states_;
    if (crash_again) {
      SimulatedFileSystem again = disk.after_kill();
      again.crash_at(1 + states_ % 23);
      try {
        static_cast<void>(open_store<Commitment>(again));
      } catch (const SimulatedCrash&) {
        ++second_;
      } catch (const Error& error) {
        // The log met the crash while it made an image, and refuses what comes next.
        CHECK(error.kind() == ErrorKind::poisoned);
        ++second_;
      }
      return recover(again.after_crash(crash_shape(states_ % 13, states_)), false);
    }
    try {
      auto store = open_store<Commitment>(disk);
      const Trees trees = open_trees(store);
      std::string differs;
      for (Model& model : possible_) {
        differs = difference(store, trees, model);
        if (differs.empty()) return look_further(store, trees, model);
      }
      CAPTURE(places_, states_);
      FAIL_CHECK("neither the old store nor the new one: " << differs);
    } catch (const std::exception& error) {
      FAIL_CHECK(error.what());
    }
  }

  /// The store is whole, and goes on.
  void look_further(Store<Commitment>& store, const Trees& trees, Model model) {
    const std::string wrong = disorder(store);
    if (!wrong.empty()) FAIL_CHECK(wrong);
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
    const std::string differs = difference(store, trees, model);
    if (!differs.empty()) FAIL_CHECK("after it went on: " << differs);
  }

  std::vector<Model> possible_;
  std::size_t places_ = 0;
  std::size_t states_ = 0;
  std::size_t second_ = 0;
};

}  // namespace

TEMPLATE_TEST_CASE(
    "Versioned: power that goes in a commit, a pruning or a rollback leaves all of it or none", "",
    Uncommitted, merkle::Blake3) {
  Crashes<TestType> crashes;
  for (std::uint64_t seed = 1; seed != 3; ++seed) crashes.run(seed, 40);
  crashes.print(TestType::name == "none" ? "Versioned<Cached<Wal<MemoryAdapter>>, Uncommitted>"
                                         : "Versioned<Cached<Wal<MemoryAdapter>>>");
  CHECK(crashes.places() > 150);
  CHECK(crashes.second() > 10 * variants);
}
