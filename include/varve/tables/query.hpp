// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/tables/rows.hpp>

#include <tuple>

namespace varve {

/// All records of a table in the order of its keys or of an index, to be narrowed. Parts are given
/// from the first on: `equal(a, b)`; a bound is the first part, or a tuple of parts.
template <class Source, class Access>
class Query : public Rows<Source, Access, detail::tables::Show::records> {
 public:
  using Base = Rows<Source, Access, detail::tables::Show::records>;
  using Parts = typename Access::Parts;
  using Base::Base;

  /// Those with these parts, all of them.
  template <class... Given>
  [[nodiscard]] Base equal(const Given&... parts) const {
    static_assert(sizeof...(Given) == std::tuple_size_v<Parts>,
                  "equal takes every part; for the first parts alone there is prefix");
    return prefix(parts...);
  }

  /// Those whose first parts are these.
  template <class... Given>
  [[nodiscard]] Base prefix(const Given&... parts) const {
    return this->narrowed(KeyRange::prefix(detail::tables::bound<Parts>(parts...)));
  }

  /// Those at and after `first` and before `last`.
  template <class First, class Last>
  [[nodiscard]] Base between(const First& first, const Last& last) const {
    return this->narrowed(
        KeyRange::between(detail::tables::bound<Parts>(first), detail::tables::bound<Parts>(last)));
  }

  /// Those at and after `first`.
  template <class First>
  [[nodiscard]] Base from(const First& first) const {
    return this->narrowed(KeyRange::from(detail::tables::bound<Parts>(first)));
  }

  /// Those before `last`.
  template <class Last>
  [[nodiscard]] Base until(const Last& last) const {
    return this->narrowed(KeyRange::between({}, detail::tables::bound<Parts>(last)));
  }
};

}  // namespace varve

template <class Source, class Access>
inline constexpr bool std::ranges::enable_view<varve::Query<Source, Access>> = true;
template <class Source, class Access>
inline constexpr bool std::ranges::enable_borrowed_range<varve::Query<Source, Access>> = true;
