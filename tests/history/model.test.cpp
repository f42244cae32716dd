// SPDX-License-Identifier: Apache-2.0
#include "history/model.hpp"

#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/wal.hpp>
#include <varve/merkle/verify.hpp>
#include <varve/open.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/seed.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>

using namespace varve;
using namespace varve_test::past;

namespace {

std::size_t part(std::size_t operations) {
  return VARVE_SANITIZED ? operations / 10 : operations;
}

/// Random heights, rollbacks, prunings, drops and reopenings, against a copy of everything.
template <class Stack>
class Run {
 public:
  Run(std::uint64_t seed, VersionedOptions options)
      : random_(seed), options_(options), model_(options.base_height, options.retain_heights) {
    open_again();
  }

  void run(std::size_t operations) {
    for (std::size_t next_check = 40; done_ < operations;) {
      step();
      if (failed_) return;
      if (done_ < next_check) continue;
      check_everything();
      next_check = done_ + 40;
    }
    check_everything();
  }

  [[nodiscard]] std::size_t done() const { return done_; }
  [[nodiscard]] std::size_t compared() const { return compared_; }

 private:
  void open_again() {
    store_.reset();
    if constexpr (needs_directory<Stack>) {
      store_.reset(new Stack(open<Stack>(directory_ / "db", options_)));
    } else {
      store_.reset(new Stack(open<Stack>(options_)));
    }
    trees_ = open_trees(*store_);
  }

  void step() {
    ++done_;
    const std::uint32_t drawn = random_.below(100);
    if (drawn < 78) {
      commit();
    } else if (drawn < 84) {
      rollback();
    } else if (drawn < 88) {
      static_cast<void>(store_->prune_step(1 + random_.below(300)));
    } else if (drawn < 98) {
      read_one();
    } else if (drawn == 98) {
      drop();
    } else if (needs_directory<Stack> && random_.one_in(3)) {
      open_again();
    }
  }

  void commit() {
    Contents contents = model_.now();
    WriteBatch batch;
    done_ += change(random_, trees_, contents, batch);
    std::uint64_t height = model_.latest() + 1 + (random_.one_in(4) ? random_.below(5) : 0);
    switch (random_.below(4)) {
      case 0: {
        if (contents == model_.now()) return store_->write(batch);  // No height for nothing.
        height = model_.latest() + 1;
        store_->write(batch);
        break;
      }
      case 1: {
        auto block = store_->begin(Height{height});
        block.write(batch);
        expect(read(block, trees_) == contents, "a block does not read what it wrote");
        expect(read(*store_, trees_) == model_.now(), "a block is seen before it is finalized");
        block.finalize(random_.one_in(2) ? Durability::synced : Durability::buffered);
        break;
      }
      default: store_->commit(batch, Height{height}, Durability::buffered);
    }
    model_.commit(height, std::move(contents));
  }

  void rollback() {
    const std::uint64_t span = model_.latest() - model_.floor();
    const std::uint64_t height = model_.floor() + (span == 0 ? 0 : random_.next() % (span + 1));
    store_->rollback(Height{height});
    model_.rollback(height);
  }

  void drop() {
    const std::size_t tree = random_.below(tree_count);
    store_->drop_tree(trees_[tree]);
    model_.drop(
        tree, requires { store_->root(); });
    trees_ = open_trees(*store_);
  }

  void read_one() {
    const std::uint64_t low = model_.oldest() < 3 ? 0 : model_.oldest() - 3;
    const std::uint64_t height = low + random_.next() % (model_.latest() + 3 - low);
    const std::size_t tree = random_.below(tree_count);
    const std::string key = hard_key(random_);
    try {
      const auto value = store_->get_versioned(trees_[tree], key, Height{height});
      if (height < model_.oldest() || height > model_.latest()) {
        return expect(false, "a height was read that is not kept");
      }
      const Records& records = model_.at(height)[tree];
      const auto record = records.find(key);
      expect(value.has_value() == (record != records.end()), "presence differs");
      if (value && record != records.end())
        expect(value->view() == record->second, "value differs");
      const auto past = store_->at(Height{height});
      expect(past.contains(trees_[tree], key) == value.has_value(), "contains differs from get");
      check_proof(height, tree, key, value ? std::optional(value->view()) : std::nullopt);
      check_range(past, trees_[tree], records);
    } catch (const HeightError& error) {
      expect((error.fault() == HeightFault::pruned && height < model_.oldest()) ||
                 (error.fault() == HeightFault::not_reached && height > model_.latest()),
             error.what());
    }
    ++compared_;
  }

  void check_proof(std::uint64_t height, std::size_t tree, const std::string& key,
                   std::optional<BytesView> value) {
    if constexpr (requires { store_->root(); }) {
      if (!model_.has_root(height)) return;
      const std::string proof = store_->prove(trees_[tree], key, Height{height});
      const StateRoot root = store_->root(Height{height});
      using merkle::ProofFault;
      expect(merkle::verify(root, tree_name(tree), key, value, proof).fault == ProofFault::none,
             "a proof does not hold");
      expect(merkle::verify(root, tree_name(tree), key, "another", proof).fault != ProofFault::none,
             "a proof holds for another value");
    }
  }

