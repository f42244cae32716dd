// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/ordered.hpp>

#include "fuzz/fuzz.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

void fuzz(varve::BytesView input) {
  using std::optional, std::string, std::tuple;
  varve_test::fuzz_codec<varve::Ordered, bool, std::int64_t, double, string, optional<string>,
                         std::array<string, 2>,
                         tuple<string, varve::Descending<std::uint16_t>, optional<std::uint8_t>>,
                         tuple<varve::Descending<string>, optional<tuple<string, std::int8_t>>>>(
      input);
}
