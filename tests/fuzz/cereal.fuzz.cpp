// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/cereal.hpp>

#include "fuzz/fuzz.hpp"

#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace {

struct Node {
  std::uint8_t value = 0;
  std::unique_ptr<Node> next;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(value, next);
  }
};

struct Page {
  bool open = false;
  std::int64_t born = 0;
  std::vector<std::string> lines;
  std::vector<std::uint32_t> numbers;
  std::map<std::string, std::vector<std::uint16_t>> notes;
  std::optional<double> weight;
  std::variant<std::uint8_t, std::string> what;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(open, born, lines, numbers, notes, weight, what);
  }
};

}  // namespace

void fuzz(varve::BytesView input) {
  varve_test::fuzz_many_spellings<varve::Cereal, std::string, std::vector<std::uint64_t>,
                                  std::vector<std::vector<bool>>, Node, Page>(input);
}
