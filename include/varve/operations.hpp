// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace varve {

// What every engine can do, natively or in general. Each function says which refinement it uses and
// what the general form does not promise.

/// Sets one key: a batch of one.
template <KvEngine E>
void put(E& engine, Tree tree, BytesView key, BytesView value,
         Durability durability = Durability::synced) {
  WriteBatch batch;
  batch.put(tree, key, value);
  engine.write(batch, durability);
}

/// Removes one key: a batch of one.
template <KvEngine E>
void erase(E& engine, Tree tree, BytesView key, Durability durability = Durability::synced) {
  WriteBatch batch;
  batch.erase(tree, key);
  engine.write(batch, durability);
}

/// Removes the keys of a range: a batch of one.
template <KvEngine E>
void erase_range(E& engine, Tree tree, KeyRange range, Durability durability = Durability::synced) {
  WriteBatch batch;
  batch.erase_range(tree, range);
  if (!batch.empty()) engine.write(batch, durability);
}

/// A copy of the value under `key`, for where a pinned one would live too long.
template <KvReader R>
[[nodiscard]] std::optional<std::string> get_copy(const R& reader, Tree tree, BytesView key) {
  const auto pinned = reader.get(tree, key);
  if (!pinned) return std::nullopt;
  return std::string(pinned->view());
}

/// Sets `values[i]` to what `keys[i]` holds. With `MultiGetEngine` all values are of one state; the
/// general form is one `get` after another, and a write may come between two of them.
/// Throws `invalid_argument` where the spans differ in size.
template <KvReader R>
void multi_get(const R& reader, Tree tree, std::span<const BytesView> keys,
               std::span<std::optional<pinned_t<R>>> values) {
  if (keys.size() != values.size()) {
    throw Error(ErrorKind::invalid_argument,
                {.message = std::to_string(keys.size()) + " keys are given and room for " +
                            std::to_string(values.size()) + " values",
                 .operation = "multi_get"});
  }
  if constexpr (detail::HasMultiGet<R>) {
    reader.multi_get(tree, keys, values);
  } else {
    for (std::size_t i = 0; i < keys.size(); ++i) values[i] = reader.get(tree, keys[i]);
  }
}

/// The number of keys in `range`: an estimate with `CountEngine`; the general form counts them one
/// by one.
template <KvReader R>
[[nodiscard]] std::uint64_t approximate_count(const R& reader, Tree tree,
                                              KeyRange range = KeyRange::all()) {
  if constexpr (detail::HasApproximateCount<R>) {
    return reader.approximate_count(tree, range);
  } else {
    std::uint64_t count = 0;
    for (auto scan = reader.scan(tree, range); scan.valid(); scan.next()) ++count;
    return count;
  }
}

/// The exact number of keys in `range`, by reading them.
template <KvReader R>
[[nodiscard]] std::uint64_t count(const R& reader, Tree tree, KeyRange range = KeyRange::all()) {
  std::uint64_t keys = 0;
  for (auto scan = reader.scan(tree, range); scan.valid(); scan.next()) ++keys;
  return keys;
}

namespace detail {

/// Loads by batches where an engine has no loader of its own.
template <KvEngine E>
class BatchLoader {
 public:
  BatchLoader(E& engine, Tree tree) noexcept : engine_(&engine), tree_(tree) {}

  void put(BytesView key, BytesView value) {
    if (started_ && key <= last_) {
      throw Error(ErrorKind::invalid_argument,
                  {.message = "keys of a bulk load are strictly ascending; sort the input first",
                   .operation = "bulk_load",
                   .tree = "#" + std::to_string(tree_.id()),
                   .layer = std::string(BytesView(E::name))});
    }
    batch_.put(tree_, key, value);
    last_ = key;
    started_ = true;
    if (batch_.bytes().size() < batch_bytes) return;
    engine_->write(batch_, Durability::buffered);
    batch_.clear();
  }

  void finish() {
    engine_->write(batch_, Durability::buffered);
    batch_.clear();
    engine_->flush();
  }

 private:
  static constexpr std::size_t batch_bytes = std::size_t{4} << 20U;

  E* engine_;
  Tree tree_;
  WriteBatch batch_;
  std::string last_;
  bool started_ = false;
};

}  // namespace detail

/// A loader of keys in strictly ascending order: `put(key, value)`, then `finish()`. With
/// `BulkLoadEngine` nothing is seen before `finish` and nothing is left without it; the general
/// form writes batches of 4 MiB, which are seen, and stay, as they come.
template <KvEngine E>
[[nodiscard]] auto bulk_loader(E& engine, Tree tree) {
  if constexpr (BulkLoadEngine<E>) {
    return engine.bulk_loader(tree);
  } else {
    return detail::BatchLoader<E>(engine, tree);
  }
}

}  // namespace varve
