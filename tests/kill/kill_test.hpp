// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/open.hpp>
#include <varve/testing/kill_loop.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <cstddef>
#include <cstdio>
#include <string>

namespace varve_test {

/// Kills writers to `Stack` so often, half of the times with durable writes: most of them in one
/// store that lives through them all, the others in stores that live through five. Prints what was
/// done.
template <class Stack, class... Options>
void survives_kills(const std::string& name, std::size_t kills, Options... options) {
  for (const auto durability : {varve::Durability::synced, varve::Durability::buffered}) {
    for (const std::size_t cycles_per_store : {std::size_t{0}, std::size_t{5}}) {
      const TempDirectory temp;
      const auto report = varve::testing::run_kill_loop(
          [&](const std::string& directory) { return varve::open<Stack>(directory, options...); },
          temp.path(),
          {.cycles = cycles_per_store == 0 ? kills * 3 / 8 : kills / 8,
           .cycles_per_store = cycles_per_store,
           .durability = durability});
      std::printf("figures: kill -9, %s, %s: %s\n", name.c_str(),
                  durability == varve::Durability::synced ? "durable" : "relaxed",
                  to_string(report).c_str());
      std::fflush(stdout);
      INFO(to_string(report));
      CHECK_FALSE(report.violation);
    }
  }
}

}  // namespace varve_test
