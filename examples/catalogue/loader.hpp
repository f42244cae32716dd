// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalogue.hpp"

#include <varve/io/crc32c.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace catalogue {

/// The cursor behind one more item.
inline Cursor behind(const Cursor& cursor, const Item& item) {
  std::string facts = encode(item.facts);
  std::uint32_t crc = varve::crc32c(item.name, cursor.crc);
  crc = varve::crc32c(facts, crc);
  for (const std::string& group : item.needs) crc = varve::crc32c(group, varve::crc32c("\n", crc));
  return {.items = cursor.items + 1, .crc = crc};
}

/// Takes up a load where the catalogue's own cursor says that the last one stopped. Each batch
/// holds whole items and the cursor behind them, so that every item is loaded exactly once,
/// wherever a load before this one was cut off. `acknowledged(count)` is called when a batch has
/// been written, with the number of items that are now there for good.
///
/// Throws `std::runtime_error` where the catalogue was begun from another source.
// [load]
template <varve::KvEngine Store, class Acknowledged>
void load(const Catalogue<Store>& catalogue, std::span<const Item> items,
          Acknowledged acknowledged) {
  const Cursor found = catalogue.cursor();
  Cursor at;
  for (const Item& item : items.first(std::min<std::size_t>(found.items, items.size()))) {
    at = behind(at, item);
  }
  if (at.items != found.items || at.crc != found.crc) {
    throw std::runtime_error(
        "the load was begun from another source, or its index has changed "
        "since: begin again in a new directory");
  }

  const std::size_t items_a_batch = std::clamp<std::size_t>(items.size() / 100, 1, 256);
  varve::WriteBatch batch;
  while (at.items < items.size()) {
    batch.clear();
    const std::size_t size = std::min<std::size_t>(items_a_batch, items.size() - at.items);
    for (const Item& item : items.subspan(at.items, size)) {
      catalogue.add(batch, item);
      at = behind(at, item);
    }
    catalogue.set_cursor(batch, at);
    catalogue.store().write(batch);
    acknowledged(at.items);
  }
}
// [/load]

}  // namespace catalogue
