// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <array>
#include <concepts>
#include <cstddef>

namespace varve {

/// A cryptographic hash, for state roots and manifests.
///
/// Expression      Semantics
/// H::name         its standard name, stored: "sha256"
/// H::size         bytes of a digest
/// H{}             the state of the empty message
/// h.update(b)     appends bytes to the message
/// h.finish()      the digest of the message so far; `h` may only be destroyed afterwards
template <class H>
concept Hasher = std::default_initializable<H> && requires(H hasher, BytesView bytes) {
  { H::name } -> std::convertible_to<BytesView>;
  { H::size } -> std::convertible_to<std::size_t>;
  { hasher.update(bytes) } -> std::same_as<void>;
  { hasher.finish() } -> std::same_as<std::array<std::byte, H::size>>;
};

/// The loud twin of `Hasher`.
template <class H>
consteval bool assert_hasher() {
  static_assert(std::default_initializable<H>, "a Hasher is default constructible");
  static_assert(
      requires {
        { H::name } -> std::convertible_to<BytesView>;
        { H::size } -> std::convertible_to<std::size_t>;
      }, "a Hasher has `name` and `size`, the bytes of a digest");
  static_assert(
      requires(H hasher, BytesView bytes) {
        { hasher.update(bytes) } -> std::same_as<void>;
      }, "a Hasher has update(BytesView)");
  static_assert(
      requires(H hasher) {
        { hasher.finish() } -> std::same_as<std::array<std::byte, H::size>>;
      }, "a Hasher has finish() that returns std::array<std::byte, size>");
  return Hasher<H>;
}

}  // namespace varve
