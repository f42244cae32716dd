// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/flatbuffers.hpp>

#include "fuzz/fuzz.hpp"

#include <cstddef>
#include <string>

#include "monster_generated.h"

namespace {

using samples::MonsterT;

/// How much of the table can be read.
std::size_t walk(const samples::Monster& monster) {
  std::size_t met = monster.name()->size() + static_cast<std::size_t>(monster.hit_points() != 0);
  if (const auto* const place = monster.place()) {
    met += static_cast<std::size_t>(place->x() > 0) + static_cast<std::size_t>(place->y() > 0);
  }
  if (const auto* const hoard = monster.hoard()) {
    for (const auto* const text : *hoard) met += text->str().size();
  }
  if (const auto* const numbers = monster.numbers()) {
    for (const auto number : *numbers) met += static_cast<std::size_t>(number & 1U);
  }
  if (const auto* const friends = monster.friends()) {
    for (const auto* const other : *friends) met += walk(*other);
  }
  return met;
}

}  // namespace

void fuzz(varve::BytesView input) {
  const std::size_t met = walk(*varve::FlatBuffers::view<MonsterT>(input));
  varve_test::expect(met <= input.size() * input.size(), "what is viewed is in the input");
  varve_test::fuzz_many_spellings<varve::FlatBuffers, MonsterT>(input);
}
