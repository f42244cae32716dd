// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/refinements.hpp>
#include <varve/concepts/write_batch.hpp>
#include <varve/testing/crash/explorer.hpp>
#include <varve/testing/model/script_text.hpp>
#include <varve/testing/script.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace varve::testing::detail {

/// One run of a script on a fresh disk, with the power going at each operation of it. Where an
/// operation is to fail, the power goes after that; the store is opened again on the same disk some
/// steps later.
template <class Open>
class CrashRun {
 public:
  using Store = typename CrashExplorer<Open>::Store;

  CrashRun(CrashExplorer<Open>& explorer, const CrashOptions& options, std::size_t variants)
      : explorer_(explorer), options_(options), variants_(variants) {}

  /// The kinds of the operations that the run did, in order.
  [[nodiscard]] const std::vector<DiskOperation>& done() const noexcept { return done_; }

  void run(const Script& script, std::optional<DiskFault> fault = std::nullopt) {
    sound_ = !fault;
    if (fault) disk_.fail(*fault);
    disk_.watch([this, fault](DiskOperation operation) {
      done_.push_back(operation);
      if (fault && done_.size() == fault->at) {
        fault_ = " (after operation " + std::to_string(fault->at) + ", " +
                 std::string(to_string(operation)) + " of '" + step_ + "', had failed)";
      }
      if (fault && done_.size() <= fault->at) return;
      crash(std::string(to_string(operation)));
    });
    step_ = "open";
    if (!reopen(false)) reopen(true);
    std::size_t left = script.size();
    for (const Operation& operation : script) {
      if (explorer_.stopped() || !store_ || left-- == 0) break;
      const bool had_failed = failed_;
      step_ = to_string(operation);
      std::visit([this](const auto& each) { this->do_step(each); }, operation);
      if (failed_ && !had_failed && fault) left = 2;
      if (failed_ && left == 0) {
        step_ = "open again after a failure";
        if (!reopen(false)) reopen(true);
        left = 3;
      }
    }
    if (failed_ && !explorer_.stopped() && !reopen(false)) reopen(true);
    step_ = "the end";
    crash("nothing");
    disk_.watch({});
  }

 private:
  void crash(const std::string& operation) {
    explorer_.crash(disk_, oracle_, mix(options_.seed, done_.size()), variants_,
                    "in operation " + std::to_string(done_.size()) + ", " + operation + ", of '" +
                        step_ + "'" + fault_,
                    sound_);
  }

  /// Whether it opened. What is read then must stay.
  bool reopen(bool must) {
    store_.reset();
    trees_.clear();
    try {
      store_ = explorer_.open(disk_);
      CrashState found = read_state(*store_);
      if (auto verdict = oracle_.judge(found)) {
        explorer_.wrong(verdict->violation, "opened again: " + verdict->sentence);
      }
      for (const TreeInfo& info : store_->trees()) trees_.insert_or_assign(info.name, info.tree);
      oracle_ = CrashOracle(std::move(found));
      failed_ = false;
      poisoned_ = false;
      return true;
    } catch (const Error& error) {
      store_.reset();
      failed_ = true;
      if (must) {
        explorer_.wrong(CrashViolation::refused,
                        "the store does not open after a failure: " + std::string(error.what()));
      }
      return false;
    }
  }

  /// Does what `call` does, which changes the model as `change` does.
  template <class Change, class Call>
  void step(bool durable, Change change, Call call, bool writes = false) {
    oracle_.begin(change);
    try {
      call();
    } catch (const Error& error) {
      switch (error.kind()) {
        case ErrorKind::poisoned:
        case ErrorKind::invalid_argument: oracle_.refused(); return;
        default: break;
      }
      oracle_.failed();
      failed_ = true;
      poisoned_ = poisoned_ || (writes && error.kind() != ErrorKind::no_space);
      return;
    }
    if (writes && failed_ && poisoned_) {
      explorer_.wrong(CrashViolation::not_poisoned,
                      "'" + step_ + "' was acknowledged after a write that failed" + fault_);
    }
    oracle_.done(durable, [this](CrashState& state) {
      for (auto& [name, tree] : state.trees) {
        const auto at = trees_.find(name);
        if (at != trees_.end()) tree.id = at->second.id();
      }
      if constexpr (requires { static_cast<std::uint64_t>(store_->last_sequence()); }) {
        state.sequence = store_->last_sequence();
      }
    });
  }

