// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/durability.hpp>
#include <varve/concepts/kv_reader.hpp>
#include <varve/concepts/limits.hpp>
#include <varve/concepts/write_batch.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <vector>

namespace varve {

namespace detail {

template <class E>
concept HasName = requires {
  { E::name } -> std::convertible_to<BytesView>;
};

template <class E>
concept HasWrite = requires(E& engine, const WriteBatch& batch, Durability durability) {
  { engine.write(batch, durability) } -> std::same_as<void>;
  { engine.write(batch) } -> std::same_as<void>;
};

template <class E>
concept HasOpenTree = requires(E& engine, BytesView name) {
  { engine.open_tree(name) } -> std::same_as<Tree>;
};

template <class E>
concept HasFindTree = requires(const E& engine, BytesView name) {
  { engine.find_tree(name) } -> std::same_as<std::optional<Tree>>;
};

template <class E>
concept HasDropTree = requires(E& engine, Tree tree) {
  { engine.drop_tree(tree) } -> std::same_as<void>;
};

template <class E>
concept HasTrees = requires(const E& engine) {
  { engine.trees() } -> std::same_as<std::vector<TreeInfo>>;
};

template <class E>
concept HasFlush = requires(E& engine) {
  { engine.flush() } -> std::same_as<void>;
};

template <class E>
concept HasSizeOnDisk = requires(const E& engine) {
  { engine.size_on_disk() } -> std::same_as<std::uint64_t>;
};

template <class E>
concept HasLimits = requires(const E& engine) {
  { engine.limits() } -> std::same_as<Limits>;
};

}  // namespace detail

/// A store of ordered byte strings in named trees, changed by atomic batches. Engines and layers
/// alike are one. docs/concepts/kv_engine.md has the semantics and the numbered laws;
/// `varve/testing/laws.hpp` runs them.
///
/// May be called from many threads at once. A type that cannot be moved is built in place.
template <class E>
concept KvEngine = KvReader<E> && detail::HasName<E> && detail::HasWrite<E> &&
                   detail::HasOpenTree<E> && detail::HasFindTree<E> && detail::HasDropTree<E> &&
                   detail::HasTrees<E> && detail::HasFlush<E> && detail::HasSizeOnDisk<E> &&
                   detail::HasLimits<E> && std::destructible<E> &&
                   (!std::move_constructible<E> || std::is_nothrow_move_constructible_v<E>);

/// The loud twin of `KvEngine`: one sentence for each requirement that `E` misses.
template <class E>
consteval bool assert_kv_engine() {
  assert_kv_reader<E>();
  static_assert(detail::HasName<E>,
                "a KvEngine has `static constexpr BytesView name`, the short name in messages and "
                "in stored records");
  static_assert(
      detail::HasWrite<E>,
      "a KvEngine has write(const WriteBatch&, Durability = Durability::synced) that returns "
      "void and applies the whole batch or nothing");
  static_assert(detail::HasOpenTree<E>,
                "a KvEngine has open_tree(BytesView name) that returns the Tree, made where it is "
                "not there");
  static_assert(detail::HasFindTree<E>,
                "a KvEngine has find_tree(BytesView name) const that returns std::optional<Tree>");
  static_assert(detail::HasDropTree<E>, "a KvEngine has drop_tree(Tree) that returns void");
  static_assert(detail::HasTrees<E>,
                "a KvEngine has trees() const that returns std::vector<TreeInfo>");
  static_assert(detail::HasFlush<E>,
                "a KvEngine has flush() that returns void when everything written is on disk");
  static_assert(detail::HasSizeOnDisk<E>,
                "a KvEngine has size_on_disk() const that returns std::uint64_t bytes");
  static_assert(detail::HasLimits<E>, "a KvEngine has limits() const that returns varve::Limits");
  static_assert(std::destructible<E>, "a KvEngine has a destructor that does not throw");
  static_assert(!std::move_constructible<E> || std::is_nothrow_move_constructible_v<E>,
                "a KvEngine that can be moved is moved without throwing");
  return KvEngine<E>;
}

}  // namespace varve
