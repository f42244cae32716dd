// SPDX-License-Identifier: Apache-2.0
//
// What a run holds in memory at once is counted, allocation by allocation: it depends on the size
// of its batches and on the number of its workers, and not on the store.
#include <varve/adapters/lmdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/open.hpp>

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

#include "catch.hpp"
#include "migrations/blocks.hpp"
#include "migrations/there_and_back.hpp"
#include "temp_directory.hpp"

namespace {

std::atomic<std::int64_t> held{0};
std::atomic<std::int64_t> most_held{0};

void* allocate(std::size_t size) {
  void* const bytes = std::malloc(size == 0 ? 1 : size);
  if (bytes == nullptr) throw std::bad_alloc();
  const auto more = static_cast<std::int64_t>(::malloc_usable_size(bytes));
  const std::int64_t now = held.fetch_add(more, std::memory_order_relaxed) + more;
  std::int64_t most = most_held.load(std::memory_order_relaxed);
  while (most < now && !most_held.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
  }
  return bytes;
}

void release(void* bytes) noexcept {
  if (bytes == nullptr) return;
  held.fetch_sub(static_cast<std::int64_t>(::malloc_usable_size(bytes)), std::memory_order_relaxed);
  std::free(bytes);
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  return allocate(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size) {
  return allocate(size);
}
[[gnu::noinline]] void operator delete(void* bytes) noexcept {
  release(bytes);
}
[[gnu::noinline]] void operator delete[](void* bytes) noexcept {
  release(bytes);
}
[[gnu::noinline]] void operator delete(void* bytes, std::size_t /*size*/) noexcept {
  release(bytes);
}
[[gnu::noinline]] void operator delete[](void* bytes, std::size_t /*size*/) noexcept {
  release(bytes);
}

using namespace varve;
using namespace varve_test::blocks;
using namespace varve_test::there_and_back;
using varve_test::TempDirectory;

namespace {

/// The most that a run over `blocks_made` blocks holds, and the way back.
std::int64_t most_held_by_run(std::uint64_t blocks_made, std::size_t workers) {
  const TempDirectory home;
  const std::string directory = home / "store";
  {
    auto store = open<LmdbAdapter>(directory);
    const Tree blocks = store.open_tree("blocks");
    for (std::uint64_t first = 0; first < blocks_made; first += 1000) {
      WriteBatch batch;
      for (std::uint64_t height = first; height != first + 1000; ++height) {
        batch.put(blocks, key_of(height), record_of(BlockV1{height, hash_of(height)}));
      }
      store.write(batch, Durability::buffered);
    }
  }
  MigratedOptions options{.adopt_as = 1};
  options.run.batch_bytes = 64U << 10U;
  options.run.workers = workers;
  const std::int64_t before = held;
  most_held = before;
  static_cast<void>(open<Migrated<New, LmdbAdapter>>(directory, options));
  options.take_back_to = 1;
  static_cast<void>(open<Migrated<New, LmdbAdapter>>(directory, options));
  return most_held - before;
}

}  // namespace

TEST_CASE("RunOptions: the batch bounds the memory of a run, however large the store is") {
  for (const std::size_t workers : {0U, 1U, 3U}) {
    const std::int64_t small = most_held_by_run(4'000, workers);
    const std::int64_t large = most_held_by_run(24'000, workers);
    CAPTURE(workers, small, large);
    CHECK(small > 64 << 10);
    // The store has grown by 20'000 records of more than 40 bytes.
    CHECK(large - small < 200 << 10);
    CHECK(large < static_cast<std::int64_t>(workers + 2) << 20);
  }
}
