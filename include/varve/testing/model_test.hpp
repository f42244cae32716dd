// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/any/fixture.hpp>
#include <varve/testing/fixture.hpp>
#include <varve/testing/model/random_script.hpp>
#include <varve/testing/model/run_script.hpp>
#include <varve/testing/model/script_text.hpp>
#include <varve/testing/model/simplify.hpp>
#include <varve/testing/seed.hpp>
#include <varve/testing/shrink.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace varve::testing {

struct ModelOptions {
  /// Of the random numbers. The one in the environment variable VARVE_SEED, or a fresh one.
  std::uint64_t seed = seed_of_environment();
  std::size_t operations = 2000;
  /// How often a failing script is tried, each time on a fresh engine, to make it shorter.
  std::size_t tries = 2000;
};

/// An engine that does not do as a `std::map` does.
struct ModelFailure {
  std::uint64_t seed = 0;
  std::string sentence;        ///< where the two differ, and how
  std::string script;          ///< the shortest one found; `replay` runs it
  std::size_t operations = 0;  ///< of the script
};

/// The sentence, the seed and the script, for people.
[[nodiscard]] inline std::string to_string(const ModelFailure& failure) {
  return failure.sentence + "\n# seed " + std::to_string(failure.seed) +
         ", the same again with VARVE_SEED=" + std::to_string(failure.seed) +
         "; or replay this script:\n" + failure.script;
}

namespace detail {

[[nodiscard]] inline std::optional<ModelFailure> run_model_test(AnyFixture& fixture,
                                                                const ModelOptions& options) {
  Script script = random_script(options.seed, options.operations, fixture.make()->limits());
  auto difference = run_script(script, fixture);
  if (!difference) return std::nullopt;
  std::size_t tries = options.tries;
  const auto fails = [&](const Script& candidate) {
    if (tries == 0) return false;
    --tries;
    auto found = run_script(candidate, fixture);
    if (!found) return false;
    difference = std::move(found);
    return true;
  };
  if (difference->at < script.size()) script.resize(difference->at + 1);
  script = simplify(shrink(std::move(script), fails), fails);
  return ModelFailure{options.seed, difference->sentence, to_string(script), script.size()};
}

}  // namespace detail

/// Does random operations to an engine of the fixture and to a `std::map` alike, compares all
/// answers, and makes what fails as short as it can: batches on several trees, trees that come and
/// go, every kind of scan, and snapshots, scans and pinned values that are held while the contents
/// change. What the engine or the fixture cannot do is left out.
template <Fixture F>
[[nodiscard]] std::optional<ModelFailure> run_model_test(F& fixture, ModelOptions options = {}) {
  detail::FixtureBehind<F> any(fixture);
  return detail::run_model_test(any, options);
}

/// Runs a script that a `ModelFailure` gave, and answers the sentence of where the engine and the
/// model differ. Throws `invalid_argument` where the text is no script.
template <Fixture F>
[[nodiscard]] std::optional<std::string> replay(BytesView script, F& fixture) {
  detail::FixtureBehind<F> any(fixture);
  const auto difference = detail::run_script(parse_script(script), any);
  if (!difference) return std::nullopt;
  return difference->sentence;
}

}  // namespace varve::testing
