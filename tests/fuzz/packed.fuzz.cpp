// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/packed.hpp>

#include "fuzz/fuzz.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace {

struct Line {
  std::string text;
  std::uint32_t number;
  std::optional<double> weight;
};
struct Page {
  std::uint64_t id;
  std::vector<Line> lines;
  std::array<std::uint16_t, 3> sizes;
  std::map<std::string, std::vector<std::uint8_t>> notes;
  std::variant<bool, std::string, Line> what;
};

}  // namespace

void fuzz(varve::BytesView input) {
  using std::map, std::string, std::vector;
  varve_test::fuzz_codec<varve::Packed, bool, std::int64_t, string, vector<std::uint32_t>,
                         vector<vector<string>>, map<string, std::int8_t>, Line, Page>(input);
  varve_test::takes([&] {
    const auto page = varve::Packed::view<Page>(input);
    std::size_t bytes = page.get<&Page::notes>().size();
    for (const auto& line : page.get<&Page::lines>()) {
      bytes += line.get<&Line::text>().size();
    }
    varve_test::expect(bytes <= input.size(), "what is viewed is in the input");
  });
}
