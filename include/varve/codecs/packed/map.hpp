// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed/iterator.hpp>
#include <varve/codecs/packed/keys.hpp>
#include <varve/codecs/packed/pieces.hpp>
#include <varve/codecs/packed/record.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace varve {

/// The entries of a packed map, read in place: a random-access range of pairs of a key and a value,
/// each a value or a view, in the order of the keys. Valid, with its iterators, as long as the
/// bytes that it was made from. Safe to read from several threads.
template <class Key, class Value>
class PackedMap {
 public:
  using key_type = typename detail::packed::Wire<Key>::View;
  using mapped_type = typename detail::packed::Wire<Value>::View;
  using value_type = std::pair<key_type, mapped_type>;
  using iterator = detail::packed::IndexIterator<PackedMap, value_type>;

  PackedMap() = default;

  /// For codecs: of bytes that were checked.
  explicit PackedMap(detail::packed::pieces_t<std::pair<Key, Value>> pieces) noexcept
      : pieces_(pieces) {}

  [[nodiscard]] std::size_t size() const noexcept { return pieces_.count(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  /// Of an index below `size()`.
  [[nodiscard]] value_type operator[](std::size_t index) const {
    const BytesView entry = pieces_.piece(index);
    return {Entry::template view<0>(entry), Entry::template view<1>(entry)};
  }

  [[nodiscard]] iterator begin() const noexcept { return iterator(*this, 0); }
  [[nodiscard]] iterator end() const noexcept { return iterator(*this, size()); }

  /// The value under `key`, by binary search. Takes the view of a key, a `BytesView` for a string,
  /// or where that has no order a key.
  [[nodiscard]] std::optional<mapped_type> find(
      const detail::packed::comparable_t<Key>& key) const {
    const auto key_at = [this](std::size_t i) {
      return Entry::template piece<0>(pieces_.piece(i));
    };
    const std::size_t at = detail::packed::lower_bound<Key>(size(), key, key_at);
    if (at == size() || !(detail::packed::comparable<Key>(key_at(at)) == key)) return std::nullopt;
    return Entry::template view<1>(pieces_.piece(at));
  }

  [[nodiscard]] bool contains(const detail::packed::comparable_t<Key>& key) const {
    return find(key).has_value();
  }

 private:
  using Entry = detail::packed::Record<Key, Value>;

  detail::packed::pieces_t<std::pair<Key, Value>> pieces_;
};

}  // namespace varve
