// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/any/fixture.hpp>
#include <varve/testing/laws/support.hpp>
#include <varve/testing/model/held.hpp>
#include <varve/testing/model/model.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing::detail {

/// Does the operations of a script to an engine and to a model, and throws where the two differ.
class ModelRun {
 public:
  explicit ModelRun(AnyFixture& fixture)
      : fixture_(&fixture), engine_(fixture.make()), limits_(engine_->limits()) {}

  void operator()(const script::OpenTree& operation) {
    const std::string name = Model::tree_name(operation.tree);
    const Tree tree = engine_->open_tree(name);
    if (const auto before = model_.live_id(operation.tree)) {
      return expect(tree == *before, "open_tree gave a tree that is there another id");
    }
    expect(!model_.given().contains(tree), "open_tree gave an id that another tree had before");
    expect(tree.reserved() == is_reserved_name(name), "the reserved bit is not that of the name");
    model_.opened(operation.tree, tree);
  }

  void operator()(const script::FindTree& operation) { check_name(operation.tree); }

  void operator()(const script::DropTree& operation) {
    on_tree(operation.tree, "drop_tree", [&](Tree tree, const Contents*) {
      engine_->drop_tree(tree);
      model_.dropped(tree);
    });
  }

  void operator()(const script::ListTrees&) { check_trees(); }

  void operator()(const script::Write& operation) {
    const WriteBatch batch = model_.batch(operation.changes);
    const auto write = [&] { engine_->write(batch, operation.durability); };
    if (!model_.takes(batch, limits_)) {
      expect_invalid("a batch that it cannot take", write);
      return;
    }
    write();
    model_.apply(operation.changes);
    wrote(operation.durability);
  }

  void operator()(const script::WriteAndDrop& operation) {
    if (can().writes_and_drops) {
      const WriteBatch batch = model_.batch(operation.changes);
      std::vector<Tree> dropped;
      bool there = true;
      for (const std::uint32_t number : operation.dropped) {
        const auto tree = model_.last_id(number);
        if (!tree || std::find(dropped.begin(), dropped.end(), *tree) != dropped.end()) continue;
        dropped.push_back(*tree);
        there = there && model_.find(*tree) != nullptr;
      }
      const auto write = [&] { engine_->write_and_drop(batch, dropped, operation.durability); };
      if (!there || !model_.takes(batch, limits_)) {
        expect_invalid("a batch that it cannot take, or the drop of no tree", write);
        return;
      }
      write();
      model_.apply(operation.changes);
      for (const Tree tree : dropped) model_.dropped(tree);
      wrote(operation.durability);
    }
  }

  void operator()(const script::BulkLoad& operation) {
    if (can().bulk_loads) {
      Contents records;
      for (const script::Put& put : operation.records) records[put.key] = put.value;
      on_tree(operation.tree, "bulk_loader", [&](Tree tree, const Contents*) {
        auto loader = engine_->bulk_loader(tree);
        for (const auto& [key, value] : records) loader.put(key, value);
        if (!operation.finished) return;
        loader.finish();
        for (const auto& [key, value] : records) model_.put(tree, key, value);
      });
    }
  }

  void operator()(const script::Get& operation) {
    on_tree(operation.tree, "get", [&](Tree tree, const Contents* contents) {
      if (contents == nullptr) static_cast<void>(engine_->get(tree, operation.key));
      if (contents != nullptr) check_key(*engine_, tree, *contents, operation.key);
    });
  }

  void operator()(const script::MultiGet& operation) {
    if (can().multi_gets) {
      if (operation.keys.empty()) return;
      const std::vector<BytesView> keys(operation.keys.begin(), operation.keys.end());
      std::vector<std::optional<AnyValue>> values(keys.size());
      on_tree(operation.tree, "multi_get", [&](Tree tree, const Contents* contents) {
        engine_->multi_get(tree, keys, values);
        for (std::size_t i = 0; contents != nullptr && i < keys.size(); ++i) {
          check_answer("multi_get", values[i], *contents, operation.keys[i]);
        }
      });
    }
  }

  void operator()(const script::ScanRange& operation) {
    on_tree(operation.tree, "scan", [&](Tree tree, const Contents* contents) {
      auto scan = engine_->scan(tree, operation.range.view(), operation.order);
      if (contents != nullptr) {
        expect_rest(scan, *contents, operation.range.view(), operation.order);
      }
    });
  }

  void operator()(const script::Count& operation) {
    if (can().counts) {
      on_tree(operation.tree, "approximate_count", [&](Tree tree, const Contents*) {
        static_cast<void>(engine_->approximate_count(tree, operation.range.view()));
      });
    }
  }

  void operator()(const script::HoldValue& operation) {
    values_.erase(operation.held);
    on_tree(operation.tree, "get", [&](Tree tree, const Contents* contents) {
      auto value = engine_->get(tree, operation.key);
      if (contents == nullptr) return;
      check_answer("get", value, *contents, operation.key);
      if (value)
        values_.try_emplace(operation.held, std::move(*value), contents->at(operation.key));
    });
  }

