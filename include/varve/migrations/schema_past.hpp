// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/kv_reader.hpp>
#include <varve/history/height.hpp>
#include <varve/migrations/ledger_reader.hpp>
#include <varve/migrations/run_facts.hpp>
#include <varve/migrations/schema_heights.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve {

namespace detail {

/// A tree whose records had no version in front of them: those at and behind a key, or all.
struct BareRecords {
  Tree tree;
  std::string from{};
};

}  // namespace detail

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
      const Entry entry = below_.entry();
      return is_bare(entry) ? Entry{entry.key, value_} : entry;
    }
    void next() {
      below_.next();
      make();
    }

   private:
    friend class SchemaPast;
    Cursor(scan_t<Past> below, BytesView tag, BytesView from)
        : below_(std::move(below)), tag_(tag), from_(from) {
      make();
    }

    [[nodiscard]] bool is_bare(const Entry& entry) const noexcept {
      return !tag_.empty() && entry.key >= from_;
    }

    void make() {
      if (!below_.valid() || !is_bare(below_.entry())) return;
      value_.assign(tag_).append(below_.entry().value);
    }

    scan_t<Past> below_;
    std::string tag_;
    std::string from_;
    std::string value_;
  };

  /// For `Migrated`: the records in `bare` are of `version` and do not say so.
  SchemaPast(Past past, std::uint32_t version, std::vector<detail::BareRecords> bare)
      : past_(std::move(past)),
        tag_(detail::versions::tag_bytes(version)),
        bare_(std::move(bare)) {}

  [[nodiscard]] Height height() const noexcept { return past_.height(); }

  [[nodiscard]] std::optional<Pinned> get(Tree tree, BytesView key) const {
    auto value = past_.get(tree, key);
    if (!value) return std::nullopt;
    const detail::BareRecords* const bare = bare_in(tree);
    return Pinned(*std::move(value), bare != nullptr && key >= bare->from ? tag_ : BytesView());
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const { return past_.contains(tree, key); }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<Pinned>> values) const {
    for (std::size_t i = 0; i != keys.size(); ++i) values[i] = get(tree, keys[i]);
  }

  [[nodiscard]] Scan<Cursor> scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    const detail::BareRecords* const bare = bare_in(tree);
    return Scan<Cursor>(Cursor(past_.scan(tree, range, order), bare != nullptr ? tag_ : BytesView(),
                               bare != nullptr ? bare->from : BytesView()));
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
  [[nodiscard]] const detail::BareRecords* bare_in(Tree tree) const noexcept {
    for (const detail::BareRecords& one : bare_) {
      if (one.tree == tree) return &one;
    }
    return nullptr;
  }

  Past past_;
  std::string tag_;
  std::vector<detail::BareRecords> bare_;
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
  refuse_height(ErrorKind::schema_too_old,
                "height " + height + " has records of version " + std::to_string(note.floor) +
                    " and the steps of this program begin with version " + std::to_string(oldest) +
                    ": read it with a release whose chain begins with version " +
                    std::to_string(note.floor) + " or before",
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
  if (note.version > head.write_version || note.floor < Chain::oldest) {
    refuse_past(std::to_string(height.value), note, head.write_version, Chain::oldest);
  }
  // What has no version in front of it has the layout of the lowest: no step has come to it.
  const std::uint32_t version = note.floor;
  std::vector<BareRecords> bare;
  for (const std::string& name : note.untagged) {
    const auto tree = engine.find_tree(name);
    const auto now = ledger.tree(name);
    const bool read_with_one = (now && now->state == TreeState::live) ||
                               left_versioned<Chain>(name, version, head.write_version);
    if (!tree || !read_with_one) continue;
    bare.push_back({*tree, name == note.partly ? note.below : std::string()});
  }
  return SchemaPast(std::move(past), version, std::move(bare));
}

}  // namespace detail
}  // namespace varve
