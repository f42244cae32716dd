// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/crash/state.hpp>
#include <varve/testing/crash_report.hpp>
#include <varve/testing/show.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing::detail {

/// What is wrong with a recovered store.
struct Verdict {
  CrashViolation violation{};
  std::string sentence;
};

/// The history of a store: every state it was in, and from which on a crash may leave it in one.
/// Where a step failed it may be there or not, so that a place of the history can hold several.
class CrashOracle {
 public:
  using State = std::shared_ptr<const CrashState>;

  CrashOracle() : CrashOracle(CrashState{}) {}

  /// The store holds this and nothing else, for good.
  explicit CrashOracle(CrashState state) {
    state.rehash();
    history_.push_back({std::make_shared<const CrashState>(std::move(state))});
    note_expected();
  }

  /// A step begins; `change` is what it does to a state.
  template <class Change>
  void begin(Change change) {
    std::vector<State> after;
    for (const State& before : history_.back()) {
      auto state = std::make_shared<CrashState>(*before);
      state->sequence = 0;
      change(*state);
      state->rehash();
      after.push_back(std::move(state));
    }
    history_.push_back(std::move(after));
    note_expected();
  }

  /// It was done; `durable` where no crash may take it back. `note` adds what is known now.
  template <class Note>
  void done(bool durable, Note note) {
    for (State& state : history_.back()) {
      auto noted = std::make_shared<CrashState>(*state);
      note(*noted);
      state = std::move(noted);
    }
    if (durable) durable_ = history_.size() - 1;
    note_expected();
  }

  /// It changed nothing.
  void refused() {
    history_.pop_back();
    note_expected();
  }

  /// It failed, and may be there or not.
  void failed() {
    const std::vector<State>& before = history_[history_.size() - 2];
    history_.back().insert(history_.back().end(), before.begin(), before.end());
    note_expected();
  }

  /// The same where the same is expected of a store.
  [[nodiscard]] std::uint64_t expected() const noexcept { return expected_; }

  [[nodiscard]] const CrashState& newest() const noexcept { return *history_.back().front(); }

  /// Whether a store may be found in this state after a crash; where it may not, why.
  [[nodiscard]] std::optional<Verdict> judge(const CrashState& found) const {
    std::optional<Verdict> wrong;
    for (std::size_t i = history_.size(); i-- > durable_;) {
      for (const State& state : history_[i]) {
        if (state->hash != found.hash) continue;
        wrong = judge_numbers(*state, found);
        if (!wrong) return std::nullopt;
      }
    }
    return wrong ? wrong : explain(found);
  }

 private:
  static std::optional<Verdict> judge_numbers(const CrashState& expected, const CrashState& found) {
    if (found.sequence < expected.sequence) {
      return Verdict{CrashViolation::reused,
                     "the last sequence is " + std::to_string(found.sequence) + " where " +
                         std::to_string(expected.sequence) + " was given to what is there"};
    }
    for (const auto& [name, tree] : expected.trees) {
      const auto& id = found.trees.at(name).id;
      if (!tree.id || tree.id == id) continue;
      return Verdict{CrashViolation::reused, "the tree '" + name + "' has the id " +
                                                 std::to_string(id.value_or(0)) + " where " +
                                                 std::to_string(*tree.id) + " was given"};
    }
    return std::nullopt;
  }

  /// No state of the history that may be is what was found.
  [[nodiscard]] Verdict explain(const CrashState& found) const {
    for (std::size_t i = 0; i < durable_; ++i) {
      for (const State& state : history_[i]) {
        if (state->hash != found.hash) continue;
        return {CrashViolation::lost,
                "the store holds what it held " + std::to_string(durable_ - i) +
                    " steps before the last durable one: " + difference(*newest_durable(), found)};
      }
    }
    const std::string seen = difference(*newest_durable(), found);
    const std::size_t newest = newest_seen(found);
    if (newest < history_.size()) {
      const CrashState& expected = *history_[newest].front();
      const CrashState& before = *history_[newest > 0 ? newest - 1 : 0].front();
      std::size_t missing = 0;
      std::size_t old = 0;
      std::size_t of_the_newest = 0;
      compare(expected, before, found, missing, old, of_the_newest);
      if (of_the_newest > 0) return {CrashViolation::torn, "a batch is there in part: " + seen};
      if (missing > 0)
        return {CrashViolation::hole, "a write before one that is there is not: " + seen};
      if (old > 0) return {CrashViolation::resurrected, "what was removed is there again: " + seen};
    }
    return {CrashViolation::torn, "the store holds what nobody wrote: " + seen};
  }

