// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/durability.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/order.hpp>

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

/// What the model test does to an engine, as plain values: so that a script can be made, cut,
/// printed, read back and run again. model/script_text.hpp has the text form.
///
/// Every operation makes sense anywhere. A tree is a small number with a name of its own; its
/// operations go to the id that it was last given, even when that one is dropped, and do nothing
/// before it was ever opened. What is held has a small number too; holding replaces what was held
/// under it. What an engine cannot do is passed over.
namespace varve::testing::script {

/// A `KeyRange` that owns its bytes.
struct Range {
  enum class Kind : std::uint8_t { all, prefix, from, between };

  Kind kind = Kind::all;
  std::string first;
  std::string last;

  [[nodiscard]] KeyRange view() const noexcept {
    switch (kind) {
      case Kind::all: break;
      case Kind::prefix: return KeyRange::prefix(first);
      case Kind::from: return KeyRange::from(first);
      case Kind::between: return KeyRange::between(first, last);
    }
    return KeyRange::all();
  }

  friend bool operator==(const Range&, const Range&) = default;
};

// Each has its word, and its fields in the order of the text.

struct Put {
  static constexpr BytesView word = "put";
  std::uint32_t tree = 0;
  std::string key{};
  std::string value{};
  auto fields() { return std::tie(tree, key, value); }
};

struct Erase {
  static constexpr BytesView word = "erase";
  std::uint32_t tree = 0;
  std::string key{};
  auto fields() { return std::tie(tree, key); }
};

struct EraseRange {
  static constexpr BytesView word = "erase_range";
  std::uint32_t tree = 0;
  Range range{};
  auto fields() { return std::tie(tree, range); }
};

/// One operation of a batch.
using Change = std::variant<Put, Erase, EraseRange>;

struct OpenTree {
  static constexpr BytesView word = "open_tree";
  std::uint32_t tree = 0;
  auto fields() { return std::tie(tree); }
};

struct FindTree {
  static constexpr BytesView word = "find_tree";
  std::uint32_t tree = 0;
  auto fields() { return std::tie(tree); }
};

struct DropTree {
  static constexpr BytesView word = "drop_tree";
  std::uint32_t tree = 0;
  auto fields() { return std::tie(tree); }
};

struct ListTrees {
  static constexpr BytesView word = "list_trees";
  auto fields() { return std::tie(); }
};

struct Write {
  static constexpr BytesView word = "write";
  Durability durability = Durability::synced;
  std::vector<Change> changes{};
  auto fields() { return std::tie(durability, changes); }
};

struct WriteAndDrop {
  static constexpr BytesView word = "write_and_drop";
  Durability durability = Durability::synced;
  std::vector<Change> changes{};
  std::vector<std::uint32_t> dropped{};
  auto fields() { return std::tie(durability, changes, dropped); }
};

/// Sorted and made unique before it is loaded; the trees of the records say nothing.
struct BulkLoad {
  static constexpr BytesView word = "bulk_load";
  std::uint32_t tree = 0;
  bool finished = true;
  std::vector<Put> records{};
  auto fields() { return std::tie(tree, finished, records); }
};

/// `get` and `contains`.
struct Get {
  static constexpr BytesView word = "get";
  std::uint32_t tree = 0;
  std::string key{};
  auto fields() { return std::tie(tree, key); }
};

struct MultiGet {
  static constexpr BytesView word = "multi_get";
  std::uint32_t tree = 0;
  std::vector<std::string> keys{};
  auto fields() { return std::tie(tree, keys); }
};

struct ScanRange {
  static constexpr BytesView word = "scan";
  std::uint32_t tree = 0;
  Order order = Order::ascending;
  Range range{};
  auto fields() { return std::tie(tree, order, range); }
};

struct Count {
  static constexpr BytesView word = "approximate_count";
  std::uint32_t tree = 0;
  Range range{};
  auto fields() { return std::tie(tree, range); }
};

struct HoldValue {
  static constexpr BytesView word = "hold_value";
  std::uint32_t held = 0;
  std::uint32_t tree = 0;
  std::string key{};
  auto fields() { return std::tie(held, tree, key); }
};

struct ReadValue {
  static constexpr BytesView word = "read_value";
  std::uint32_t held = 0;
  auto fields() { return std::tie(held); }
};

struct HoldScan {
  static constexpr BytesView word = "hold_scan";
  std::uint32_t held = 0;
  std::uint32_t tree = 0;
  Order order = Order::ascending;
  Range range{};
  auto fields() { return std::tie(held, tree, order, range); }
};

struct AdvanceScan {
  static constexpr BytesView word = "advance_scan";
  std::uint32_t held = 0;
  std::uint32_t steps = 1;
  auto fields() { return std::tie(held, steps); }
};

struct HoldSnapshot {
  static constexpr BytesView word = "hold_snapshot";
  std::uint32_t held = 0;
  auto fields() { return std::tie(held); }
};

/// Reads the key and the range of every tree of the snapshot.
struct ReadSnapshot {
  static constexpr BytesView word = "read_snapshot";
  std::uint32_t held = 0;
  std::string key{};
  Order order = Order::ascending;
  Range range{};
  auto fields() { return std::tie(held, key, order, range); }
};

struct Compact {
  static constexpr BytesView word = "compact";
  std::uint32_t tree = 0;
  Range range{};
  auto fields() { return std::tie(tree, range); }
};

struct Flush {
  static constexpr BytesView word = "flush";
  auto fields() { return std::tie(); }
};

/// Lets go of all that is held, flushes what was written `buffered`, and opens the data again.
struct Reopen {
  static constexpr BytesView word = "reopen";
  auto fields() { return std::tie(); }
};

/// Compares all contents, and all that is held. Every script ends with it.
struct CheckAll {
  static constexpr BytesView word = "check_all";
  auto fields() { return std::tie(); }
};

}  // namespace varve::testing::script

namespace varve::testing {

using Operation =
    std::variant<script::OpenTree, script::FindTree, script::DropTree, script::ListTrees,
                 script::Write, script::WriteAndDrop, script::BulkLoad, script::Get,
                 script::MultiGet, script::ScanRange, script::Count, script::HoldValue,
                 script::ReadValue, script::HoldScan, script::AdvanceScan, script::HoldSnapshot,
                 script::ReadSnapshot, script::Compact, script::Flush, script::Reopen,
                 script::CheckAll>;

/// Operations in the order in which they are done.
using Script = std::vector<Operation>;

}  // namespace varve::testing
