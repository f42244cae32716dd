// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "item.hpp"
#include "record.hpp"

#include <varve/concepts/kv_engine.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace catalogue {

/// How far a load has come: so many items of the source, with this CRC-32C over them all.
struct Cursor {
  std::uint64_t items = 0;
  std::uint32_t crc = 0;
};

/// The name of an alternative as in "python3:any (>= 3.11)": up to its architecture or version.
inline std::string_view bare_name(std::string_view alternative) {
  return alternative.substr(0, alternative.find_first_of(": ("));
}

/// Four trees of a store, on any stack:
///
///   packages   name                       -> its facts
///   depends    name, 0, group (2 bytes)   -> alternatives
///   rdepends   dependency, 0, name        -> the alternatives that name it
///   progress   "loaded"                   -> the cursor
// [catalogue]
template <varve::KvReader Store>
class Catalogue {
 public:
  Catalogue(Store& store, const Words& words)
    requires varve::KvEngine<Store>
      : store_(&store),
        things_(store.open_tree(words.things)),
        needs_(store.open_tree(words.needs)),
        needed_by_(store.open_tree(words.needed_by)),
        progress_(store.open_tree("progress")) {}

  /// The same trees as another reader has them: as they were at a height.
  template <varve::KvEngine Other>
  Catalogue(const Catalogue<Other>& catalogue, Store& reader)
      : store_(&reader),
        things_(catalogue.things_),
        needs_(catalogue.needs_),
        needed_by_(catalogue.needed_by_),
        progress_(catalogue.progress_) {}

  /// Adds a thing with all its edges to a batch: with the batch they are there, or not, together.
  void add(varve::WriteBatch& batch, const Item& item) const {
    batch.put(things_, item.name, encode(item.facts));
    std::map<std::string, std::string, std::less<>> edges;
    std::uint64_t group = 0;
    for (const std::string& alternatives : item.needs) {
      batch.put(needs_, group_key(item.name, group++), alternatives);
      for_each_alternative(alternatives, [&](std::string_view alternative) {
        std::string& edge = edges[std::string(bare_name(alternative))];
        edge.append(edge.empty() ? "" : ", ").append(alternative);
      });
    }
    for (const auto& [needed, edge] : edges) {
      batch.put(needed_by_, pair_key(needed, item.name), edge);
    }
  }

  void set_cursor(varve::WriteBatch& batch, const Cursor& cursor) const {
    std::string record;
    append_number<8>(record, cursor.items);
    append_number<4>(record, cursor.crc);
    batch.put(progress_, "loaded", record);
  }

  [[nodiscard]] Cursor cursor() const {
    const auto record = store_->get(progress_, "loaded");
    if (!record) return {};
    RecordReader reader(record->view());
    const std::uint64_t items = reader.number<8>();
    return {.items = items, .crc = static_cast<std::uint32_t>(reader.number<4>())};
  }

  [[nodiscard]] std::optional<Facts> find(std::string_view name) const {
    const auto record = store_->get(things_, name);
    if (!record) return std::nullopt;
    return decode_facts(record->view());
  }

  /// Ranges of entries: the groups that a thing needs, what needs it, things by the beginning of
  /// their names, and all of them.
  [[nodiscard]] auto needs_of(std::string_view name) const {
    return store_->scan(needs_, varve::KeyRange::prefix(pair_key(name, "")));
  }
  [[nodiscard]] auto needing(std::string_view name) const {
    return store_->scan(needed_by_, varve::KeyRange::prefix(pair_key(name, "")));
  }
  [[nodiscard]] auto starting_with(std::string_view beginning) const {
    return store_->scan(things_, varve::KeyRange::prefix(beginning));
  }
  [[nodiscard]] auto all() const { return store_->scan(things_, varve::KeyRange::all()); }
  [[nodiscard]] auto all_edges() const { return store_->scan(needed_by_, varve::KeyRange::all()); }

  [[nodiscard]] Store& store() const noexcept { return *store_; }
  [[nodiscard]] varve::Tree things() const noexcept { return things_; }
  [[nodiscard]] varve::Tree needs() const noexcept { return needs_; }
  [[nodiscard]] varve::Tree needed_by() const noexcept { return needed_by_; }

 private:
  template <varve::KvReader>
  friend class Catalogue;

  static std::string pair_key(std::string_view first, std::string_view second) {
    std::string key(first);
    key += '\0';
    return key.append(second);
  }

  static std::string group_key(std::string_view name, std::uint64_t group) {
    std::string key = pair_key(name, "");
    append_number<2>(key, group);
    return key;
  }

  template <class Visit>
  static void for_each_alternative(std::string_view alternatives, Visit visit) {
    while (!alternatives.empty()) {
      const std::size_t end = std::min(alternatives.find('|'), alternatives.size());
      std::string_view one = alternatives.substr(0, end);
      while (one.starts_with(' ')) one.remove_prefix(1);
      while (one.ends_with(' ')) one.remove_suffix(1);
      if (!one.empty()) visit(one);
      alternatives.remove_prefix(std::min(end + 1, alternatives.size()));
    }
  }

  Store* store_;
  varve::Tree things_;
  varve::Tree needs_;
  varve::Tree needed_by_;
  varve::Tree progress_;
};
// [/catalogue]

/// The first and the second part of a key of `depends` or `rdepends`.
inline std::string_view first_part(varve::BytesView key) {
  return key.substr(0, key.find('\0'));
}
inline std::string_view second_part(varve::BytesView key) {
  return key.substr(key.find('\0') + 1);
}

}  // namespace catalogue
