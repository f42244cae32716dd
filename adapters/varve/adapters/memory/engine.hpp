// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/draft.hpp>
#include <varve/adapters/memory/errors.hpp>
#include <varve/adapters/memory/lookup.hpp>
#include <varve/adapters/memory/options.hpp>
#include <varve/adapters/memory/pin.hpp>
#include <varve/adapters/memory/reclaimer.hpp>
#include <varve/adapters/memory/tree_editor.hpp>
#include <varve/adapters/memory/tree_names.hpp>
#include <varve/adapters/memory/version.hpp>
#include <varve/adapters/support/fork_guard.hpp>
#include <varve/concepts/limits.hpp>
#include <varve/concepts/write_batch.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail::memory {

/// The state of a `MemoryAdapter`: one current version, which readers pin, and one writer at a
/// time, who makes the next version beside it and then shows it.
class Engine {
 public:
  explicit Engine(MemoryOptions options)
      : options_(options),
        lookup_(choose_lookup(options.max_vector_bits)),
        arena_(options.huge_pages),
        reclaimer_(arena_),
        newest_(std::make_unique<Version>()) {
    newest_->number = 1;
    current_.store(newest_.get());
  }

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] const MemoryOptions& options() const noexcept { return options_; }
  [[nodiscard]] const Lookup& lookup() const noexcept { return lookup_; }
  [[nodiscard]] std::uint64_t bytes_held() const noexcept { return arena_.bytes_held(); }

  /// Pins the current version for a read.
  [[nodiscard]] Pin pin(const char* operation) const {
    fork_guard_.check(operation, engine_name);
    return Pin(current_);
  }

  /// Applies the batch and drops the trees, all or nothing.
  void write(const char* operation, const WriteBatch& batch, std::span<const Tree> dropped) {
    check_limits(operation, batch);
    const Writing writing(*this, operation);
    for (const WriteOp op : batch) existing_root(*newest_, op.tree, operation);
    for (const Tree tree : dropped) existing_root(*newest_, tree, operation);
    if (batch.empty() && dropped.empty()) return;
    const auto names = dropped.empty() ? TreeNames::Lock() : names_.lock();
    commit(operation, [&](Draft& draft, Version& next) {
      for (const WriteOp op : batch) apply(draft, root_link(draft, next, op.tree), op);
      for (const Tree tree : dropped) drop_root(draft, root_link(draft, next, tree));
    });
    for (const Tree tree : dropped) names_.erase(names, tree);
  }

  [[nodiscard]] Tree open_tree(BytesView tree_name) {
    check_tree_name(tree_name, engine_name);
    if (const auto tree = find_tree(tree_name, "open_tree")) return *tree;
    const Writing writing(*this, "open_tree");
    const auto names = names_.lock();
    if (const auto tree = names_.find(names, tree_name)) return *tree;
    const Tree tree = names_.next(names, tree_name);
    commit("open_tree", [&](Draft& draft, Version& next) {
      root_link(draft, next, tree) = &empty_leaf;
      names_.add(names, tree_name, tree);
    });
    return tree;
  }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name, const char* operation) const {
    fork_guard_.check(operation, engine_name);
    return names_.find(names_.lock(), tree_name);
  }

  [[nodiscard]] std::vector<TreeInfo> trees() const {
    fork_guard_.check("trees", engine_name);
    return names_.list(names_.lock());
  }

  /// The number of the current version, for a loader that has begun.
  [[nodiscard]] std::uint64_t check_loadable(Tree tree) const {
    const Pin pinned = pin("bulk_loader");
    static_cast<void>(existing_root(pinned.version(), tree, "bulk_loader"));
    return pinned.version().number;
  }

  /// Links `leaves`, whose keys ascend, into `tree`. Their blocks are those of `arena`.
  void load(Tree tree, std::span<Leaf* const> leaves, Arena& arena) {
    const Writing writing(*this, "bulk_loader");
    static_cast<void>(existing_root(*newest_, tree, "bulk_loader"));
    commit("bulk_loader", [&](Draft& draft, Version& next) {
      TreeEditor editor(draft, root_link(draft, next, tree));
      for (Leaf* const leaf : leaves) {
        if (editor.attach(leaf)) continue;
        for (unsigned i = 0; i != leaf->size; ++i) editor.put(leaf->records[i]);
        draft.drop(leaf, Garbage::Kind::node);
      }
      arena_.adopt(arena);
    });
  }

  /// Frees what can be freed now.
  void tidy() {
    const Writing writing(*this, "flush");
    reclaimer_.collect();
  }

  /// The caller gave up a pin in whose version garbage waits.
  void collect_soon() const noexcept {
    const std::unique_lock lock(writer_, std::try_to_lock);
    if (lock.owns_lock()) reclaimer_.collect();
  }

  /// The root of `tree`. Throws `invalid_argument` where the version has no such tree.
  static const Node* existing_root(const Version& version, Tree tree, const char* operation) {
    const Node* const root = version.root(tree);
    if (root == nullptr) [[unlikely]]
      throw_no_such_tree(tree, operation);
    return root;
  }

 private:
  /// Holds the writer's place, and tidies up when it leaves it.
  class Writing {
   public:
    Writing(Engine& engine, const char* operation) : engine_(engine) {
      engine.fork_guard_.check(operation, engine_name);
      engine.writer_.lock();
    }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;
    ~Writing() {
      if (engine_.reclaimer_.is_due()) engine_.reclaimer_.collect();
      engine_.writer_.unlock();
    }

   private:
    Engine& engine_;
  };

  /// Makes the next version by `change(draft, version)` and shows it; where that throws, nothing
  /// was changed.
  template <class Change>
  void commit(const char* operation, Change change) {
    within_memory(operation, [&] {
      reclaimer_.reserve();
      const std::size_t kept = reclaimer_.dropped().size();
      Draft draft(arena_, newest_->number + 1, reclaimer_.dropped());
      auto next = std::make_unique<Version>();
      next->number = draft.number();
      next->pages = newest_->pages;
      try {
        change(draft, *next);
      } catch (...) {
        for (RootPage* const page : next->pages) discard(draft, page);
        reclaimer_.roll_back(kept, draft);
        throw;
      }
      current_.store(next.get(), std::memory_order_seq_cst);
      reclaimer_.supersede(std::exchange(newest_, std::move(next)));
    });
  }

  void discard(Draft& draft, RootPage* page) noexcept {
    if (page == nullptr || page->birth != draft.number()) return;
    for (Node* const root : page->roots) {
      if (root != nullptr) draft.discard(root);
    }
    arena_.free(page, sizeof(RootPage));
  }

  /// The place of a tree's root in the draft.
  Node*& root_link(Draft& draft, Version& next, Tree tree) {
    const std::size_t index = Version::index_of(tree);
    const std::size_t number = index / RootPage::capacity;
    if (number >= next.pages.size()) next.pages.resize(number + 1);
    RootPage*& page = next.pages[number];
    if (page == nullptr || page->birth != draft.number()) {
      if (page != nullptr) draft.drop(page);
      void* const block = arena_.allocate(sizeof(RootPage));
      page = page == nullptr ? ::new (block) RootPage : ::new (block) RootPage(*page);
      page->birth = draft.number();
    }
    return page->roots[index % RootPage::capacity];
  }

  static void apply(Draft& draft, Node*& root, const WriteOp& op) {
    TreeEditor editor(draft, root);
    switch (op.kind) {
      case WriteOpKind::put: {
        Record* const record = draft.make_record(op.key, op.value);
        try {
          editor.put(record);
        } catch (...) {
          draft.discard(record);
          throw;
        }
        return;
      }
      case WriteOpKind::erase: return editor.erase(op.key);
      case WriteOpKind::erase_range:
        return editor.erase_range(KeyBounds(KeyRange::between(op.key, op.value)));
      case WriteOpKind::erase_from: return editor.erase_range(KeyBounds(KeyRange::from(op.key)));
    }
  }

  // A tree that is named twice is gone the second time.
  static void drop_root(Draft& draft, Node*& root) {
    if (root != nullptr && !is_empty_leaf(root)) draft.drop(root, Garbage::Kind::subtree);
    root = nullptr;
  }

  void check_limits(const char* operation, const WriteBatch& batch) const {
    check_limit("max_batch_bytes", options_.max_batch_bytes, batch.bytes().size(), operation);
    for (const WriteOp op : batch) {
      if (op.kind != WriteOpKind::put) continue;
      check_limit("max_key_bytes", options_.max_key_bytes, op.key.size(), operation);
      check_limit("max_value_bytes", options_.max_value_bytes, op.value.size(), operation);
    }
  }

  MemoryOptions options_;
  Lookup lookup_;
  support::ForkGuard fork_guard_;
  std::atomic<const Version*> current_{nullptr};

  mutable std::mutex writer_;  ///< of all that follows
  Arena arena_;
  mutable Reclaimer reclaimer_;
  std::unique_ptr<Version> newest_;  ///< what `current_` shows
  TreeNames names_;                  ///< has a lock of its own, taken after `writer_`
};

}  // namespace varve::detail::memory
