// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace varve::testing {

/// The seed in the environment variable VARVE_SEED, so that a random test is done again as it was;
/// a fresh one where it is not set.
[[nodiscard]] inline std::uint64_t seed_of_environment() {
  if (const char* const given = std::getenv("VARVE_SEED"); given != nullptr && *given != '\0') {
    char* end = nullptr;
    errno = 0;
    const std::uint64_t seed = std::strtoull(given, &end, 10);
    if (*end == '\0' && errno == 0 && *given != '-') return seed;
    throw Error(ErrorKind::invalid_argument,
                {.message = "VARVE_SEED is '" + std::string(given) +
                            "', which is not a decimal number below 2^64: unset it or give one",
                 .operation = "seed",
                 .layer = "testing"});
  }
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace varve::testing
