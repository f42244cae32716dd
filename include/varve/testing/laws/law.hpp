// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/broken_law.hpp>
#include <varve/testing/laws/support.hpp>

#include <exception>
#include <optional>
#include <string>

namespace varve::testing::detail {

/// A law about what `Arguments` are: `run` throws `Broken`.
template <class... Arguments>
struct Law {
  const char* number;
  const char* sentence;
  void (*run)(Arguments... arguments);
};

/// Runs one law after another. An exception where none belongs breaks the law too.
template <class Laws, class... Arguments>
[[nodiscard]] std::optional<BrokenLaw> first_broken(const Laws& laws, Arguments&... arguments) {
  for (const auto& law : laws) {
    try {
      law.run(arguments...);
    } catch (const Broken& broken) {
      return BrokenLaw{law.number, law.sentence, broken.evidence};
    } catch (const std::exception& error) {
      return BrokenLaw{law.number, law.sentence, std::string("it threw ") + error.what()};
    }
  }
  return std::nullopt;
}

}  // namespace varve::testing::detail
