// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <memory>
#include <string>
#include <utility>

namespace varve {

/// A write would have given one entry of a unique index to two records. Nothing was changed.
class UniqueViolation : public Error {
 public:
  struct Names {
    std::string table;
    std::string index;
    std::string key;      ///< of the record that was to be written, as `Ordered` spells it
    std::string held_by;  ///< the key of the record that has the entry
    std::string entry;    ///< what both want, as `Ordered` spells it
  };

  explicit UniqueViolation(Names names)
      : Error(ErrorKind::invalid_argument, {.message = message(names),
                                            .operation = "write",
                                            .tree = names.table + "." + names.index,
                                            .layer = "table"}),
        names_(std::make_shared<const Names>(std::move(names))) {}

  [[nodiscard]] const std::string& table() const noexcept { return names_->table; }
  [[nodiscard]] const std::string& index() const noexcept { return names_->index; }
  [[nodiscard]] const std::string& key() const noexcept { return names_->key; }
  [[nodiscard]] const std::string& held_by() const noexcept { return names_->held_by; }
  [[nodiscard]] const std::string& entry() const noexcept { return names_->entry; }

 private:
  static std::string message(const Names& names) {
    return "index '" + names.index + "' of table '" + names.table + "' is unique, and the record " +
           spelled(names.held_by) + " has the entry " + spelled(names.entry) + " that the record " +
           spelled(names.key) + " was to have: change or erase the one before the other is written";
  }

  static std::string spelled(BytesView bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text = "\"";
    for (const char c : bytes.substr(0, 64)) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
        text.push_back(c);
      } else {
        text.append("\\x").append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
      }
    }
    return text + (bytes.size() > 64 ? "\"..." : "\"");
  }

  std::shared_ptr<const Names> names_;
};

}  // namespace varve
