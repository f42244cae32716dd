// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/migration.hpp>

#include <cstdint>

namespace varve {

/// Whether a step can be taken back, and if not, what it loses.
struct Loss {
  bool lossy = false;
  BytesView reason{};  ///< for the operator who has to accept it; empty of a lossless step
};

/// Of a step whose every record can be computed back from what the step made of it.
inline constexpr Loss lossless{};

/// Of a step that takes something away for good: "cumulative_work: it can be computed again".
[[nodiscard]] consteval Loss lossy(BytesView reason) {
  return {true, reason};
}

/// When a step changes the records of a store.
enum class Pace : std::uint8_t {
  eager,  ///< all of them, before the store opens
  lazy,   ///< each when it is written again; until then it is converted when it is read
};
inline constexpr Pace eager = Pace::eager;
inline constexpr Pace lazy = Pace::lazy;

/// The base of a step of a schema, from version `From` to the next. A step must have a
/// `description`, one line for the operator, and overrides of these what it needs.
///
/// What it does is a list, `using Actions = varve::Actions<...>` (actions.hpp). A step that
/// rewrites the records of one tree can say so in fewer words: `Tree`, `In`, `Out`, `convert` and,
/// where it is lossless, `invert`.
template <std::uint32_t From, std::uint32_t To>
struct Step {
  static_assert(From >= 1, "the versions of a schema begin with 1");
  static_assert(To == From + 1,
                "a step leads from a version to the next one: Step<1, 2>, then Step<2, 3>");

  static constexpr std::uint32_t from = From;
  static constexpr std::uint32_t to = To;
  /// `lossless`, which asks for an inverse of each conversion, or `lossy("why")`.
  static constexpr Loss loss = lossless;
  /// `lazy` where records are to be converted as they are read: the store then opens at once, and
  /// `scrub` rewrites what is left, in the background. It is no part of what the step means: a
  /// released step may be made lazy, or eager.
  static constexpr Pace pace = eager;
  /// Whether every index of a table gives the same entries for what a conversion makes of a record
  /// as it gave for the record. The indexes of rewritten tables are else built anew.
  static constexpr bool keeps_indexes = false;
  /// Raised by hand when what a released step does is mended: a store that an earlier revision
  /// brought here is told from one that this one did.
  static constexpr std::uint32_t revision = 1;
};

}  // namespace varve
