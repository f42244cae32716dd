// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/kv_reader.hpp>
#include <varve/history/height.hpp>
#include <varve/migrations/ledger_reader.hpp>
#include <varve/migrations/schema_heights.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// A store as it was at a height, for programs of the schema that it has now: what `Migrated::at`
/// gives. The codecs of the chain read each record by the version in front of it; where records had
/// none then and have one now, that of the height is put there.
///
/// Errors, lifetimes, threads: those of `Past`, what the layer below gives at a height.
template <KvReader Past>
class SchemaPast {
 public:
  class Pinned {
   public:
    [[nodiscard]] BytesView view() const noexcept {
      return made_.empty() ? below_.view() : BytesView(made_);
    }

   private:
    friend class SchemaPast;
    Pinned(pinned_t<Past> below, BytesView tag) : below_(std::move(below)) {
      if (!tag.empty()) made_.assign(tag).append(below_.view());
    }

    pinned_t<Past> below_;
    std::string made_;  ///< with its version, where it has none of its own
  };

  class Cursor {
   public:
    [[nodiscard]] bool valid() const noexcept { return below_.valid(); }
    [[nodiscard]] Entry entry() const {
      if (tag_.empty()) return below_.entry();
      return {below_.entry().key, value_};
    }
    void next() {
      below_.next();
      make();
    }

   private:
    friend class SchemaPast;
    Cursor(scan_t<Past> below, BytesView tag) : below_(std::move(below)), tag_(tag) { make(); }

    void make() {
      if (!tag_.empty() && below_.valid()) value_.assign(tag_).append(below_.entry().value);
    }

    scan_t<Past> below_;
    std::string tag_;
    std::string value_;
  };

  /// For `Migrated`: the records of the trees `untagged` are of `version` and do not say so.
  SchemaPast(Past past, std::uint32_t version, std::vector<Tree> untagged)
      : past_(std::move(past)),
        tag_(detail::versions::tag_bytes(version)),
        untagged_(std::move(untagged)) {}

  [[nodiscard]] Height height() const noexcept { return past_.height(); }

  [[nodiscard]] std::optional<Pinned> get(Tree tree, BytesView key) const {
    auto value = past_.get(tree, key);
    if (!value) return std::nullopt;
    return Pinned(*std::move(value), tag_of(tree));
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const { return past_.contains(tree, key); }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<Pinned>> values) const {
    for (std::size_t i = 0; i != keys.size(); ++i) values[i] = get(tree, keys[i]);
  }

  [[nodiscard]] Scan<Cursor> scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return Scan<Cursor>(Cursor(past_.scan(tree, range, order), tag_of(tree)));
  }

  /// A tree that a step has dropped since is found until it is purged.
  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    return past_.find_tree(tree_name);
  }

  /// Whether an index had all of its entries then: for the tables.
  [[nodiscard]] bool has_built(Tree index) const
    requires requires(const Past& past) { past.has_built(index); }
  {
    return past_.has_built(index);
  }

 private:
  [[nodiscard]] BytesView tag_of(Tree tree) const noexcept {
    const bool bare = std::find(untagged_.begin(), untagged_.end(), tree) != untagged_.end();
    return bare ? BytesView(tag_) : BytesView();
  }

  Past past_;
  std::string tag_;
  std::vector<Tree> untagged_;
};

namespace detail {

[[noreturn]] inline void refuse_past(const std::string& height, const LedgerHeight& note,
                                     std::uint32_t version, std::uint32_t oldest) {
  if (note.version > version) {
    refuse_height(ErrorKind::schema_newer,
                  "height " + height + " has records of version " + std::to_string(note.version) +
                      ", from which the store was taken back to version " +
                      std::to_string(version) + ": the program of that version read them",
                  "at");
  }
  if (note.floor < oldest) {
    refuse_height(ErrorKind::schema_too_old,
                  "height " + height + " has records of version " + std::to_string(note.floor) +
                      " and the steps of this program begin with version " +
                      std::to_string(oldest) +
                      ": read it with a release whose chain begins with "
                      "version " +
                      std::to_string(note.floor) + " or before",
                  "at");
  }
  refuse_height(ErrorKind::invalid_argument,
                "height " + height +
                    " is in the middle of the run that put versions in front of records: read a "
                    "height before it, or behind it",
                "at");
}

/// The store as it was at the height. Throws where this program cannot read all of it right.
template <class Chain, KvEngine E>
[[nodiscard]] auto schema_past(const E& engine, Height height) {
  auto past = history_layer(engine).at(height);
  const LedgerReader<E> ledger(engine);
  const LedgerHead head = *ledger.head();
  LedgerHeight note{.version = head.write_version, .floor = head.floor_version};
  if (auto found = ledger.at_height(height.value)) note = std::move(found->second);
  std::vector<Tree> untagged;
  for (const std::string& name : note.untagged) {
    const auto now = ledger.tree(name);
    const auto tree = engine.find_tree(name);
    if (tree && now && now->state == TreeState::live) untagged.push_back(*tree);
  }
  if (note.version > head.write_version || note.floor < Chain::oldest ||
      (note.state == HeightState::running && !untagged.empty())) {
    refuse_past(std::to_string(height.value), note, head.write_version, Chain::oldest);
  }
  return SchemaPast(std::move(past), note.version, std::move(untagged));
}

}  // namespace detail
}  // namespace varve
