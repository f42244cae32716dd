// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/tables/rows.hpp>

#include <range/v3/view/reverse.hpp>

#include <type_traits>

namespace varve {

/// `rows | ranges::views::reverse` reads the engine backwards. range-v3's own asks for iterators
/// that go both ways, which rows do not have, and so leaves this place to us.
template <class Source, class Access, detail::tables::Show show>
[[nodiscard]] Rows<Source, Access, show> operator|(
    const Rows<Source, Access, show>& rows,
    const std::remove_cvref_t<decltype(ranges::views::reverse)>&) {
  return rows.descending();
}

}  // namespace varve
