// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/crash_enumerator.hpp>

#include "catch.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace varve_test {

/// So many states a run of the tests, a small part of them where a sanitizer slows it down.
[[nodiscard]] constexpr std::uint64_t part_of_lane(std::uint64_t states) noexcept {
  return VARVE_SANITIZED ? states / 300 : states;
}

/// Enumerates crashes of random scripts, from the seed on, until so many states were judged. The
/// seeds are those of VARVE_SEED and after; without it always the same.
template <class Open>
void crash_lane(const std::string& name, Open open, std::uint64_t states,
                varve::testing::CrashOptions options = {.seed = 0}) {
  std::uint64_t seed =
      std::getenv("VARVE_SEED") != nullptr ? varve::testing::seed_of_environment() : 1;
  varve::testing::CrashReport all;
  for (; all.states < states && !all.failure; ++seed) {
    options.seed = seed;
    all += varve::testing::CrashEnumerator(open, options).run();
  }
  std::printf("figures: %s: %s (seeds to %llu)\n", name.c_str(), to_string(all).c_str(),
              static_cast<unsigned long long>(seed - 1));
  INFO((all.failure ? to_string(*all.failure) : std::string()));
  CHECK_FALSE(all.failure);
}

}  // namespace varve_test
