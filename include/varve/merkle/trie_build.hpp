// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/key_order.hpp>
#include <varve/merkle/suite.hpp>
#include <varve/merkle/trie_builder.hpp>
#include <varve/merkle/trie_summary.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace varve::merkle::detail {

/// The leaves of lowest keys among those that are offered, as many as there is room for.
class LowestLeaves {
 public:
  explicit LowestLeaves(std::size_t room) : room_(room) {}

  /// `value` is a digest or a callable that answers one.
  template <class Value>
  void offer(const Digest& key, const Value& value) {
    if (!is_wanted(key)) return;
    if (leaves_.size() == room_) {
      cut();
      if (!is_wanted(key)) return;
    }
    if constexpr (std::invocable<const Value&>) {
      leaves_.push_back({key, value()});
    } else {
      leaves_.push_back({key, value});
    }
  }

  [[nodiscard]] std::span<const DigestPair> leaves() const noexcept { return leaves_; }

  /// Goes on behind the leaves that are here. False where there are none.
  [[nodiscard]] bool next() {
    leaves_.clear();
    from_ = std::exchange(to_, std::nullopt);
    return from_.has_value();
  }

 private:
  [[nodiscard]] bool is_wanted(const Digest& key) const noexcept {
    return (!from_ || compare(key, *from_) >= 0) && (!to_ || compare(key, *to_) < 0);
  }

  /// The upper half has to wait for its turn.
  void cut() {
    const auto middle = leaves_.begin() + static_cast<std::ptrdiff_t>(leaves_.size() / 2);
    std::nth_element(
        leaves_.begin(), middle, leaves_.end(),
        [](const auto& one, const auto& other) { return compare(one.first, other.first) < 0; });
    to_ = middle->first;
    leaves_.erase(middle, leaves_.end());
  }

  std::size_t room_;
  std::vector<DigestPair> leaves_;
  std::optional<Digest> from_;
  std::optional<Digest> to_;
};

template <Suite S, class Source, class Write>
[[nodiscard]] TrieSummary build_trie(Source& source, Write& write, std::size_t memory_bytes) {
  // A leaf while the vector of all grows, or while they are sorted.
  constexpr std::size_t bytes_a_leaf = sizeof(DigestPair) + 2 * sizeof(KeyPlace<DigestPair>);
  LowestLeaves lowest(std::max<std::size_t>(memory_bytes / bytes_a_leaf, 16));
  const auto add = [&](const Digest& key, const auto& value) { lowest.offer(key, value); };
  const auto pass_on = [&](BytesView key, BytesView page) { write(key, page); };
  TrieBuilder<S, decltype(pass_on)> builder(pass_on);
  do {
    source(add);
    const auto places = in_key_order<&DigestPair::first>(lowest.leaves());
    for (std::size_t i = 0; i != places.size(); ++i) {
      constexpr std::size_t ahead = 12;  // the leaves lie as they came, all over the memory
      if (i + ahead < places.size()) {
        __builtin_prefetch(&places[i + ahead].item->first);
        __builtin_prefetch(&places[i + ahead].item->second);
      }
      builder.add(places[i].item->first, places[i].item->second);
    }
  } while (lowest.next());
  return builder.finish();
}

}  // namespace varve::merkle::detail
