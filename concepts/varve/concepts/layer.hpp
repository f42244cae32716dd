// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace varve {

/// The operations of the vocabulary, in groups. A layer says of each group whether it forwards it,
/// blocks it, or defines every operation of it itself.
enum class Group : std::uint8_t {
  reads,         ///< get, contains, multi_get
  scans,         ///< scan, approximate_count
  snapshots,     ///< snapshot
  writes,        ///< write, write_and_drop
  bulk,          ///< bulk_loader
  transactions,  ///< begin_transaction
  trees,         ///< open_tree, find_tree, drop_tree, trees
  maintenance,   ///< flush, size_on_disk, limits, compact
  checkpoints,   ///< checkpoint
  tail,          ///< last_sequence, tail
};

/// The groups that a layer hands to the layer below as they are.
template <Group... Groups>
struct Forwards {
  static constexpr bool has(Group group) noexcept { return ((group == Groups) || ...); }
};

/// The groups that a layer takes away, because they would pass by what it adds.
template <Group... Groups>
struct Blocks {
  static constexpr bool has(Group group) noexcept { return ((group == Groups) || ...); }
};

/// What a layer does, as far as its place in a stack depends on it (see stack_rules.hpp).
enum class Role : std::uint8_t {
  observes,  ///< looks on and changes nothing
  caches,    ///< keeps copies of what is below
  buffers,   ///< keeps writes back
  logs,      ///< writes a log of its own
  versions,  ///< keeps history
  migrates,  ///< brings a store to its schema
  routes,    ///< spreads operations over several engines
};

/// What a layer leaves in the data. A layer with `version` 0 leaves nothing: it comes and goes as
/// it likes. Any other is recorded in the store, and a stack without it is refused.
struct LayerFormat {
  std::uint32_t version = 0;
  /// Whether it may join data that was written without it.
  bool joins = false;
  /// Whether it has its mark left only when it has checked the data itself, by `checked` of the
  /// context that built it, so that data which it refuses stays as it was.
  bool checks_first = false;
};

/// The base of a layer: it owns the layer below by value and has exactly the operations of the
/// groups that are forwarded. A layer defines the operations of all other groups itself.
///
/// Models   what `Next` models, less what is blocked or not defined.
/// Errors   those of `Next`.
/// Threads  as `Next`.
template <KvEngine NextLayer, class Forwarded, class Blocked = Blocks<>>
class Layer {
 public:
  using Next = NextLayer;
  using ForwardedGroups = Forwarded;
  using BlockedGroups = Blocked;

  static constexpr Role role = Role::observes;
  static constexpr LayerFormat format{};
  /// Whether the layer keeps files of its own beside the engine's.
  static constexpr bool needs_directory = false;
  static constexpr bool is_volatile = detail::IsVolatile<Next>;

  [[nodiscard]] Next& next() noexcept { return next_; }
  [[nodiscard]] const Next& next() const noexcept { return next_; }

  // reads

