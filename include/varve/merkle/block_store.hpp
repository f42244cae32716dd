// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/trie_pages.hpp>

#include <cstdint>

namespace varve::merkle {

/// Where a build puts aside what it has no memory for.
///
/// Expression            Semantics
/// b.put(number, block)  keeps the bytes; the numbers are 0, 1, 2 ...
/// b.get(number)         what keeps the bytes of a block that was put: a pinned value, a string, a
///                       view that lives until `b` goes; an optional of it. Each is asked for once.
template <class B>
concept BlockStore = requires(B& blocks, std::uint64_t number, BytesView block) {
  blocks.put(number, block);
  { blocks.get(number) } -> detail::OptionalPageBytes;
};

}  // namespace varve::merkle
