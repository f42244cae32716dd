// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/node.hpp>
#include <varve/concepts/tree.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace varve::detail::memory {

/// The roots of some neighbouring trees; shared by the versions between which none of them changed.
struct RootPage {
  static constexpr std::size_t capacity = 16;

  std::uint64_t birth = 0;
  Node* roots[capacity]{};  ///< null where there is no tree
};

/// Something that newer versions do not show and that may be freed once no older one is read.
struct Garbage {
  enum class Kind : std::uint8_t { record, node, subtree, root_page };

  void* item = nullptr;
  std::uint64_t end = 0;  ///< the number of the first version that does not show it
  Kind kind{};

  Garbage() = default;
  // Written field by field in its place: a copy would wait for all stores before it.
  Garbage(void* what, std::uint64_t first_without, Kind its_kind) noexcept
      : item(what), end(first_without), kind(its_kind) {}

  [[nodiscard]] std::uint64_t birth() const noexcept {
    switch (kind) {
      case Kind::record: return static_cast<const Record*>(item)->birth;
      case Kind::root_page: return static_cast<const RootPage*>(item)->birth;
      case Kind::node:
      case Kind::subtree: break;
    }
    return static_cast<const Node*>(item)->birth;
  }
};

/// One state of the engine: the root of every tree. Immutable once published.
struct Version {
  std::uint64_t number = 0;
  std::vector<RootPage*> pages;

  /// Freed with the version. Belongs to the writer.
  std::vector<Garbage> garbage;
  /// Whether `garbage` holds something.
  std::atomic<bool> holds_garbage{false};

  /// The root of `tree`, or null where there is no such tree.
  [[nodiscard]] const Node* root(Tree tree) const noexcept {
    const std::size_t index = index_of(tree);
    if (index / RootPage::capacity >= pages.size()) return nullptr;
    const RootPage* const page = pages[index / RootPage::capacity];
    return page == nullptr ? nullptr : page->roots[index % RootPage::capacity];
  }

  // The reserved bit is part of the index, so that an id with the wrong one is of no tree.
  [[nodiscard]] static std::size_t index_of(Tree tree) noexcept { return std::rotl(tree.id(), 1); }
};

}  // namespace varve::detail::memory
