// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace varve {

// Each refinement is a promise with a name. An engine that cannot keep it does not have the member;
// the free functions of <varve/operations.hpp> then take the honest general form or refuse to
// compile. Semantics and laws: docs/concepts/refinements.md.

namespace detail {

template <class E>
concept HasSnapshot = requires(const E& engine) {
  { engine.snapshot() } -> KvReader;
};

template <class E>
concept HasMultiGet =
    HasGet<E> && requires(const E& engine, Tree tree, std::span<const BytesView> keys,
                          std::span<std::optional<pinned_t<E>>> values) {
      { engine.multi_get(tree, keys, values) } -> std::same_as<void>;
    };

template <class E>
concept HasApproximateCount = requires(const E& engine, Tree tree, KeyRange range) {
  { engine.approximate_count(tree, range) } -> std::same_as<std::uint64_t>;
};

template <class L>
concept BulkLoader = std::movable<L> && requires(L loader, BytesView key, BytesView value) {
  { loader.put(key, value) } -> std::same_as<void>;
  { loader.finish() } -> std::same_as<void>;
};

template <class E>
concept HasBulkLoader = requires(E& engine, Tree tree) {
  { engine.bulk_loader(tree) } -> BulkLoader;
};

template <class E>
concept HasCheckpoint = requires(E& engine, const std::string& directory) {
  { engine.checkpoint(directory) } -> std::same_as<void>;
};

template <class E>
concept HasCompact = requires(E& engine, Tree tree, KeyRange range) {
  { engine.compact(tree, range) } -> std::same_as<void>;
};

template <class E>
concept HasWriteAndDrop = requires(E& engine, const WriteBatch& batch,
                                   std::span<const Tree> dropped, Durability durability) {
  { engine.write_and_drop(batch, dropped, durability) } -> std::same_as<void>;
};

template <class T>
concept TailCursor = std::movable<T> && requires(T cursor, const T looked_at) {
  { looked_at.valid() } -> std::same_as<bool>;
  { looked_at.sequence() } -> std::same_as<std::uint64_t>;
  { looked_at.batch() } -> std::convertible_to<const WriteBatch&>;
  { cursor.next() } -> std::same_as<void>;
};

template <class E>
concept HasTail = requires(const E& engine, std::uint64_t sequence) {
  { engine.last_sequence() } -> std::same_as<std::uint64_t>;
  { engine.tail(sequence) } -> TailCursor;
};

template <class T>
concept Transaction = std::movable<T> && KvReader<T> &&
                      requires(T transaction, Tree tree, BytesView key, BytesView value,
                               KeyRange range, Durability durability) {
                        { transaction.put(tree, key, value) } -> std::same_as<void>;
                        { transaction.erase(tree, key) } -> std::same_as<void>;
                        { transaction.erase_range(tree, range) } -> std::same_as<void>;
                        { transaction.commit(durability) } -> std::same_as<bool>;
                      };

template <class E>
concept HasTransaction = requires(E& engine) {
  { engine.begin_transaction() } -> Transaction;
};

template <class E>
concept IsVolatile = requires {
  { E::is_volatile } -> std::convertible_to<bool>;
  requires E::is_volatile;
};

}  // namespace detail

/// `snapshot()`: a movable `KvReader` of the one state at which it was made, whatever is written
/// meanwhile. It must die before its engine.
template <class E>
concept SnapshotEngine = KvEngine<E> && detail::HasSnapshot<E>;

/// What `E::snapshot` returns.
template <SnapshotEngine E>
using snapshot_t = decltype(std::declval<const E&>().snapshot());

/// `multi_get(tree, keys, values)`: sets `values[i]` to what `keys[i]` holds, all read from one
/// state and faster than one `get` after another. The two spans have the same size.
template <class E>
concept MultiGetEngine = KvEngine<E> && detail::HasMultiGet<E>;

/// `approximate_count(tree, range)`: an estimate of the number of keys, without reading them all.
template <class E>
concept CountEngine = KvEngine<E> && detail::HasApproximateCount<E>;

/// `bulk_loader(tree)`: takes keys in strictly ascending order, `put` by `put`, and makes them all
/// visible and durable at `finish()`, overriding what the tree held under them. Dropped before
/// that, it leaves nothing behind. A key out of order is an `invalid_argument`. It must die before
/// its engine.
template <class E>
concept BulkLoadEngine = KvEngine<E> && detail::HasBulkLoader<E>;

/// `checkpoint(directory)`: a consistent copy of the engine's files, made while it is in use, that
/// opens as a store of its own. The directory must not exist; it appears whole or not at all.
template <class E>
concept CheckpointEngine = KvEngine<E> && detail::HasCheckpoint<E>;

/// `compact(tree, range)`: gives back the space of what was overwritten and removed.
template <class E>
concept CompactEngine = KvEngine<E> && detail::HasCompact<E>;

/// `write_and_drop(batch, trees, durability)`: applies the batch and drops the trees, all or
/// nothing.
template <class E>
concept TransactionalDropEngine = KvEngine<E> && detail::HasWriteAndDrop<E>;

/// `last_sequence()` and `tail(sequence)`: every batch written at and after a sequence number, in
/// order. Sequence numbers start at 1, grow with each batch and are never used twice.
template <class E>
concept TailEngine = KvEngine<E> && detail::HasTail<E>;

/// `begin_transaction()`: a `KvReader` that reads its own writes; `commit` answers whether it won
/// over what others wrote meanwhile. Dropped before that, it aborts.
template <class E>
concept TransactionalEngine = KvEngine<E> && detail::HasTransaction<E>;

/// `static constexpr bool is_volatile = true`: it forgets everything when it dies, and the same
/// calls of `open_tree`, `drop_tree` and `write_and_drop` give the same ids in every fresh one:
/// 1, 2, 3 in the order in which trees are first opened. So a log above it can bring it back, ids
/// and all. A layer that does not change this inherits it from the layer below.
template <class E>
concept VolatileEngine = KvEngine<E> && detail::IsVolatile<E>;

}  // namespace varve
