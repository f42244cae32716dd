// SPDX-License-Identifier: Apache-2.0
#pragma once

// Catch2 2.13 (Debian) and 3 (Conan, vcpkg) alike. What the two name differently has its one name
// in `varve_test`.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#define VARVE_TEST_CATCH2 3
#else
#include <catch2/catch.hpp>
#define VARVE_TEST_CATCH2 2
#endif

#include <string>

#include "sanitized.hpp"

// The stacks that a test is instantiated for. Under a sanitizer each can cost the compiler a
// minute, so that its lanes take the first of a list; every engine has tests of its own there.
#if VARVE_SANITIZED
#define VARVE_STACKS_OF_LANE(first, ...) first
#else
#define VARVE_STACKS_OF_LANE(...) __VA_ARGS__
#endif

namespace varve_test {

#if VARVE_TEST_CATCH2 == 3
using Approx = Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
#else
using Approx = Catch::Detail::Approx;
inline auto ContainsSubstring(const std::string& text) {
  return Catch::Matchers::Contains(text);
}
inline auto StartsWith(const std::string& text) {
  return Catch::Matchers::StartsWith(text);
}
#endif

}  // namespace varve_test
