// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/block_store.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/leaf_sorter.hpp>
#include <varve/merkle/suite.hpp>
#include <varve/merkle/trie_builder.hpp>
#include <varve/merkle/trie_summary.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace varve::merkle::detail {

/// For a build that has memory for all its leaves.
struct NoBlocks {
  void put(std::uint64_t, BytesView) noexcept {}
  [[nodiscard]] std::optional<BytesView> get(std::uint64_t) noexcept { return std::nullopt; }
};

template <Suite S, class Source, class Write, BlockStore Blocks>
[[nodiscard]] TrieSummary build_trie(Source& source, Write& write, Blocks& blocks,
                                     std::size_t memory_bytes) {
  LeafSorter<Blocks> sorter(blocks, memory_bytes);
  source([&](const Digest& key, const Digest& value) { sorter.add(key, value); });
  const auto pass_on = [&](BytesView key, BytesView page) { write(key, page); };
  TrieBuilder<S, decltype(pass_on)> builder(pass_on);
  sorter.drain([&](const Digest& key, const Digest& value) { builder.add(key, value); });
  return builder.finish();
}

}  // namespace varve::merkle::detail
