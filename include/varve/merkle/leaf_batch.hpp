// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/suite.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace varve::merkle {

/// The leaves of the records of one tree, hashed many at once.
///
///   LeafBatch<Blake3, Take> batch("accounts", take);
///   ... batch.add(key, value) for each record, in any order ...
///   batch.flush();
///
/// `take(K, V)` is called for each record, in their order, by then at the latest.
///
/// Threads  one at a time.
template <Suite S, std::invocable<const Digest&, const Digest&> Take>
class LeafBatch {
 public:
  LeafBatch(BytesView tree, Take take) : tree_(tree), take_(std::forward<Take>(take)) {}

  /// Copies what it does not hash at once.
  void add(BytesView key, BytesView value) {
    if (count_ == at_once || bytes_.size() + key.size() + value.size() > most_bytes) flush();
    bytes_.append(key).append(value);
    sizes_[count_++] = {key.size(), value.size()};
  }

  void flush() {
    std::array<BytesView, at_once> keys;
    std::array<BytesView, at_once> values;
    BytesView left = bytes_;
    for (std::size_t i = 0; i != count_; ++i) {
      keys[i] = left.substr(0, sizes_[i].key);
      values[i] = left.substr(sizes_[i].key, sizes_[i].value);
      left.remove_prefix(sizes_[i].key + sizes_[i].value);
    }
    std::array<Digest, at_once> k;
    std::array<Digest, at_once> v;
    S::key_digests(tree_, std::span(keys).first(count_), std::span(k).first(count_));
    S::value_digests(std::span(values).first(count_), std::span(v).first(count_));
    for (std::size_t i = 0; i != count_; ++i) take_(k[i], v[i]);
    bytes_.clear();
    count_ = 0;
  }

 private:
  static constexpr std::size_t at_once = 256;
  static constexpr std::size_t most_bytes = std::size_t{64} << 10U;

  struct Sizes {
    std::size_t key;
    std::size_t value;
  };

  std::string tree_;
  Take take_;
  std::string bytes_;  ///< keys and values, one after another
  std::array<Sizes, at_once> sizes_;
  std::size_t count_ = 0;
};

}  // namespace varve::merkle
