// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>

#include "catch.hpp"

namespace {

std::size_t allocations = 0;

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const bytes = std::malloc(size)) return bytes;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*nothrow*/) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}

void operator delete(void* bytes) noexcept {
  std::free(bytes);
}
[[gnu::noinline]] void operator delete(void* bytes, std::size_t /*size*/) noexcept {
  std::free(bytes);
}

using namespace varve;

TEST_CASE("MemoryAdapter: reads allocate nothing") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  WriteBatch batch;
  for (int i = 0; i != 10000; ++i) batch.put(tree, "key" + std::to_string(i), "value");
  engine.write(batch);
  const std::array<BytesView, 3> keys{"key1", "key77", "none"};
  std::array<std::optional<MemoryPinned>, 3> values;
  const bool first_read_of_the_thread = engine.contains(tree, "key0");
  CHECK(first_read_of_the_thread);

  const std::size_t before = allocations;
  std::size_t met = 0;
  for (int i = 0; i != 100; ++i) {
    const auto value = engine.get(tree, "key5");
    const auto snapshot = engine.snapshot();
    const auto same = snapshot.get(tree, "key5");
    engine.multi_get(tree, keys, values);
    for (const Entry entry : engine.scan(tree, KeyRange::all())) met += entry.value.size();
    met += value->view().size() + same->view().size() + values[1]->view().size();
    met += engine.approximate_count(tree, KeyRange::all());
  }
  const std::size_t made = allocations - before;
  CHECK(made == 0);
  CHECK(met == 100 * (10000 * 5 + 15 + 10000));

  const std::size_t before_write = allocations;
  engine.write(batch);
  CHECK(allocations > before_write);
}