  void operator()(const script::ReadValue& operation) {
    if (const auto at = values_.find(operation.held); at != values_.end()) at->second.check();
  }

  void operator()(const script::HoldScan& operation) {
    scans_.erase(operation.held);
    on_tree(operation.tree, "scan", [&](Tree tree, const Contents* contents) {
      auto scan = engine_->scan(tree, operation.range.view(), operation.order);
      if (contents == nullptr) return;
      scans_.try_emplace(operation.held, std::move(scan), *contents, operation.range.view(),
                         operation.order);
    });
  }

  void operator()(const script::AdvanceScan& operation) {
    if (const auto at = scans_.find(operation.held); at != scans_.end()) {
      at->second.advance(operation.steps);
    }
  }

  void operator()(const script::HoldSnapshot& operation) {
    if (can().snapshots) {
      snapshots_.erase(operation.held);
      snapshots_.emplace(operation.held, HeldSnapshot{engine_->snapshot(), model_.trees()});
    }
  }

  void operator()(const script::ReadSnapshot& operation) {
    if (can().snapshots) {
      const auto at = snapshots_.find(operation.held);
      if (at == snapshots_.end()) return;
      for (const auto& [tree, kept] : at->second.trees) {
        check_key(at->second.snapshot, tree, kept.contents, operation.key);
        expect_scan(at->second.snapshot, tree, kept.contents, operation.range.view(),
                    operation.order);
      }
    }
  }

  void operator()(const script::Compact& operation) {
    if (can().compacts) {
      on_tree(operation.tree, "compact",
              [&](Tree tree, const Contents*) { engine_->compact(tree, operation.range.view()); });
    }
  }

  void operator()(const script::Flush&) { flush(); }

  void operator()(const script::Reopen&) {
    if (can().reopens) {
      values_.clear();
      scans_.clear();
      snapshots_.clear();
      if (unflushed_) flush();
      engine_ = fixture_->reopen(std::move(engine_));
    }
  }

  void operator()(const script::CheckAll&) {
    check_trees();
    for (std::uint32_t number = 0; number < 4; ++number) check_name(number);
    for (const Tree tree : model_.given()) {
      if (model_.find(tree) == nullptr) expect_no_tree(tree);
    }
    check_contents(*engine_, model_.trees());
    for (auto& [held, value] : values_) value.check();
    if (can().snapshots) {
      for (auto& [held, kept] : snapshots_) check_contents(kept.snapshot, kept.trees);
    }
  }

  /// Compares everything, down to the ends of the scans that are held.
  void finish() {
    (*this)(script::CheckAll{});
    for (auto& [held, scan] : scans_) scan.finish();
  }

 private:
  [[nodiscard]] const Abilities& can() const noexcept { return fixture_->can(); }

  /// Calls `act` with the id of the script's tree and its contents. Where the tree was dropped
  /// the contents are null, and the engine must refuse.
  template <class Act>
  void on_tree(std::uint32_t number, const char* operation, Act act) {
    const auto tree = model_.last_id(number);
    if (!tree) return;
    const Contents* const contents = model_.find(*tree);
    if (contents != nullptr) return act(*tree, contents);
    expect_invalid(std::string(operation) + " on a dropped tree", [&] { act(*tree, contents); });
  }

  void expect_no_tree(Tree tree) {
    expect_invalid("contains on a dropped tree",
                   [&] { static_cast<void>(engine_->contains(tree, "k")); });
  }

  void check_name(std::uint32_t number) {
    const auto found = engine_->find_tree(Model::tree_name(number));
    const auto there = model_.live_id(number);
    if (there && !found) fail("find_tree does not find '" + Model::tree_name(number) + "'");
    if (!there && found) fail("find_tree finds '" + Model::tree_name(number) + "', which is gone");
    expect(found == there, "find_tree gives another id than open_tree");
  }

  void check_trees() {
    std::map<Tree, std::string> listed;
    for (const TreeInfo& info : listed_trees(*engine_)) {
      if (!listed.emplace(info.tree, info.name).second)
        fail("trees lists '" + info.name + "' twice");
    }
    std::map<Tree, std::string> expected;
    for (const auto& [tree, kept] : model_.trees()) expected.emplace(tree, kept.name);
    expect(listed == expected, "trees does not list just the trees that are there");
  }

  void wrote(Durability durability) {
    if (durability == Durability::synced) unflushed_ = false;
    if (durability == Durability::buffered) unflushed_ = true;
  }

  void flush() {
    engine_->flush();
    unflushed_ = false;
  }

  AnyFixture* fixture_;
  std::unique_ptr<AnyEngine> engine_;  // outlives all that is held of it
  Limits limits_;
  Model model_;
  bool unflushed_ = false;
  std::map<std::uint32_t, HeldValue> values_;
  std::map<std::uint32_t, HeldScan> scans_;
  std::map<std::uint32_t, HeldSnapshot> snapshots_;
};

}  // namespace varve::testing::detail
