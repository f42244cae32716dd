// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed/keys.hpp>
#include <varve/codecs/packed/sequence.hpp>

#include <cstddef>

namespace varve {

/// The keys of a packed set, read in place: a `PackedSequence` that ascends.
template <class Key>
class PackedSet : public PackedSequence<Key> {
 public:
  using PackedSequence<Key>::PackedSequence;

  /// Whether `key` is there, by binary search. Takes the view of a key, a `BytesView` for a string,
  /// or where that has no order a key.
  [[nodiscard]] bool contains(const detail::packed::comparable_t<Key>& key) const {
    const auto key_at = [this](std::size_t i) { return this->pieces().piece(i); };
    const std::size_t at = detail::packed::lower_bound<Key>(this->size(), key, key_at);
    return at != this->size() && detail::packed::comparable<Key>(key_at(at)) == key;
  }
};

}  // namespace varve