  void note_expected() {
    expected_ = 0;
    for (std::size_t i = durable_; i < history_.size(); ++i) {
      for (const State& state : history_[i]) {
        expected_ = mix(mix(expected_, state->hash), state->sequence);
        for (const auto& [name, tree] : state->trees) {
          expected_ = mix(expected_, tree.id ? *tree.id + 1ULL : 0);
        }
      }
    }
  }

  [[nodiscard]] const State& newest_durable() const noexcept { return history_[durable_].front(); }

  /// The last step of which a record is there; past the end where one is that nobody wrote.
  [[nodiscard]] std::size_t newest_seen(const CrashState& found) const {
    std::size_t newest = 0;
    for (const auto& [name, tree] : found.trees) {
      for (const auto& [key, value] : tree.records) {
        const std::size_t step = first_with(name, key, value);
        if (step == history_.size()) return step;
        newest = std::max(newest, step);
      }
    }
    return newest;
  }

  [[nodiscard]] std::size_t first_with(const std::string& name, const std::string& key,
                                       const std::string& value) const {
    for (std::size_t i = 0; i < history_.size(); ++i) {
      for (const State& state : history_[i]) {
        if (has(*state, name, key, value)) return i;
      }
    }
    return history_.size();
  }

  static bool has(const CrashState& state, const std::string& name, const std::string& key,
                  const std::string& value) {
    const auto tree = state.trees.find(name);
    if (tree == state.trees.end()) return false;
    const auto record = tree->second.records.find(key);
    return record != tree->second.records.end() && record->second == value;
  }

  static void compare(const CrashState& expected, const CrashState& before, const CrashState& found,
                      std::size_t& missing, std::size_t& old, std::size_t& of_the_newest) {
    for (const auto& [name, tree] : expected.trees) {
      for (const auto& [key, value] : tree.records) {
        if (has(found, name, key, value)) continue;
        ++(has(before, name, key, value) ? missing : of_the_newest);
      }
    }
    for (const auto& [name, tree] : found.trees) {
      for (const auto& [key, value] : tree.records) {
        if (!has(expected, name, key, value)) ++old;
      }
    }
  }

  /// The first record in which the two differ.
  static std::string difference(const CrashState& expected, const CrashState& found) {
    for (const auto& [name, tree] : expected.trees) {
      if (!found.trees.contains(name)) return "the tree '" + name + "' is missing";
      for (const auto& [key, value] : tree.records) {
        if (has(found, name, key, value)) continue;
        const auto& records = found.trees.at(name).records;
        const auto at = records.find(key);
        return show_short(key) + " of '" + name + "' is " +
               (at == records.end() ? "missing" : show_short(at->second)) + " and was " +
               show_short(value) + " when last durable";
      }
    }
    for (const auto& [name, tree] : found.trees) {
      const auto at = expected.trees.find(name);
      if (at == expected.trees.end()) return "there is a tree '" + name + "'";
      for (const auto& [key, value] : tree.records) {
        if (!at->second.records.contains(key)) {
          return show_short(key) + " of '" + name + "' is " + show_short(value) +
                 " and was not there when last durable";
        }
      }
    }
    return "nothing differs";
  }

  std::vector<std::vector<State>> history_;
  std::size_t durable_ = 0;
  std::uint64_t expected_ = 0;
};

}  // namespace varve::testing::detail