  template <class R>
  void check_range(const R& past, Tree tree, const Records& records) {
    const std::string first = hard_key(random_);
    const std::string last = hard_key(random_);
    const KeyRange range = random_.one_in(2) ? KeyRange::between(first, last)
                                             : KeyRange::prefix(BytesView(first).substr(0, 2));
    const auto order = random_.one_in(2) ? Order::ascending : Order::descending;
    std::vector<std::string> expected;
    for (const auto& [key, value] : records) {
      if (range.contains(key)) expected.push_back(key);
    }
    if (order == Order::descending) std::reverse(expected.begin(), expected.end());
    std::vector<std::string> found;
    for (auto scan = past.scan(tree, range, order); scan.valid(); scan.next()) {
      found.emplace_back(scan.entry().key);
    }
    expect(found == expected, "a scan of a range differs");
  }

  void check_everything() {
    const std::string differs = difference(*store_, trees_, model_);
    expect(differs.empty(), differs.c_str());
    const std::string wrong = disorder(*store_);
    expect(wrong.empty(), wrong.c_str());
    check_changes();
    if constexpr (requires { store_->root(); }) {
      const AuditReport report = store_->audit();
      expect(report.good, report.difference.c_str());
    }
    compared_ += model_.heights().size();
  }

  void check_changes() {
    const auto draw = [&] {
      return model_.oldest() + random_.next() % (model_.latest() - model_.oldest() + 1);
    };
    const std::uint64_t from = draw();
    const std::uint64_t to = draw();
    std::map<std::pair<std::size_t, std::string>,
             std::pair<std::optional<std::string>, std::optional<std::string>>>
        expected;
    for (std::size_t i = 0; i != tree_count; ++i) {
      for (const auto& [key, value] : model_.at(from)[i]) expected[{i, key}].first = value;
      for (const auto& [key, value] : model_.at(to)[i]) expected[{i, key}].second = value;
    }
    std::erase_if(expected, [](const auto& e) { return e.second.first == e.second.second; });
    std::size_t found = 0;
    for (const HeightChange& change : store_->changes(Height{from}, Height{to})) {
      std::size_t tree = 0;
      while (tree != tree_count && trees_[tree] != change.tree) ++tree;
      const auto at = expected.find({tree, std::string(change.key)});
      if (at == expected.end()) return expect(false, "a change that is none");
      expect(change.before == at->second.first && change.after == at->second.second,
             "a change has other values");
      ++found;
    }
    expect(found == expected.size(), "changes lacks one");
  }

  void expect(bool holds, const char* sentence) {
    if (holds || failed_) return;
    failed_ = true;
    INFO("after " << done_ << " operations");
    FAIL_CHECK(sentence);
  }

  Random random_;
  VersionedOptions options_;
  Model model_;
  varve_test::TempDirectory directory_;
  std::unique_ptr<Stack> store_;
  Trees trees_;
  std::size_t done_ = 0;
  std::size_t compared_ = 0;
  bool failed_ = false;
};

template <class Stack>
void check(const char* name, std::size_t operations) {
  const std::uint64_t seed = testing::seed_of_environment();
  INFO("VARVE_SEED=" << seed);
  for (const VersionedOptions& options :
       {VersionedOptions{.retain_heights = 12}, VersionedOptions{.retain_heights = 1},
        VersionedOptions{.retain_heights = 40, .base_height = 1000}}) {
    Run<Stack> run(seed, options);
    run.run(part(operations) / 3);
    std::printf("figures: %s, %llu heights kept: %zu random operations, %zu heights compared\n",
                name, static_cast<unsigned long long>(options.retain_heights), run.done(),
                run.compared());
    CHECK(run.compared() > run.done() / 100);
  }
}

void check_all(std::size_t operations) {
  check<Versioned<MemoryAdapter, Uncommitted>>("Versioned<MemoryAdapter, Uncommitted>",
                                               operations * 5 / 10);
  check<Versioned<Cached<Wal<RocksAdapter>>>>("Versioned<Cached<Wal<RocksAdapter>>>",
                                              operations / 10);
#if !VARVE_SANITIZED
  check<Versioned<testing::FullEngine, Uncommitted>>("Versioned<FullEngine, Uncommitted>",
                                                     operations / 20);
  check<Versioned<MemoryAdapter>>("Versioned<MemoryAdapter>", operations * 2 / 10);
  check<Versioned<LmdbAdapter>>("Versioned<LmdbAdapter>", operations / 10);
  check<Versioned<RocksAdapter>>("Versioned<RocksAdapter>", operations / 20);
#endif
}

}  // namespace

TEST_CASE("Versioned: every key at every height is what a copy of everything says") {
  check_all(30'000);
}

TEST_CASE("Versioned: every key at every height, at length", "[.long]") {
  check_all(1'000'000);
}
