// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/merkle/block_store.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/key_order.hpp>
#include <varve/merkle/trie_pages.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve::merkle {

/// Leaves in any order, given back in the order of their keys. As many as there is memory for are
/// sorted at once; where there are more, they are put aside as sorted runs, block by block, and the
/// runs are merged.
///
/// Threads  one at a time.
template <BlockStore Blocks>
class LeafSorter {
 public:
  /// Takes up `memory_bytes`, and while more than 64 runs are merged a block for each.
  LeafSorter(Blocks& blocks, std::size_t memory_bytes)
      : blocks_(blocks),
        room_(std::max<std::size_t>(memory_bytes / bytes_a_leaf, 16)),
        block_leaves_(std::clamp<std::size_t>(room_ / 64, 1, most_block_leaves)) {}

  void add(const Digest& key, const Digest& value) {
    if (leaves_.size() == room_) put_aside();
    leaves_.push_back({key, value});
  }

  /// The last call: `take(key, value)` gets all leaves.
  template <class Take>
  void drain(Take&& take) {
    if (runs_.empty()) return each_in_order(take);
    put_aside();
    leaves_ = {};
    merge(take);
  }

 private:
  // A leaf while the vector of all grows, or while they are sorted.
  static constexpr std::size_t bytes_a_leaf = sizeof(DigestPair) + 2 * sizeof(KeyPlace<DigestPair>);
  static constexpr std::size_t most_block_leaves = 1023;  // and the head of a page in 64 KiB

  /// A sorted run: the blocks that are left of it, and where the next leaf is in the one at hand.
  struct Run {
    std::uint64_t next_block;
    std::uint64_t end_block;
    std::string block{};
    std::size_t at = 0;

    [[nodiscard]] DigestPair leaf() const noexcept {
      DigestPair leaf;
      std::memcpy(static_cast<void*>(&leaf), block.data() + at, sizeof leaf);
      return leaf;
    }
    [[nodiscard]] bool comes_after(const Run& other) const noexcept {
      return std::memcmp(block.data() + at, other.block.data() + other.at, sizeof(Digest)) > 0;
    }
  };

  template <class Take>
  void each_in_order(Take&& take) const {
    const auto places = in_key_order<&DigestPair::first>(std::span(leaves_));
    for (std::size_t i = 0; i != places.size(); ++i) {
      constexpr std::size_t ahead = 12;  // the leaves lie as they came, all over the memory
      if (i + ahead < places.size()) {
        __builtin_prefetch(&places[i + ahead].item->first);
        __builtin_prefetch(&places[i + ahead].item->second);
      }
      take(places[i].item->first, places[i].item->second);
    }
  }

  void put_aside() {
    Run run{.next_block = blocks_put_, .end_block = 0};
    std::string block;
    block.reserve(block_leaves_ * sizeof(DigestPair));
    const auto put = [&] {
      blocks_.put(blocks_put_++, block);
      block.clear();
    };
    each_in_order([&](const Digest& key, const Digest& value) {
      for (const Digest& half : {key, value}) {
        block.append(reinterpret_cast<const char*>(half.data()), half.size());
      }
      if (block.size() == block_leaves_ * sizeof(DigestPair)) put();
    });
    if (!block.empty()) put();
    run.end_block = blocks_put_;
    if (run.next_block != run.end_block) runs_.push_back(std::move(run));
    leaves_.clear();
  }

  /// Goes on to the next block of the run. False where there is none.
  [[nodiscard]] bool read_block(Run& run) {
    if (run.next_block == run.end_block) return false;
    const auto block = blocks_.get(run.next_block++);
    const BytesView bytes = block ? detail::view_of(*block) : BytesView();
    if (bytes.empty() || bytes.size() % sizeof(DigestPair) != 0) {
      throw Error(ErrorKind::corruption,
                  {.message = "what was put aside while the trie was built is not there as it was "
                              "written: build it again",
                   .operation = "build",
                   .tree = "varve.trie",
                   .layer = "merkle"});
    }
    run.block.assign(bytes);
    run.at = 0;
    return true;
  }

  template <class Take>
  void merge(Take&& take) {
    std::vector<Run*> heap;
    for (Run& run : runs_) {
      if (read_block(run)) heap.push_back(&run);
    }
    const auto later = [](const Run* one, const Run* other) { return one->comes_after(*other); };
    std::make_heap(heap.begin(), heap.end(), later);
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), later);
      Run& run = *heap.back();
      const DigestPair leaf = run.leaf();
      take(leaf.first, leaf.second);
      run.at += sizeof(DigestPair);
      if (run.at != run.block.size() || read_block(run)) {
        std::push_heap(heap.begin(), heap.end(), later);
      } else {
        heap.pop_back();
      }
    }
  }

  Blocks& blocks_;
  std::size_t room_;
  std::size_t block_leaves_;
  std::vector<DigestPair> leaves_;
  std::vector<Run> runs_;
  std::uint64_t blocks_put_ = 0;
};

}  // namespace varve::merkle
