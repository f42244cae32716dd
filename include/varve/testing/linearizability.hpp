// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/linearizability/history.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace varve::testing {

namespace detail {

/// Looks for an order of the calls on one key in which each takes effect at a moment between its
/// start and its end: the search of Wing and Gong ("Testing and verifying concurrent objects",
/// 1993), with the memory of Lowe ("Testing for linearizability", 2017) for what was tried before.
class LinearizabilitySearch {
 public:
  explicit LinearizabilitySearch(const std::vector<const HistoryCall*>& calls)
      : calls_(calls), taken_((calls.size() + 63) / 64) {
    std::vector<std::pair<std::uint64_t, Node>> moments;
    for (std::size_t i = 0; i < calls.size(); ++i) {
      moments.push_back({calls[i]->start, Node{i, true}});
      if (calls[i]->indeterminate()) continue;
      moments.push_back({calls[i]->end, Node{i, false}});
      ++left_;
    }
    std::sort(moments.begin(), moments.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    nodes_.push_back({});
    end_of_.resize(calls.size());
    for (const auto& [moment, node] : moments) {
      const std::size_t at = nodes_.size();
      nodes_.push_back(node);
      nodes_[at].before = at - 1;
      nodes_[at - 1].after = at;
      if (!node.starts) end_of_[node.call] = at;
    }
  }

  [[nodiscard]] bool succeeds() {
    std::size_t at = nodes_[head].after;
    while (left_ != 0) {
      const bool can_start = at != head && nodes_[at].starts;
      if (can_start && take(at)) {
        at = nodes_[head].after;
      } else if (can_start) {
        at = nodes_[at].after;
      } else {
        // A call ends here that has no place before its end: what was done last was wrong.
        note_failure(at);
        if (steps_.empty()) return false;
        at = nodes_[give_back()].after;
      }
    }
    return true;
  }

  /// The call that had no place in the longest order found.
  [[nodiscard]] std::size_t stuck_at() const noexcept { return stuck_at_; }
  /// What the key held by then.
  [[nodiscard]] const std::optional<std::string>& stuck_with() const noexcept {
    return stuck_with_;
  }

 private:
  static constexpr std::size_t head = 0;

  /// The start or the end of a call, in a list from which those that are done are taken out.
  struct Node {
    std::size_t call = 0;
    bool starts = false;
    std::size_t before = head;
    std::size_t after = head;
  };

  struct Step {
    std::size_t node;
    std::optional<std::string> value;  ///< before it
  };

  /// Lets the call take effect now, where it can and where that is new.
  bool take(std::size_t node) {
    const std::size_t index = nodes_[node].call;
    const HistoryCall& call = *calls_[index];
    std::optional<std::string> after = value_;
    switch (call.kind) {
      case CallKind::get:
        if (call.seen != value_) return false;
        break;
      case CallKind::contains:
        if (call.seen.has_value() != value_.has_value()) return false;
        break;
      case CallKind::compare_and_set:
        if (call.seen != value_) return false;
        [[fallthrough]];
      case CallKind::put:
      case CallKind::erase: after = call.written; break;
    }
    flip(index);
    if (!tried_.insert(configuration(after)).second) {
      flip(index);
      return false;
    }
    steps_.push_back({node, std::exchange(value_, std::move(after))});
    unlink(node);
    if (end_of_[index] != head) {
      unlink(end_of_[index]);
      --left_;
    }
    return true;
  }

  /// Undoes the last call taken, and answers its start.
  std::size_t give_back() {
    Step step = std::move(steps_.back());
    steps_.pop_back();
    const std::size_t index = nodes_[step.node].call;
    if (end_of_[index] != head) {
      link(end_of_[index]);
      ++left_;
    }
    link(step.node);
    flip(index);
    value_ = std::move(step.value);
    return step.node;
  }

  void unlink(std::size_t node) {
    nodes_[nodes_[node].before].after = nodes_[node].after;
    nodes_[nodes_[node].after].before = nodes_[node].before;
  }

  void link(std::size_t node) {
    nodes_[nodes_[node].before].after = node;
    nodes_[nodes_[node].after].before = node;
  }

  void flip(std::size_t index) { taken_[index / 64] ^= std::uint64_t{1} << (index % 64); }

  [[nodiscard]] std::string configuration(const std::optional<std::string>& value) const {
    std::string bytes(reinterpret_cast<const char*>(taken_.data()), taken_.size() * 8);
    if (value) bytes.append("=").append(*value);
    return bytes;
  }

  void note_failure(std::size_t at) {
    if (stuck_after_ && steps_.size() < *stuck_after_) return;
    stuck_after_ = steps_.size();
    stuck_at_ = nodes_[at].call;
    stuck_with_ = value_;
  }

  const std::vector<const HistoryCall*>& calls_;
  std::vector<Node> nodes_;
  std::vector<std::size_t> end_of_;  ///< `head` where a call has none
  std::vector<std::uint64_t> taken_;
  std::unordered_set<std::string> tried_;
  std::vector<Step> steps_;
  std::optional<std::string> value_;
  std::size_t left_ = 0;  ///< calls that must have a place and have none yet
  std::optional<std::size_t> stuck_after_;
  std::size_t stuck_at_ = 0;
  std::optional<std::string> stuck_with_;
};

}  // namespace detail

/// Whether the history of a map, empty at first, is linearizable: whether each call may have taken
/// effect at one moment between its start and its end, and an indeterminate one at any moment after
/// its start or never. A map is so where each of its keys is (Herlihy and Wing, 1990), so the keys
/// are judged one by one. Answers nothing where it is, else the key and the call that fits nowhere.
///
/// The problem is NP-complete: thousands of calls a key take milliseconds where the engine is right
/// and few threads call at once; a history of many indeterminate calls may take for ever.
[[nodiscard]] inline std::optional<NotLinearizable> check_linearizable(const History& history) {
  std::map<BytesView, std::vector<const HistoryCall*>> keys;
  for (const HistoryCall& call : history) keys[call.key].push_back(&call);
  for (const auto& [key, calls] : keys) {
    detail::LinearizabilitySearch search(calls);
    if (search.succeeds()) continue;
    const HistoryCall& stuck = *calls[search.stuck_at()];
    std::string sentence = "not linearizable: no order of the calls has a place for\n  " +
                           to_string(stuck) + "\nwhere the key holds " +
                           (search.stuck_with() ? show_short(*search.stuck_with()) : "nothing") +
                           "; the calls on it about that time:";
    constexpr std::uint64_t about = 40;
    for (const HistoryCall* const call : calls) {
      if (call->start > stuck.end || (call->end < stuck.start && stuck.start - call->end > about)) {
        continue;
      }
      sentence += "\n  " + to_string(*call);
    }
    return NotLinearizable{std::string(key), std::move(sentence)};
  }
  return std::nullopt;
}

}  // namespace varve::testing
