// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include <cerrno>
#include <cstdint>

namespace varve {

/// 64 bits from the system's source of randomness, fit for names that must not collide.
[[nodiscard]] inline std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  if (::getentropy(&bits, sizeof bits) == 0) return bits;
  throw Error(ErrorKind::io, {.message = "the system gave no random bytes",
                              .operation = "random_bits",
                              .engine_code = errno});
}

}  // namespace varve
