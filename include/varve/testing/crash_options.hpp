// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/seed.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace varve::testing {

struct CrashOptions {
  std::uint64_t seed = seed_of_environment();
  std::size_t operations = 24;     ///< of a random script
  std::size_t variants = 16;       ///< shapes of a crash at each operation of the run
  std::size_t inner_variants = 2;  ///< and at each operation of a recovery
  std::size_t depth = 2;           ///< 1: the power does not go inside recoveries
  std::size_t fault_variants = 4;  ///< shapes at each operation after a failure; 0: none fails
  std::uint64_t most_states = 0;   ///< enough; 0: all
  bool stop_at_first = true;       ///< at the first thing that goes wrong
  std::size_t tries = 200;         ///< runs spent on a shorter script
  std::string probe_key = "k0";    ///< what is written after a recovery: as long as the records
  std::string probe_value = "zz";  ///< of the script, so that it fits into the place of a lost one

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("seed", seed);
    visit("operations", operations);
    visit("variants", variants);
    visit("inner_variants", inner_variants);
    visit("depth", depth);
    visit("fault_variants", fault_variants);
    visit("most_states", most_states);
    visit("stop_at_first", stop_at_first);
    visit("tries", tries);
    visit("probe_key", probe_key);
    visit("probe_value", probe_value);
  }
};

}  // namespace varve::testing