  void do_step(const script::OpenTree& open) {
    const std::string name = CrashState::tree_name(open.tree);
    step(
        !trees_.contains(name), [&](CrashState& state) { state.trees[name]; },
        [&] { trees_.insert_or_assign(name, store_->open_tree(name)); });
  }

  void do_step(const script::DropTree& drop) {
    const std::string name = CrashState::tree_name(drop.tree);
    const auto at = trees_.find(name);
    if (at == trees_.end()) return;
    step(
        true, [&](CrashState& state) { state.trees.erase(name); },
        [&] {
          store_->drop_tree(at->second);
          trees_.erase(at);
        });
  }

  void do_step(const script::Write& write) {
    const WriteBatch batch = make(write.changes);
    step(
        write.durability == Durability::synced && !batch.empty(),
        [&](CrashState& state) { state.apply(known(write.changes)); },
        [&] { store_->write(batch, write.durability); }, !batch.empty());
  }

  void do_step(const script::WriteAndDrop& write) {
    if constexpr (TransactionalDropEngine<Store>) {
      const WriteBatch batch = make(write.changes);
      std::vector<Tree> dropped;
      std::vector<std::string> names;
      for (const std::uint32_t number : write.dropped) {
        const auto at = trees_.find(CrashState::tree_name(number));
        if (at == trees_.end()) continue;
        dropped.push_back(at->second);
        names.push_back(at->first);
      }
      step(
          write.durability == Durability::synced && !(batch.empty() && dropped.empty()),
          [&](CrashState& state) {
            state.apply(known(write.changes));
            for (const std::string& name : names) state.trees.erase(name);
          },
          [&] {
            store_->write_and_drop(batch, dropped, write.durability);
            for (const std::string& name : names) trees_.erase(name);
          });
    }
  }

  void do_step(const script::Flush&) {
    step(
        true, [](CrashState&) {}, [&] { store_->flush(); });
  }

  void do_step(const script::Reopen&) {
    do_step(script::Flush{});
    if (!reopen(false)) reopen(true);
  }

  template <class Other>
  void do_step(const Other&) {}

  /// The changes of trees that are open.
  [[nodiscard]] std::vector<script::Change> known(
      const std::vector<script::Change>& changes) const {
    std::vector<script::Change> known;
    for (const script::Change& change : changes) {
      const auto tree = std::visit([](const auto& each) { return each.tree; }, change);
      if (trees_.contains(CrashState::tree_name(tree))) known.push_back(change);
    }
    return known;
  }

  [[nodiscard]] WriteBatch make(const std::vector<script::Change>& changes) const {
    WriteBatch batch;
    for (const script::Change& change : known(changes)) {
      std::visit(
          [&](const auto& each) { add(batch, trees_.at(CrashState::tree_name(each.tree)), each); },
          change);
    }
    return batch;
  }
  static void add(WriteBatch& batch, Tree tree, const script::Put& put) {
    batch.put(tree, put.key, put.value);
  }
  static void add(WriteBatch& batch, Tree tree, const script::Erase& erase) {
    batch.erase(tree, erase.key);
  }
  static void add(WriteBatch& batch, Tree tree, const script::EraseRange& erase) {
    batch.erase_range(tree, erase.range.view());
  }

  CrashExplorer<Open>& explorer_;
  const CrashOptions& options_;
  std::size_t variants_;
  SimulatedFileSystem disk_;
  CrashOracle oracle_;
  std::unique_ptr<Store> store_;
  std::map<std::string, Tree> trees_;
  std::vector<DiskOperation> done_;
  std::string step_;
  std::string fault_;
  bool sound_ = true;
  bool failed_ = false;
  bool poisoned_ = false;
};

}  // namespace varve::testing::detail