  [[nodiscard]] auto get(Tree tree, BytesView key) const
    requires(Forwarded::has(Group::reads))
  {
    return next_.get(tree, key);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const
    requires(Forwarded::has(Group::reads))
  {
    return next_.contains(tree, key);
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<pinned_t<Next>>> values) const
    requires(Forwarded::has(Group::reads) && detail::HasMultiGet<Next>)
  {
    next_.multi_get(tree, keys, values);
  }

  // scans

  [[nodiscard]] auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const
    requires(Forwarded::has(Group::scans))
  {
    return next_.scan(tree, range, order);
  }

  [[nodiscard]] std::uint64_t approximate_count(Tree tree, KeyRange range) const
    requires(Forwarded::has(Group::scans) && detail::HasApproximateCount<Next>)
  {
    return next_.approximate_count(tree, range);
  }

  // snapshots

  [[nodiscard]] auto snapshot() const
    requires(Forwarded::has(Group::snapshots) && detail::HasSnapshot<Next>)
  {
    return next_.snapshot();
  }

  // writes

  void write(const WriteBatch& batch, Durability durability = Durability::synced)
    requires(Forwarded::has(Group::writes))
  {
    next_.write(batch, durability);
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped, Durability durability)
    requires(Forwarded::has(Group::writes) && detail::HasWriteAndDrop<Next>)
  {
    next_.write_and_drop(batch, dropped, durability);
  }

  // bulk

  [[nodiscard]] auto bulk_loader(Tree tree)
    requires(Forwarded::has(Group::bulk) && detail::HasBulkLoader<Next>)
  {
    return next_.bulk_loader(tree);
  }

  // transactions

  [[nodiscard]] auto begin_transaction()
    requires(Forwarded::has(Group::transactions) && detail::HasTransaction<Next>)
  {
    return next_.begin_transaction();
  }

  // trees

  [[nodiscard]] Tree open_tree(BytesView tree_name)
    requires(Forwarded::has(Group::trees))
  {
    return next_.open_tree(tree_name);
  }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const
    requires(Forwarded::has(Group::trees))
  {
    return next_.find_tree(tree_name);
  }

  void drop_tree(Tree tree)
    requires(Forwarded::has(Group::trees))
  {
    next_.drop_tree(tree);
  }

  [[nodiscard]] std::vector<TreeInfo> trees() const
    requires(Forwarded::has(Group::trees))
  {
    return next_.trees();
  }

  // maintenance

  void flush()
    requires(Forwarded::has(Group::maintenance))
  {
    next_.flush();
  }

  [[nodiscard]] std::uint64_t size_on_disk() const
    requires(Forwarded::has(Group::maintenance))
  {
    return next_.size_on_disk();
  }

  [[nodiscard]] Limits limits() const
    requires(Forwarded::has(Group::maintenance))
  {
    return next_.limits();
  }

  void compact(Tree tree, KeyRange range)
    requires(Forwarded::has(Group::maintenance) && detail::HasCompact<Next>)
  {
    next_.compact(tree, range);
  }

  // checkpoints

  void checkpoint(const std::string& directory)
    requires(Forwarded::has(Group::checkpoints) && detail::HasCheckpoint<Next>)
  {
    next_.checkpoint(directory);
  }

  // tail

  [[nodiscard]] std::uint64_t last_sequence() const
    requires(Forwarded::has(Group::tail) && detail::HasTail<Next>)
  {
    return next_.last_sequence();
  }

  [[nodiscard]] auto tail(std::uint64_t sequence) const
    requires(Forwarded::has(Group::tail) && detail::HasTail<Next>)
  {
    return next_.tail(sequence);
  }

 protected:
  /// Builds the layer below in place from the context that `varve::open` hands down.
  template <class Context>
  explicit Layer(Context& context) : next_(context.template build<Next>()) {
    context.template built<Next>(next_);
  }

 private:
  Next next_;
};

namespace detail {

/// Whether `L`'s list `Next` is that of a layer: it has a next layer and has classified the groups.
template <class L>
concept LayerShape = requires(L& layer, const L& looked_at) {
  typename L::Next;
  typename L::ForwardedGroups;
  typename L::BlockedGroups;
  { layer.next() } -> std::same_as<typename L::Next&>;
  { looked_at.next() } -> std::same_as<const typename L::Next&>;
  { L::role } -> std::convertible_to<Role>;
  { L::format } -> std::convertible_to<LayerFormat>;
  { L::needs_directory } -> std::convertible_to<bool>;
};

/// Whether `L` answers for group `group` and so must define each of its operations.
template <class L>
inline constexpr bool owns(Group group) noexcept {
  return !L::ForwardedGroups::has(group) && !L::BlockedGroups::has(group);
}

/// Whether an operation is accounted for: `L` has it, or need not.
template <class L>
constexpr bool classified(Group group, bool below_has_it, bool layer_has_it) noexcept {
  return !owns<L>(group) || !below_has_it || layer_has_it;
}

template <class L>
constexpr bool never_both() noexcept {
  for (int i = 0; i <= static_cast<int>(Group::tail); ++i) {
    const auto group = static_cast<Group>(i);
    if (L::ForwardedGroups::has(group) && L::BlockedGroups::has(group)) return false;
  }
  return true;
}

template <class L>
constexpr bool blocks_what_is_required() noexcept {
  using B = typename L::BlockedGroups;
  return B::has(Group::reads) || B::has(Group::scans) || B::has(Group::writes) ||
         B::has(Group::trees) || B::has(Group::maintenance);
}

template <class L, class N = typename L::Next>
constexpr bool all_classified() noexcept {
  return never_both<L>() && !blocks_what_is_required<L>() &&
         classified<L>(Group::reads, HasGet<N>, HasGet<L>) &&
         classified<L>(Group::reads, HasContains<N>, HasContains<L>) &&
         classified<L>(Group::reads, HasMultiGet<N>, HasMultiGet<L>) &&
         classified<L>(Group::scans, HasScan<N>, HasScan<L>) &&
         classified<L>(Group::scans, HasApproximateCount<N>, HasApproximateCount<L>) &&
         classified<L>(Group::snapshots, HasSnapshot<N>, HasSnapshot<L>) &&
         classified<L>(Group::writes, HasWrite<N>, HasWrite<L>) &&
         classified<L>(Group::writes, HasWriteAndDrop<N>, HasWriteAndDrop<L>) &&
         classified<L>(Group::bulk, HasBulkLoader<N>, HasBulkLoader<L>) &&
         classified<L>(Group::transactions, HasTransaction<N>, HasTransaction<L>) &&
         classified<L>(Group::trees, HasOpenTree<N>, HasOpenTree<L>) &&
         classified<L>(Group::trees, HasFindTree<N>, HasFindTree<L>) &&
         classified<L>(Group::trees, HasDropTree<N>, HasDropTree<L>) &&
         classified<L>(Group::trees, HasTrees<N>, HasTrees<L>) &&
         classified<L>(Group::maintenance, HasFlush<N>, HasFlush<L>) &&
         classified<L>(Group::maintenance, HasSizeOnDisk<N>, HasSizeOnDisk<L>) &&
         classified<L>(Group::maintenance, HasLimits<N>, HasLimits<L>) &&
         classified<L>(Group::maintenance, HasCompact<N>, HasCompact<L>) &&
         classified<L>(Group::checkpoints, HasCheckpoint<N>, HasCheckpoint<L>) &&
         classified<L>(Group::tail, HasTail<N>, HasTail<L>);
}

}  // namespace detail

/// A `KvEngine` over a `KvEngine` that has classified every operation which the layer below has.
/// docs/concepts/layer.md.
template <class L>
concept EngineLayer = detail::LayerShape<L> && detail::all_classified<L>() && KvEngine<L>;

/// The loud twin of `EngineLayer`: one sentence for each operation that is not accounted for.
/// `varve::open` and the conformance kit ask it of every layer of a stack.
template <class L>
consteval bool assert_layer() {
  static_assert(detail::LayerShape<L>,
                "a layer derives from varve::Layer<Next, Forwards<...>, Blocks<...>>");
  using N = typename L::Next;
  // Asked before the first sentence: after an error g++ 12 answers such questions at random.
  constexpr bool all_classified = detail::all_classified<L>();
  static_assert(detail::never_both<L>(), "a layer forwards a group or blocks it, not both");
  static_assert(!detail::blocks_what_is_required<L>(),
                "a layer cannot block reads, scans, writes, trees or maintenance: every KvEngine "
                "has them");
#define VARVE_CLASSIFIED(GROUP, HAS, WORDS)                                          \
  static_assert(detail::classified<L>(Group::GROUP, detail::HAS<N>, detail::HAS<L>), \
                "the layer neither forwards nor blocks the group '" #GROUP           \
                "', so it must define " WORDS ", which the layer below has")
  VARVE_CLASSIFIED(reads, HasGet, "get");
  VARVE_CLASSIFIED(reads, HasContains, "contains");
  VARVE_CLASSIFIED(reads, HasMultiGet, "multi_get");
  VARVE_CLASSIFIED(scans, HasScan, "scan");
  VARVE_CLASSIFIED(scans, HasApproximateCount, "approximate_count");
  VARVE_CLASSIFIED(snapshots, HasSnapshot, "snapshot");
  VARVE_CLASSIFIED(writes, HasWrite, "write");
  VARVE_CLASSIFIED(writes, HasWriteAndDrop, "write_and_drop");
  VARVE_CLASSIFIED(bulk, HasBulkLoader, "bulk_loader");
  VARVE_CLASSIFIED(transactions, HasTransaction, "begin_transaction");
  VARVE_CLASSIFIED(trees, HasOpenTree, "open_tree");
  VARVE_CLASSIFIED(trees, HasFindTree, "find_tree");
  VARVE_CLASSIFIED(trees, HasDropTree, "drop_tree");
  VARVE_CLASSIFIED(trees, HasTrees, "trees");
  VARVE_CLASSIFIED(maintenance, HasFlush, "flush");
  VARVE_CLASSIFIED(maintenance, HasSizeOnDisk, "size_on_disk");
  VARVE_CLASSIFIED(maintenance, HasLimits, "limits");
  VARVE_CLASSIFIED(maintenance, HasCompact, "compact");
  VARVE_CLASSIFIED(checkpoints, HasCheckpoint, "checkpoint");
  VARVE_CLASSIFIED(tail, HasTail, "last_sequence and tail");
#undef VARVE_CLASSIFIED
  if constexpr (all_classified) assert_kv_engine<L>();
  return EngineLayer<L>;
}

/// The engine at the bottom of a stack, for what no concept prescribes.
template <class E>
[[nodiscard]] constexpr auto& lowest(E& stack) noexcept {
  if constexpr (detail::LayerShape<std::remove_const_t<E>>) {
    return lowest(stack.next());
  } else {
    return stack;
  }
}

namespace detail {

template <class E>
struct LowestOf {
  using type = E;
};
template <LayerShape L>
struct LowestOf<L> : LowestOf<typename L::Next> {};

}  // namespace detail

/// The type of the engine at the bottom of the stack `E`.
template <class E>
using lowest_t = typename detail::LowestOf<E>::type;

}  // namespace varve
