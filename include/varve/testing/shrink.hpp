// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace varve::testing {

/// Takes away from `items`, for which `fails` is true, whatever it goes on failing without: delta
/// debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002).
/// First halves are left out, then ever smaller parts, until no single item can go. `fails` takes a
/// vector by const reference; where it is always false in the end (a limit on tries, say) the
/// shortest one found is given back.
template <class Item, class Fails>
[[nodiscard]] std::vector<Item> shrink(std::vector<Item> items, Fails fails) {
  for (std::size_t part = (items.size() + 1) / 2; part > 0;) {
    bool smaller = false;
    for (std::size_t end = items.size(); end > 0;) {
      const std::size_t begin = end - std::min(end, part);
      std::vector<Item> rest;
      rest.reserve(items.size() - (end - begin));
      for (std::size_t i = 0; i < items.size(); ++i) {
        if (i < begin || i >= end) rest.push_back(items[i]);
      }
      if (fails(rest)) {
        items = std::move(rest);
        smaller = true;
      }
      end = begin;
    }
    if (part > 1) {
      part = (part + 1) / 2;
    } else if (!smaller) {
      break;
    }
  }
  return items;
}

}  // namespace varve::testing
