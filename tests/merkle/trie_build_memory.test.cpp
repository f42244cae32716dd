// SPDX-License-Identifier: Apache-2.0
#include <varve/merkle/leaf_batch.hpp>
#include <varve/merkle/suites.hpp>
#include <varve/merkle/trie.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "catch.hpp"

namespace {

std::size_t held = 0;
std::size_t most_held = 0;

}  // namespace

// What a block has taken is kept in front of it.
[[gnu::noinline]] void* operator new(std::size_t size) {
  constexpr std::size_t head = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  char* const bytes = static_cast<char*>(std::malloc(size + head));
  if (bytes == nullptr) throw std::bad_alloc();
  std::memcpy(bytes, &size, sizeof size);
  held += size;
  if (held > most_held) most_held = held;
  return bytes + head;
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*nothrow*/) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

[[gnu::noinline]] void operator delete(void* bytes) noexcept {
  if (bytes == nullptr) return;
  char* const start = static_cast<char*>(bytes) - __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  std::size_t size = 0;
  std::memcpy(&size, start, sizeof size);
  held -= size;
  std::free(start);
}
[[gnu::noinline]] void operator delete(void* bytes, std::size_t /*size*/) noexcept {
  operator delete(bytes);
}

namespace {

using namespace varve::merkle;
using varve::BytesView;

/// Blocks in a file, one behind another.
class FileBlocks {
 public:
  void put(std::uint64_t number, BytesView block) {
    REQUIRE(std::fseek(file_.get(), offset(number), SEEK_SET) == 0);
    const std::size_t size = block.size();
    REQUIRE(std::fwrite(&size, sizeof size, 1, file_.get()) == 1);
    REQUIRE(std::fwrite(block.data(), 1, size, file_.get()) == size);
    ++count;
  }
  std::optional<std::string> get(std::uint64_t number) {
    std::size_t size = 0;
    REQUIRE(std::fseek(file_.get(), offset(number), SEEK_SET) == 0);
    REQUIRE(std::fread(&size, sizeof size, 1, file_.get()) == 1);
    std::string block(size, '\0');
    REQUIRE(std::fread(block.data(), 1, size, file_.get()) == size);
    return block;
  }
  std::uint64_t count = 0;

 private:
  static long offset(std::uint64_t number) { return static_cast<long>(number * (65 << 10U)); }
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_{std::tmpfile()};
};

constexpr std::uint64_t records = 120'000;

TrieSummary build(FileBlocks& blocks, std::size_t memory_bytes) {
  return Trie<Blake3>::build(
      [](const auto& add) {
        LeafBatch<Blake3, decltype(add)> batch("accounts", add);
        for (std::uint64_t i = 0; i != records; ++i) {
          char bytes[16];
          std::memcpy(bytes, &i, 8);
          std::memcpy(bytes + 8, &i, 8);
          batch.add({bytes, 8}, {bytes, 16});
        }
        batch.flush();
      },
      [](BytesView, BytesView) {}, blocks, memory_bytes);
}

}  // namespace

TEST_CASE("Trie::build: a build of many more leaves than it has memory for keeps within it") {
  FileBlocks none;
  FileBlocks some;
  const TrieSummary whole = build(none, std::size_t{64} << 20U);
  const std::size_t before = held;
  most_held = held;
  constexpr std::size_t memory = std::size_t{2} << 20U;
  const TrieSummary bounded = build(some, memory);
  const std::size_t taken = most_held - before;

  CHECK(none.count == 0);
  CHECK(some.count > records / 1024);
  CHECK(bounded == whole);
  CHECK(bounded.count == records);
  // Pages on their way to their hashes, and what the hashes of keys and values need.
  constexpr std::size_t besides = std::size_t{4} << 20U;
  INFO(taken << " bytes at most");
  CHECK(taken < memory + besides);
  CHECK(memory + besides < records * 64);
}
