// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

namespace varve {

/// A policy of a `Cached` layer: whether small records live in sets, admitted by frequency.
template <class P>
concept CachePolicy = requires {
  { P::sets } -> std::convertible_to<bool>;
};

/// Keeps what is asked for often: a first-in window, sets with CLOCK, and a sketch of frequencies
/// that admits. Reads take no lock. Records too large for a set go by `Lru`.
struct Frequent {
  static constexpr bool sets = true;
};

/// Keeps what was asked for last, in sixteen shards with a lock each.
struct Lru {
  static constexpr bool sets = false;
};

}  // namespace varve
