// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/tables/catalogue.hpp>
#include <varve/tables/opening.hpp>
#include <varve/tables/unique_value.hpp>

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

// The entries that records have in the indexes of their table, found without its types: nobody can
// say what they were made of where no conversion takes the record.
namespace varve::detail {

/// Reads past values at the front of a key, by the names of their types: docs/formats/ordered.md.
class KeySkipper {
 public:
  KeySkipper(BytesView type, BytesView key) noexcept : type_(type), left_(key) {}

  /// Takes the next name, and its value where it is `there`.
  void skip(bool there = true) {
    if (takes("(")) {
      while (!takes(")")) {
        skip(there);
        static_cast<void>(takes(","));
      }
    } else if (takes("[")) {
      skip_array(there);
    } else if (takes("~")) {
      mask_ = ~mask_;
      skip(there);
      mask_ = ~mask_;
    } else if (takes("?")) {
      skip(there && take_byte() != 0);
    } else if (takes("bytes")) {
      if (there) skip_text();
    } else if (takes("bool")) {
      if (there) drop(1);
    } else if (takes("time ")) {
      static_cast<void>(take_number());
      static_cast<void>(takes("/"));
      static_cast<void>(take_number());
      static_cast<void>(takes(" "));
      skip(there);
    } else if (takes("u") || takes("i") || takes("f")) {
      const std::size_t bits = take_number();
      if (there) drop(bits / 8);
    } else {
      refuse();
    }
  }

  [[nodiscard]] BytesView left() const noexcept { return left_; }

 private:
  [[nodiscard]] bool takes(BytesView word) noexcept {
    if (type_.substr(0, word.size()) != word) return false;
    type_.remove_prefix(word.size());
    return true;
  }

  [[nodiscard]] std::size_t take_number() noexcept {
    std::size_t number = 0;
    for (; !type_.empty() && type_[0] >= '0' && type_[0] <= '9'; type_.remove_prefix(1)) {
      number = 10 * number + static_cast<std::size_t>(type_[0] - '0');
    }
    return number;
  }

  void skip_array(bool there) {
    const std::size_t count = take_number();
    static_cast<void>(takes("]"));
    const BytesView element = type_;
    skip(there && count != 0);
    for (std::size_t i = 1; there && i < count; ++i) {
      type_ = element;
      skip();
    }
  }

  /// A zero is written as 00 FF, the end as 00 00.
  void skip_text() {
    while (take_byte() != 0 || take_byte() != 0) {
    }
  }

  unsigned take_byte() {
    if (left_.empty()) refuse();
    const unsigned byte = (static_cast<unsigned char>(left_[0]) ^ mask_) & 0xffU;
    left_.remove_prefix(1);
    return byte;
  }

  void drop(std::size_t size) {
    if (left_.size() < size) refuse();
    left_.remove_prefix(size);
  }

  [[noreturn]] static void refuse() {
    throw Error(ErrorKind::corruption,
                {.message = "an entry is not of the types that its index has: verify the indexes "
                            "and rebuild what is damaged",
                 .operation = "scrub",
                 .layer = "migrated"});
  }

  BytesView type_;
  BytesView left_;
  unsigned mask_ = 0;
};

/// The key of the record that an entry of the index is of.
[[nodiscard]] inline std::string owner_of(const tables::StoredIndex& index, const Entry& entry) {
  if (index.definition.rfind("unique", 0) == 0) {
    return std::string(tables::split_owner(entry.value).owner);
  }
  KeySkipper parts(BytesView(index.definition).substr(index.definition.find('(')), entry.key);
  parts.skip();
  return std::string(parts.left());
}

struct OwnedEntry {
  Tree index;
  std::string entry;
  std::string owner;  ///< the key of its record
};

/// The entries that the records of `keys` have in the indexes of the table, if it is one.
template <KvEngine E>
[[nodiscard]] std::vector<OwnedEntry> entries_owned(const E& engine, const std::string& table,
                                                    const std::set<std::string>& keys) {
  std::vector<OwnedEntry> owned;
  const auto catalogue = engine.find_tree(tables::catalogue_tree);
  if (!catalogue || keys.empty()) return owned;
  for (const std::string& index : tables::stored_indexes(engine, *catalogue, table)) {
    const std::string name = table + "." + index;
    const auto stored = tables::read_index(engine, *catalogue, name);
    const auto tree = engine.find_tree(name);
    if (!stored || !tree) continue;
    for (auto scan = engine.scan(*tree, KeyRange::all()); scan.valid(); scan.next()) {
      std::string owner = owner_of(*stored, scan.entry());
      if (!keys.contains(owner)) continue;
      owned.push_back({*tree, std::string(scan.entry().key), std::move(owner)});
    }
  }
  return owned;
}

}  // namespace varve::detail
