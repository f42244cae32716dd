// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/any/fixture.hpp>
#include <varve/testing/laws/support.hpp>
#include <varve/testing/model/run.hpp>
#include <varve/testing/model/script_text.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <variant>

namespace varve::testing::detail {

/// Where an engine and the model differ.
struct Difference {
  std::size_t at = 0;  ///< the operation's place in the script, or the script's size for its end
  std::string sentence;
};

[[nodiscard]] inline std::optional<Difference> run_script(const Script& script,
                                                          AnyFixture& fixture) {
  Difference difference;
  const auto failed = [&](const std::string& evidence) {
    const bool end = difference.at == script.size();
    difference.sentence = (end ? std::string("at the end")
                               : "operation " + std::to_string(difference.at + 1) + ", `" +
                                     to_string(script[difference.at]) + "`") +
                          ": " + evidence;
    return difference;
  };
  try {
    ModelRun run(fixture);
    for (; difference.at < script.size(); ++difference.at) std::visit(run, script[difference.at]);
    run.finish();
  } catch (const Broken& broken) {
    return failed(broken.evidence);
  } catch (const std::exception& error) {
    return failed(std::string("it threw ") + error.what());
  }
  return std::nullopt;
}

}  // namespace varve::testing::detail
