// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <varve/version.hpp>

#include <string>

TEST_CASE("version.hpp: the headers and the build state the same version") {
  const std::string stated = std::to_string(varve::version_major) + "." +
                             std::to_string(varve::version_minor) + "." +
                             std::to_string(varve::version_patch);
  CHECK(stated == VARVE_BUILD_VERSION);
}
