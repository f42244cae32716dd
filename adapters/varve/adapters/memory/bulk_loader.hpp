// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/engine.hpp>
#include <varve/adapters/memory/node_moves.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/tree.hpp>

#include <memory>
#include <string>
#include <vector>

namespace varve {

/// Takes keys in strictly ascending order and shows them all at `finish`. Packs full leaves in
/// memory of its own, so that loaders on several threads do not meet, and links them whole where
/// the tree has a gap for them. Dropped before `finish`, it leaves nothing behind. Belongs to one
/// thread at a time.
class MemoryBulkLoader {
 public:
  MemoryBulkLoader(detail::memory::Engine& engine, Tree tree)
      : engine_(&engine),
        birth_(engine.check_loadable(tree)),
        tree_(tree),
        arena_(std::make_unique<detail::memory::Arena>(engine.options().huge_pages)) {}

  /// Throws `invalid_argument` for a key that is not greater than the one before, or beyond the
  /// limits; nothing is added then.
  void put(BytesView key, BytesView value) {
    namespace memory = detail::memory;
    check_order(key);
    const MemoryOptions& options = engine_->options();
    memory::check_limit("max_key_bytes", options.max_key_bytes, key.size(), "bulk_loader");
    memory::check_limit("max_value_bytes", options.max_value_bytes, value.size(), "bulk_loader");
    memory::within_memory("bulk_loader", [&] {
      if (leaves_.empty() || leaves_.back()->size == memory::Leaf::capacity) add_leaf();
      memory::Leaf& leaf = *leaves_.back();
      leaf.insert(leaf.size, memory::make_record(*arena_, birth_, key, value));
    });
  }

  /// Shows what was put, over what the tree held under the same keys. The loader is empty then.
  void finish() {
    if (arena_ == nullptr) throw_finished("finish");
    while (!leaves_.empty() && leaves_.back()->size == 0) leaves_.pop_back();
    for (detail::memory::Leaf* const leaf : leaves_) detail::memory::tell_apart(*leaf);
    if (!leaves_.empty()) engine_->load(tree_, leaves_, *arena_);
    leaves_.clear();
    arena_.reset();
  }

 private:
  void check_order(BytesView key) const {
    if (arena_ == nullptr) throw_finished("put");
    const BytesView last = leaves_.empty() || leaves_.back()->size == 0
                               ? BytesView{}
                               : leaves_.back()->key(leaves_.back()->size - 1U);
    if (key > last) return;
    throw Error(ErrorKind::invalid_argument,
                {.message = key.empty() ? "a key has at least one byte"
                                        : "keys must be put in strictly ascending order; this one "
                                          "is not greater than the one before",
                 .operation = "bulk_loader",
                 .layer = std::string(detail::memory::engine_name)});
  }

  [[noreturn]] static void throw_finished(const char* what) {
    throw Error(ErrorKind::invalid_argument,
                {.message = std::string(what) + " after finish; take a new loader",
                 .operation = "bulk_loader",
                 .layer = std::string(detail::memory::engine_name)});
  }

  void add_leaf() {
    namespace memory = detail::memory;
    leaves_.reserve(leaves_.size() == leaves_.capacity() ? 2 * leaves_.size() + 1 : 0);
    auto* const leaf = ::new (arena_->allocate(sizeof(memory::Leaf))) memory::Leaf;
    leaf->birth = birth_;
    leaves_.push_back(leaf);
  }

  detail::memory::Engine* engine_;
  // The version current when it began: before any that shows the load, so never taken for a node
  // that a transaction may change.
  std::uint64_t birth_;
  Tree tree_;
  std::unique_ptr<detail::memory::Arena> arena_;
  std::vector<detail::memory::Leaf*> leaves_;
};

}  // namespace varve
