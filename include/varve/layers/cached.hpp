// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/cache/cache.hpp>
#include <varve/cache/options.hpp>
#include <varve/cache/policy.hpp>
#include <varve/cache/transaction.hpp>
#include <varve/concepts/layer.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace varve {

/// Keeps values, and the absence of values, in memory that is bounded in bytes, and answers `get`,
/// `contains` and `multi_get` from there. Scans, snapshots and transactions read below and leave
/// the cache as it is. Never stale: whoever reads through it reads what he would read below.
/// docs/layers/cached.md.
///
/// Models      what `Next` models.
/// Errors      those of `Next`. A write that fails has forgotten what it touched.
/// Durability  that of `Next`.
/// Threads     as `Next`. A hit in a set takes no lock, never waits and does not allocate; values
///             shared by reference are found under one of sixteen locks. `resize` waits for the
///             writes under way, and writes wait for it.
/// Cost        see docs/layers/cached.md. Writes must not reach the engine past this layer.
template <KvEngine Next, CachePolicy Policy = Frequent>
class Cached : public Layer<Next, Forwards<Group::scans, Group::snapshots, Group::maintenance,
                                           Group::checkpoints, Group::tail>> {
  using Cache = detail::cache::Cache;
  using Found = detail::cache::Found;
  using Below = pinned_t<Next>;

 public:
  using Options = CachedOptions;

  static constexpr BytesView name = "cached";
  static constexpr Role role = Role::caches;

  /// Owns a value: a copy, a share in a large one, or what the layer below pinned.
  class Pinned {
    struct Nothing {};

   public:
    explicit Pinned(Nothing) noexcept {}

    [[nodiscard]] BytesView view() const noexcept {
      if (const auto* const cached = std::get_if<detail::cache::Value>(&owner_))
        return cached->view();
      return std::get_if<Below>(&owner_)->view();
    }

   private:
    friend class Cached;
    explicit Pinned(Below below) : owner_(std::in_place_type<Below>, std::move(below)) {}

    [[nodiscard]] detail::cache::Value& cached() noexcept {
      return *std::get_if<detail::cache::Value>(&owner_);
    }

    std::variant<detail::cache::Value, Below> owner_;
  };

  template <class Context>
  explicit Cached(Context& context)
      : Cached::Layer(context),
        options_(context.template options<Options>()),
        cache_(std::make_unique<Cache>(shape(options_.capacity_bytes))) {}

  /// As the store was opened; `resize` does not change them.
  [[nodiscard]] const Options& options() const noexcept { return options_; }

  [[nodiscard]] CacheStatistics statistics() const { return cache_->statistics(); }

  /// Starts anew, empty, with another bound, while the store is in use. Throws `std::bad_alloc` and
  /// leaves all as it is where there is no memory.
  void resize(std::size_t capacity_bytes) { cache_->resize(shape(capacity_bytes)); }

  // reads

  [[nodiscard]] std::optional<Pinned> get(Tree tree, BytesView key) const {
    return read<true>(tree, key);
  }

  /// As `get`, for a value that will not be asked for again: it is not kept.
  [[nodiscard]] std::optional<Pinned> peek(Tree tree, BytesView key) const {
    return read<false>(tree, key);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    if (passes_by(tree, key)) return this->next().contains(tree, key);
    const Cache::Ticket ticket = cache_->ticket(tree, key);
    detail::cache::Value value;
    const Found found = cache_->find(ticket, value);
    if (found == Found::nothing) {
      cache_->missed(ticket);
      return this->next().contains(tree, key);
    }
    cache_->hit();
    return found == Found::value;
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<Pinned>> values) const
    requires MultiGetEngine<Next>
  {
    std::vector<Cache::Ticket> tickets;
    std::vector<std::size_t> misses;
    tickets.reserve(keys.size());
    for (std::size_t i = 0; i != keys.size(); ++i) {
      tickets.push_back(cache_->ticket(tree, keys[i]));
      values[i].emplace(typename Pinned::Nothing());
      if (passes_by(tree, keys[i])) {
        misses.push_back(i);
        continue;
      }
      const Found found = cache_->find(tickets[i], values[i]->cached());
      if (found == Found::nothing) misses.push_back(i);
      if (found == Found::absence) values[i].reset();
    }
    if (!misses.empty()) ask_below(tree, keys, values, misses);
    // All values are of one state if no key can have changed since the first was looked up.
    bool one_state = true;
    for (const Cache::Ticket& ticket : tickets)
      one_state = one_state && cache_->still_holds(ticket, tree);
    if (!one_state && misses.size() != keys.size()) {
      misses.resize(keys.size());
      for (std::size_t i = 0; i != keys.size(); ++i) misses[i] = i;
      ask_below(tree, keys, values, misses);
    }
    if (tree.reserved()) return;
    for (std::size_t i = misses.size(); i < keys.size(); ++i) cache_->hit();
    for (const std::size_t i : misses) {
      if (passes_by(tree, keys[i])) continue;
      cache_->missed(tickets[i]);
      cache_->fill(tickets[i], tree, bytes_of(values[i]));
    }
  }

  // writes

  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    const Cache::Write under_way(*cache_, batch);
    this->next().write(batch, durability);
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped, Durability durability)
    requires TransactionalDropEngine<Next>
  {
    const Cache::Write under_way(*cache_, batch, dropped);
    this->next().write_and_drop(batch, dropped, durability);
  }

  // bulk

  [[nodiscard]] auto bulk_loader(Tree tree)
    requires BulkLoadEngine<Next>
  {
    return detail::cache::Loader(this->next().bulk_loader(tree), *cache_, tree);
  }

  // transactions

  [[nodiscard]] auto begin_transaction()
    requires TransactionalEngine<Next>
  {
    return detail::cache::Transaction(this->next().begin_transaction(), *cache_);
  }

  // trees

  [[nodiscard]] Tree open_tree(BytesView tree_name) { return this->next().open_tree(tree_name); }
  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    return this->next().find_tree(tree_name);
  }
  void drop_tree(Tree tree) {
    const WriteBatch nothing;
    const Cache::Write under_way(*cache_, nothing, {&tree, 1});
    this->next().drop_tree(tree);
  }
  [[nodiscard]] std::vector<TreeInfo> trees() const { return this->next().trees(); }

 private:
  static constexpr std::size_t longest_key = 4096;

  static bool passes_by(Tree tree, BytesView key) noexcept {
    return tree.reserved() || key.empty() || key.size() > longest_key;
  }

  static std::optional<BytesView> bytes_of(const std::optional<Pinned>& value) noexcept {
    if (!value) return std::nullopt;
    return value->view();
  }

  [[nodiscard]] detail::cache::Shape shape(std::size_t capacity_bytes) const noexcept {
    return {capacity_bytes, options_.entry_bytes, Policy::sets ? options_.large_percent : 100};
  }

  template <bool fills>
  [[nodiscard]] std::optional<Pinned> read(Tree tree, BytesView key) const {
    if (passes_by(tree, key)) [[unlikely]]
      return read_past(tree, key);
    return read_kept<fills>(tree, key);
  }

  template <bool fills>
  [[nodiscard]] std::optional<Pinned> read_kept(Tree tree, BytesView key) const {
    // Made whole at once: an empty one would be filled with zeros first.
    std::optional<Pinned> value(std::in_place, typename Pinned::Nothing());
    const Cache::Asked asked = cache_->asked(tree, key);
    const Found found = cache_->find(asked, value->cached());
    if (found == Found::nothing) {
      read_below<fills>(tree, asked, value);
    } else {
      cache_->hit();
      if (found == Found::absence) value.reset();
    }
    return value;
  }

  [[gnu::noinline]] std::optional<Pinned> read_past(Tree tree, BytesView key) const {
    std::optional<Pinned> value;
    if (auto below = this->next().get(tree, key)) value = Pinned(std::move(*below));
    return value;
  }

  template <bool fills>
  [[gnu::noinline]] void read_below(Tree tree, const Cache::Asked& asked,
                                    std::optional<Pinned>& value) const {
    const Cache::Ticket ticket = cache_->ticket(asked);
    value.reset();
    cache_->missed(ticket);
    if (auto below = this->next().get(tree, asked.key.bytes)) value = Pinned(std::move(*below));
    if constexpr (fills) cache_->fill(ticket, tree, bytes_of(value));
  }

  void ask_below(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<Pinned>> values, std::span<const std::size_t> wanted) const
    requires MultiGetEngine<Next>
  {
    std::vector<BytesView> asked;
    asked.reserve(wanted.size());
    for (const std::size_t i : wanted) asked.push_back(keys[i]);
    std::vector<std::optional<Below>> answers(wanted.size());
    this->next().multi_get(tree, asked, answers);
    for (std::size_t i = 0; i != wanted.size(); ++i) {
      values[wanted[i]].reset();
      if (answers[i]) values[wanted[i]] = Pinned(std::move(*answers[i]));
    }
  }

  Options options_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace varve
