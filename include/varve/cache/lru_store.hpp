// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/cache/value.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace varve::detail::cache {

/// Values shared by reference, the least recently used going first, in shards with a lock each.
/// A hit copies nothing.
class LruStore {
 public:
  /// What an entry takes beside its key and value, rounded up: node, index, counts, malloc.
  static constexpr std::size_t entry_overhead = 272;

  explicit LruStore(std::size_t capacity) : shard_capacity_(capacity / shard_count) {}

  [[nodiscard]] bool takes(std::size_t key_size, std::size_t value_size) const noexcept {
    return cost(key_size, value_size) <= shard_capacity_ / 2;
  }

  Found find(const Key& key, Value& out) {
    if (shard_capacity_ == 0) return Found::nothing;
    Shard& shard = shard_of(key.hash);
    const std::lock_guard lock(shard.mutex);
    const auto at = shard.find(key);
    if (at == shard.index.end()) return Found::nothing;
    shard.entries.splice(shard.entries.begin(), shard.entries, at->second);
    if (!at->second->value) return Found::absence;
    out.share(at->second->value);
    return Found::value;
  }

  /// Keeps a value, or absence, where `allowed` still says so under the lock. Answers the number of
  /// entries that had to go, or nothing where it was not kept.
  template <class Allowed>
  std::optional<std::size_t> fill(const Key& key, std::optional<BytesView> value,
                                  Allowed&& allowed) {
    const std::size_t size = cost(key.bytes.size(), value ? value->size() : 0);
    if (size > shard_capacity_ / 2) return std::nullopt;
    std::shared_ptr<const std::string> shared;
    if (value) shared = std::make_shared<const std::string>(*value);
    std::list<Entry> made;
    made.push_back({key.identity, key.hash, std::string(key.bytes), std::move(shared), size});
    Shard& shard = shard_of(key.hash);
    const std::lock_guard lock(shard.mutex);
    if (!allowed()) return std::nullopt;
    shard.remove(key.hash);
    std::size_t evicted = 0;
    for (; shard.bytes + size > shard_capacity_; ++evicted) shard.remove(shard.entries.back().hash);
    shard.index.emplace(key.hash, made.begin());
    shard.entries.splice(shard.entries.begin(), made);
    shard.bytes += size;
    return evicted;
  }

  /// Forgets a key. Answers whether it was there.
  bool erase(const Key& key) noexcept {
    if (shard_capacity_ == 0) return false;
    Shard& shard = shard_of(key.hash);
    const std::lock_guard lock(shard.mutex);
    return shard.remove(key.hash);
  }

  /// Lets go of everything. Nobody may fill any more.
  void clear() noexcept {
    for (Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      shard.entries.clear();
      shard.index.clear();
      shard.bytes = 0;
    }
  }

  void count(std::size_t& entries, std::size_t& bytes) {
    for (Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      entries += shard.entries.size();
      bytes += shard.bytes;
    }
  }

 private:
  static constexpr std::size_t shard_count = 16;

  struct Entry {
    std::uint64_t identity;
    std::uint64_t hash;
    std::string key;
    std::shared_ptr<const std::string> value;
    std::size_t bytes;
  };

  struct alignas(64) Shard {
    std::unordered_map<std::uint64_t, std::list<Entry>::iterator>::iterator find(const Key& key) {
      const auto at = index.find(key.hash);
      const bool same =
          at != index.end() && at->second->identity == key.identity && at->second->key == key.bytes;
      return same ? at : index.end();
    }
    bool remove(std::uint64_t hash) noexcept {
      const auto at = index.find(hash);
      if (at == index.end()) return false;
      bytes -= at->second->bytes;
      entries.erase(at->second);
      index.erase(at);
      return true;
    }

    std::mutex mutex;
    std::list<Entry> entries;
    std::unordered_map<std::uint64_t, std::list<Entry>::iterator> index;
    std::size_t bytes = 0;
  };

  static std::size_t cost(std::size_t key_size, std::size_t value_size) noexcept {
    return key_size + value_size + entry_overhead;
  }
  Shard& shard_of(std::uint64_t hash) noexcept { return shards_[hash >> 60U]; }

  std::size_t shard_capacity_;
  std::array<Shard, shard_count> shards_;
};

}  // namespace varve::detail::cache
