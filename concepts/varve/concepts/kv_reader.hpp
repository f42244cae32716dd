// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/order.hpp>
#include <varve/concepts/scan.hpp>
#include <varve/concepts/tree.hpp>

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

namespace varve {

/// An engine's own movable owner of one value, so that a read costs no copy. `view()` is valid
/// while the owner lives; after a move it is taken anew from the new owner. It must die before its
/// engine.
template <class P>
concept PinnedValue = std::movable<P> && requires(const P& pinned) {
  { pinned.view() } noexcept -> std::same_as<BytesView>;
};

namespace detail {

template <class T>
inline constexpr bool is_optional_pinned = false;
template <class P>
inline constexpr bool is_optional_pinned<std::optional<P>> = PinnedValue<P>;

template <class T>
concept OptionalPinned = is_optional_pinned<T>;

template <class R>
concept HasGet = requires(const R& reader, Tree tree, BytesView key) {
  { reader.get(tree, key) } -> OptionalPinned;
};

template <class R>
concept HasContains = requires(const R& reader, Tree tree, BytesView key) {
  { reader.contains(tree, key) } -> std::same_as<bool>;
};

template <class R>
concept HasScan = requires(const R& reader, Tree tree, KeyRange range, Order order) {
  { reader.scan(tree, range, order) } -> EntryScan;
  { reader.scan(tree, range) } -> std::same_as<decltype(reader.scan(tree, range, order))>;
};

}  // namespace detail

/// Something that can be read: an engine, a stack, a snapshot, a past height.
/// docs/concepts/kv_reader.md has the laws.
template <class R>
concept KvReader = detail::HasGet<R> && detail::HasContains<R> && detail::HasScan<R>;

/// The owner of a value that `R::get` hands out.
template <class R>
  requires detail::HasGet<R>
using pinned_t = typename decltype(std::declval<const R&>().get(Tree{}, BytesView{}))::value_type;

/// What `R::scan` returns.
template <class R>
  requires detail::HasScan<R>
using scan_t = decltype(std::declval<const R&>().scan(Tree{}, KeyRange::all(), Order::ascending));

/// The loud twin of `KvReader`: one sentence for each requirement that `R` misses.
template <class R>
consteval bool assert_kv_reader() {
  static_assert(detail::HasGet<R>,
                "a KvReader has get(Tree, BytesView) const that returns std::optional of a movable "
                "type with `BytesView view() const noexcept`");
  static_assert(detail::HasContains<R>,
                "a KvReader has contains(Tree, BytesView) const that returns bool");
  static_assert(
      detail::HasScan<R>,
      "a KvReader has scan(Tree, KeyRange, Order = Order::ascending) const that returns a "
      "varve::Scan");
  return KvReader<R>;
}

}  // namespace varve
