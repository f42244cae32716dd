// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/page.hpp>
#include <varve/merkle/page_key.hpp>

#include <concepts>
#include <optional>

namespace varve::merkle {

namespace detail {

template <class B>
concept OwnsView = requires(const B& bytes) {
  { bytes.view() } -> std::convertible_to<BytesView>;
};

template <class B>
[[nodiscard]] BytesView view_of(const B& bytes) noexcept {
  if constexpr (OwnsView<B>) {
    return bytes.view();
  } else {
    return bytes;
  }
}

template <class B>
concept PageBytes = OwnsView<B> || std::convertible_to<const B&, BytesView>;

template <class T>
inline constexpr bool is_optional_bytes = false;
template <class B>
inline constexpr bool is_optional_bytes<std::optional<B>> = PageBytes<B>;

template <class T>
concept OptionalPageBytes = is_optional_bytes<T>;

}  // namespace detail

/// Where the pages of a trie are read, by their stored keys (`PageKey::view`).
///
/// Expression  Semantics
/// r.page(key) an optional of what keeps the bytes of the page: a pinned value, a string, a view
///             that lives as long as `r`; none where there is no such page. All calls on one `r`
///             see one state, and come from one thread.
template <class R>
concept TriePages = requires(R& reader, BytesView key) {
  { reader.page(key) } -> detail::OptionalPageBytes;
};

/// Reads `page.key` into `page`. False where there is no such page.
///
/// Errors  corruption, naming the page; what the reader throws.
template <TriePages R>
[[nodiscard]] bool read_page(R& reader, Page& page) {
  const auto stored = reader.page(page.key.view());
  if (!stored) return false;
  page.decode(detail::view_of(*stored));
  return true;
}

}  // namespace varve::merkle
