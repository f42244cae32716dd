// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/draft.hpp>
#include <varve/adapters/memory/fence.hpp>
#include <varve/adapters/memory/reader_slots.hpp>
#include <varve/adapters/memory/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace varve::detail::memory {

/// Frees what no version that is still read shows. A thing is shown by the versions from its birth
/// up to its end: it waits in the youngest pinned version among them, where there is one, and is
/// looked at again when that one is no longer pinned. So an old pin holds back what it shows, and
/// nothing that came and went after it.
///
/// Belongs to the writer.
class Reclaimer {
 public:
  explicit Reclaimer(Arena& arena) noexcept : arena_(arena) {}

  /// What was dropped and not looked at yet. A draft adds to it.
  [[nodiscard]] std::vector<Garbage>& dropped() noexcept { return dropped_; }

  /// Room for one more superseded version.
  void reserve() { superseded_.reserve(superseded_.size() + 1); }

  /// `version` is not current any more. There is room for it.
  void supersede(std::unique_ptr<Version> version) noexcept {
    superseded_.push_back(std::move(version));
  }

  /// Whether enough has come together to be worth looking at the readers.
  [[nodiscard]] bool is_due() noexcept {
    for (; weighed_ != dropped_.size(); ++weighed_) weight_ += weight_of(dropped_[weighed_]);
    return weight_ >= due_bytes || superseded_.size() >= pinned_.size() + due_versions;
  }

  /// Frees what can be freed. Where memory for its own lists runs out, what they would have held is
  /// freed with the arena.
  void collect() noexcept try {
    if (!fence_readers()) return;
    const std::vector<const void*> announced = announced_versions();
    std::vector<Garbage> loose = gather(announced);
    for (const Garbage& garbage : loose) settle(garbage);
    loose.clear();
    dropped_.swap(loose);
  } catch (const std::bad_alloc&) {
  }

  /// Undoes what `draft` dropped since there were `kept` things here. What it also made is nowhere
  /// else by now.
  void roll_back(std::size_t kept, Draft& draft) noexcept {
    for (std::size_t i = kept; i != dropped_.size(); ++i) {
      const Garbage& garbage = dropped_[i];
      if (garbage.birth() != draft.number()) continue;
      if (garbage.kind == Garbage::Kind::subtree) {
        draft.discard(static_cast<Node*>(garbage.item));
      } else {
        free(garbage);
      }
    }
    dropped_.resize(kept, Garbage{});
  }

 private:
  static constexpr std::size_t due_bytes = std::size_t{256} << 10U;
  static constexpr std::size_t due_versions = 256;

  static std::size_t weight_of(const Garbage& garbage) noexcept {
    switch (garbage.kind) {
      case Garbage::Kind::record: return static_cast<const Record*>(garbage.item)->size();
      case Garbage::Kind::node: return bytes_of(static_cast<const Node*>(garbage.item));
      case Garbage::Kind::root_page: return sizeof(RootPage);
      case Garbage::Kind::subtree: break;
    }
    return due_bytes;
  }

  /// Sorted. A pin that is taken from another, as a snapshot's reads are, may be announced in a
  /// slot already passed and the other withdrawn from one still ahead; a second pass sees it.
  [[nodiscard]] static std::vector<const void*> announced_versions() {
    std::vector<const void*> announced;
    for (int pass = 0; pass != 2; ++pass) {
      ReaderSlots::for_each([&](const Slot& slot) {
        const void* const version = slot.load(std::memory_order_seq_cst);
        if (version != nullptr) announced.push_back(version);
      });
    }
    std::sort(announced.begin(), announced.end());
    return announced;
  }

  /// Takes what is worth a look: the newly dropped, and what waited in versions that are no longer
  /// read, which end here.
  [[nodiscard]] std::vector<Garbage> gather(const std::vector<const void*>& announced) {
    std::size_t size = dropped_.size();
    for (const auto& version : superseded_) size += version->garbage.size();
    dropped_.reserve(size);
    pinned_.clear();
    pinned_.reserve(superseded_.size());
    std::vector<Garbage> loose = std::exchange(dropped_, {});
    weighed_ = weight_ = 0;
    std::erase_if(superseded_, [&](const std::unique_ptr<Version>& version) {
      if (std::binary_search(announced.begin(), announced.end(), version.get())) {
        pinned_.push_back(version.get());
        return false;
      }
      loose.insert(loose.end(), version->garbage.begin(), version->garbage.end());
      return true;
    });
    return loose;
  }

  void settle(const Garbage& garbage) {
    const auto after = std::lower_bound(
        pinned_.begin(), pinned_.end(), garbage.end,
        [](const Version* version, std::uint64_t end) { return version->number < end; });
    if (after != pinned_.begin() && garbage.birth() <= after[-1]->number) {
      after[-1]->garbage.push_back(garbage);
      after[-1]->holds_garbage.store(true, std::memory_order_relaxed);
    } else if (garbage.kind == Garbage::Kind::subtree) {
      settle_below(static_cast<Node*>(garbage.item), garbage.end);
      free_node(arena_, static_cast<Node*>(garbage.item));
    } else {
      free(garbage);
    }
  }

  /// What is below a node is not younger than it is, and may be shown where it is not.
  void settle_below(Node* node, std::uint64_t end) {
    if (node->level == 0) {
      for (unsigned i = 0; i != node->size; ++i) {
        settle({as_leaf(node).records[i], end, Garbage::Kind::record});
      }
      return;
    }
    const Inner& inner = as_inner(node);
    for (unsigned i = 0; i != inner.size; ++i) {
      if (i != 0) settle({inner.separators[i], end, Garbage::Kind::record});
      settle({inner.children[i], end, Garbage::Kind::subtree});
    }
  }

  void free(const Garbage& garbage) noexcept {
    switch (garbage.kind) {
      case Garbage::Kind::record: return free_record(arena_, static_cast<Record*>(garbage.item));
      case Garbage::Kind::root_page: return arena_.free(garbage.item, sizeof(RootPage));
      case Garbage::Kind::node:
      case Garbage::Kind::subtree: break;
    }
    free_node(arena_, static_cast<Node*>(garbage.item));
  }

  Arena& arena_;
  std::vector<Garbage> dropped_;
  std::size_t weighed_ = 0;
  std::size_t weight_ = 0;
  std::vector<std::unique_ptr<Version>> superseded_;  ///< oldest first
  std::vector<Version*> pinned_;                      ///< of those, the ones that are read
};

}  // namespace varve::detail::memory
