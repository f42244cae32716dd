// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/chain.hpp>

#include <cstdint>

namespace varve {

namespace detail {

template <std::uint32_t version, class Taken, class Left>
struct StepsUpTo;
template <std::uint32_t version, class... T, class S, class... Rest>
struct StepsUpTo<version, StepList<T...>, StepList<S, Rest...>>
    : StepsUpTo<version, StepList<T..., S>, StepList<Rest...>> {};
template <std::uint32_t version, class... T>
struct StepsUpTo<version, StepList<T...>, StepList<>> {
  using type = MigrationChain<T...>;
};
template <std::uint32_t version, class... T, class S, class... Rest>
  requires(S::to > version)
struct StepsUpTo<version, StepList<T...>, StepList<S, Rest...>> {
  using type = MigrationChain<T...>;
};

template <class Chain, std::uint32_t version>
struct ChainPart {
  static_assert(version > Chain::oldest && version <= Chain::latest,
                "no step of the chain leads to this version");
  using type = typename StepsUpTo<version, StepList<>, typename Chain::Steps>::type;
};

}  // namespace detail

/// The steps of `Chain` up to `version`: the schema of a store that is left on
/// that version, whose records `Evolving<ChainUpTo<Chain, version>, Tree>`
/// reads and writes.
template <class Chain, std::uint32_t version>
using ChainUpTo = typename detail::ChainPart<Chain, version>::type;

}  // namespace varve
