// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <concepts>
#include <cstdint>

namespace varve {

/// One step of a schema: the literal versions that it leads from and to, and a description.
/// docs/concepts/migration.md.
template <class M>
concept Migration = requires {
  { M::from } -> std::convertible_to<std::uint32_t>;
  { M::to } -> std::convertible_to<std::uint32_t>;
  { M::description } -> std::convertible_to<BytesView>;
  requires M::from >= 1 && M::to == M::from + 1;
};

/// A step that rewrites records one by one: a pure function of the record.
template <class M>
concept RecordMigration = Migration<M> && requires(const typename M::In& record) {
  { M::convert(record) } -> std::same_as<typename M::Out>;
};

/// The loud twin of `Migration`.
template <class M>
consteval bool assert_migration() {
  static_assert(
      requires {
        { M::from } -> std::convertible_to<std::uint32_t>;
        { M::to } -> std::convertible_to<std::uint32_t>;
      }, "a Migration has literal versions `from` and `to`");
  static_assert(
      requires {
        { M::description } -> std::convertible_to<BytesView>;
      }, "a Migration has `static constexpr auto description`, one line for the operator");
  static_assert(
      requires { requires M::from >= 1 && M::to == M::from + 1; },
      "a Migration leads from a version, 1 or above, to the next one");
  return Migration<M>;
}

}  // namespace varve
