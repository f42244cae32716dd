// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/cursor.hpp>
#include <varve/adapters/lmdb/error.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/tree.hpp>

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace varve::lmdb {

/// What the catalogue says of one number.
struct CatalogueEntry {
  std::uint32_t number = 0;
  bool dropped = false;
  std::string name;
};

/// The numbers of the trees, kept in a named database beside them: docs/formats/lmdb.md.
///
/// It is open only while it is used, because LMDB spends time on each open database whenever a
/// reading transaction is renewed.
class Catalogue {
 public:
  /// No tree can have this name, because of its first byte.
  static constexpr const char* database_name = "\x01varve.trees";

  /// Opens the catalogue in a transaction, making it in a writing one. To be closed by `close`
  /// when the transaction has ended.
  [[nodiscard]] static std::optional<Catalogue> open(MDB_txn* transaction, unsigned flags) {
    Catalogue catalogue;
    catalogue.transaction_ = transaction;
    const int code = mdb_dbi_open(transaction, database_name, flags, &catalogue.database_);
    if (code == MDB_NOTFOUND) return std::nullopt;
    check(code, "open");
    return catalogue;
  }

  /// After the end of the transaction in which it was opened.
  void close(MDB_env* environment) const noexcept { mdb_dbi_close(environment, database_); }

  /// The number that the next tree gets.
  [[nodiscard]] std::uint32_t next_number() const {
    MDB_val value{};
    const std::string key = encode(0);
    MDB_val key_value = to_value(key);
    const int code = mdb_get(transaction_, database_, &key_value, &value);
    if (code == MDB_NOTFOUND) return 1;
    check(code, "open_tree");
    const BytesView bytes = to_view(value);
    if (bytes.size() != 5 || bytes[0] != format) refuse();
    return decode(bytes.substr(1));
  }

  void set_next_number(std::uint32_t number) const { store(0, format, encode(number)); }

  void store_alive(std::uint32_t number, BytesView name) const { store(number, alive, name); }
  void store_dropped(std::uint32_t number, BytesView name) const { store(number, dropped, name); }

  void erase(std::uint32_t number) const {
    const std::string key = encode(number);
    MDB_val key_value = to_value(key);
    check(mdb_del(transaction_, database_, &key_value, nullptr), "open_tree");
  }

  [[nodiscard]] std::vector<CatalogueEntry> entries() const {
    std::vector<CatalogueEntry> entries;
    MDB_cursor* opened = nullptr;
    check(mdb_cursor_open(transaction_, database_, &opened), "open");
    const CursorHandle cursor(opened);
    MDB_val key{};
    MDB_val value{};
    int code = mdb_cursor_get(opened, &key, &value, MDB_FIRST);
    for (; code == MDB_SUCCESS; code = mdb_cursor_get(opened, &key, &value, MDB_NEXT)) {
      const BytesView bytes = to_view(value);
      if (key.mv_size != 4 || bytes.empty()) refuse();
      const std::uint32_t number = decode(to_view(key));
      if (number == 0) continue;
      if (number > Tree::max_number || (bytes[0] != alive && bytes[0] != dropped)) refuse();
      entries.push_back({number, bytes[0] == dropped, std::string(bytes.substr(1))});
    }
    if (code != MDB_NOTFOUND) check(code, "open");
    return entries;
  }

 private:
  // Stored: do not change.
  static constexpr char format = '\x01';
  static constexpr char alive = '\x01';
  static constexpr char dropped = '\x02';

  [[nodiscard]] static std::string encode(std::uint32_t number) {
    return {static_cast<char>(number >> 24U), static_cast<char>(number >> 16U),
            static_cast<char>(number >> 8U), static_cast<char>(number)};
  }

  [[nodiscard]] static std::uint32_t decode(BytesView bytes) noexcept {
    std::uint32_t number = 0;
    for (const char byte : bytes) number = number << 8U | static_cast<unsigned char>(byte);
    return number;
  }

  void store(std::uint32_t number, char kind, BytesView rest) const {
    const std::string key = encode(number);
    const std::string bytes = std::string(1, kind).append(rest);
    MDB_val key_value = to_value(key);
    MDB_val value = to_value(bytes);
    check(mdb_put(transaction_, database_, &key_value, &value, 0), "open_tree");
  }

  [[noreturn]] static void refuse() {
    throw adapter_error(ErrorKind::corruption,
                        "the catalogue of trees is damaged or was written by a newer version; "
                        "restore a backup or use the newer version",
                        "open");
  }

  MDB_txn* transaction_ = nullptr;
  MDB_dbi database_ = 0;
};

}  // namespace varve::lmdb
