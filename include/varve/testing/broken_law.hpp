// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace varve::testing {

/// A law that an engine does not keep.
struct BrokenLaw {
  std::string number;    ///< as in docs/concepts: "KV12"
  std::string sentence;  ///< the law
  std::string evidence;  ///< what was seen instead
};

/// One line for people: "KV12 is broken: <the law> But: <what was seen>".
[[nodiscard]] inline std::string to_string(const BrokenLaw& law) {
  return law.number + " is broken: " + law.sentence + " But: " + law.evidence;
}

}  // namespace varve::testing
