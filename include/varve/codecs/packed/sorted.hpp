// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed/keys.hpp>
#include <varve/codecs/packed/lists.hpp>
#include <varve/codecs/packed/map.hpp>
#include <varve/codecs/packed/set.hpp>
#include <varve/codecs/packed/structs.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <map>
#include <type_traits>
#include <utility>
#include <vector>

namespace varve::detail::packed {

/// A key has an order, and equals itself, as a NaN does not.
template <class T>
concept PackableKey = Packable<T> && std::totally_ordered<T> && !std::floating_point<T>;

template <class C>
concept UniqueKeys = requires(C container, typename C::key_type key, typename C::value_type value) {
  { container.insert(std::move(value)).second } -> std::convertible_to<bool>;
} && PackableKey<typename C::key_type> && Listable<typename C::value_type>;

/// `std::set`, `std::map` and whatever else is sorted by `std::less`, one of each key.
template <class C>
concept SortedContainer =
    UniqueKeys<C> && (std::same_as<typename C::key_compare, std::less<typename C::key_type>> ||
                      std::same_as<typename C::key_compare, std::less<>>);

/// `std::unordered_set`, `std::unordered_map` and their like.
template <class C>
concept HashContainer = UniqueKeys<C> && requires { typename C::hasher; };

template <class C>
concept MapContainer = requires { typename C::mapped_type; };

/// The entries of a hash container in the order of their keys.
template <class C>
class InOrder {
 public:
  using Entry = typename C::value_type;

  class Iterator {
   public:
    explicit Iterator(const Entry* const* at) noexcept : at_(at) {}
    const Entry& operator*() const noexcept { return **at_; }
    Iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Entry* const* at_;
  };

  explicit InOrder(const C& container) {
    entries_.reserve(container.size());
    for (const Entry& entry : container) entries_.push_back(&entry);
    std::sort(entries_.begin(), entries_.end(), [](const Entry* a, const Entry* b) {
      if constexpr (MapContainer<C>) {
        return a->first < b->first;
      } else {
        return *a < *b;
      }
    });
  }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] Iterator begin() const noexcept { return Iterator(entries_.data()); }
  [[nodiscard]] Iterator end() const noexcept {
    return Iterator(entries_.data() + entries_.size());
  }

 private:
  std::vector<const Entry*> entries_;
};

template <class C>
struct ViewOf {
  using type = PackedSet<typename C::key_type>;
};
template <MapContainer C>
struct ViewOf<C> {
  using type = PackedMap<typename C::key_type, typename C::mapped_type>;
};

/// The list of the entries, whose keys ascend.
template <class C>
  requires SortedContainer<C> || HashContainer<C>
struct Wire<C> {
  static constexpr bool fixed = false;
  using Key = typename C::key_type;
  using Entry = typename C::value_type;
  using View = typename ViewOf<C>::type;

  static std::size_t size(const C& values) {
    if constexpr (Fixed<Entry> || SortedContainer<C>) {
      return size_of_list<Entry>(values);
    } else {
      return size_of_list<Entry>(InOrder<C>(values));
    }
  }
  static char* put(const C& values, char* to) {
    if constexpr (SortedContainer<C>) {
      return put_list<Entry>(values, to);
    } else {
      return put_list<Entry>(InOrder<C>(values), to);
    }
  }
  static void check(BytesView bytes) {
    AscendingCheck<Key> check_next;
    check_list<Entry>(bytes, [&](BytesView entry) {
      if constexpr (MapContainer<C>) entry = record_t<Entry>::template piece<0>(entry);
      check_next(entry);
    });
  }
  static C take(BytesView bytes) {
    const auto pieces = pieces_of_list<Entry>(bytes);
    C values;
    if constexpr (HashContainer<C>) values.reserve(pieces.count());
    for (std::size_t i = 0; i != pieces.count(); ++i) {
      if constexpr (MapContainer<C>) {
        using Parts = record_t<Entry>;
        const BytesView entry = pieces.piece(i);
        values.emplace_hint(values.end(), take_piece<Key>(Parts::template piece<0>(entry)),
                            take_piece<typename C::mapped_type>(Parts::template piece<1>(entry)));
      } else {
        values.emplace_hint(values.end(), take_piece<Key>(pieces.piece(i)));
      }
    }
    return values;
  }
  static View view(BytesView bytes) noexcept { return View(pieces_of_list<Entry>(bytes)); }

  static constexpr void describe(Describer& out) {
    out.text(MapContainer<C> ? "map(" : "set(");
    Wire<Key>::describe(out);
    if constexpr (MapContainer<C>) {
      out.text(",");
      Wire<typename C::mapped_type>::describe(out);
    }
    out.text(")");
  }
};

}  // namespace varve::detail::packed
