// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/entry.hpp>

#include <concepts>
#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

namespace varve {

/// What the author of an engine writes for its scans: a position on the entries of a range.
///
/// Expression    Semantics
/// c.valid()     whether it stands on an entry; false once the range is done. Never throws.
/// c.entry()     the entry it stands on, where `valid()`. Both views live until it moves.
/// c.next()      moves on, where `valid()`; throws `Error` where the engine failed, which is never
///               shown as the end of the range.
template <class C>
concept Cursor = std::movable<C> && requires(C cursor, const C looked_at) {
  { looked_at.valid() } -> std::same_as<bool>;
  { looked_at.entry() } -> std::same_as<Entry>;
  { cursor.next() } -> std::same_as<void>;
};

/// A cursor as an input range of `Entry`, for std and for range-v3 (whose views are copyable, so
/// that they want a scan that has a name). Single pass: it stands where its cursor stands, and
/// `begin()` does not rewind. It is itself a `Cursor`, so that a layer which wraps or merges scans
/// moves them by hand.
///
/// Sees the one state of the engine at which it was made. Move-only where the cursor is; moving it
/// invalidates its iterators. Belongs to one thread at a time.
template <Cursor C>
class Scan {
 public:
  class Iterator {
   public:
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    using iterator_category = std::input_iterator_tag;
    using reference = Entry;
    using pointer = void;

    Iterator() = default;

    [[nodiscard]] Entry operator*() const { return cursor_->entry(); }
    Iterator& operator++() {
      cursor_->next();
      return *this;
    }
    void operator++(int) { ++*this; }

    friend bool operator==(const Iterator& at, std::default_sentinel_t) {
      return !at.cursor_->valid();
    }

   private:
    friend class Scan;
    explicit Iterator(C* cursor) noexcept : cursor_(cursor) {}

    C* cursor_ = nullptr;
  };

  explicit Scan(C cursor) noexcept(std::is_nothrow_move_constructible_v<C>)
      : cursor_(std::move(cursor)) {}

  [[nodiscard]] Iterator begin() noexcept { return Iterator(&cursor_); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

  [[nodiscard]] bool valid() const noexcept { return cursor_.valid(); }
  [[nodiscard]] Entry entry() const { return cursor_.entry(); }
  void next() { cursor_.next(); }

 private:
  C cursor_;
};

/// What `scan` returns: a `Cursor` that is an input range of `Entry` too. `Scan<C>` is the model.
template <class S>
concept EntryScan = Cursor<S> && requires(S scan) {
  { scan.begin() } -> std::input_iterator;
  { *scan.begin() } -> std::same_as<Entry>;
  { scan.end() } -> std::sentinel_for<decltype(scan.begin())>;
};

}  // namespace varve

/// A scan is a view: cheap to move, and it owns its place.
template <class C>
inline constexpr bool std::ranges::enable_view<varve::Scan<C>> = true;
