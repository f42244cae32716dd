// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "source.hpp"
#include "terminal.hpp"

#include <string>
#include <vector>

namespace catalogue {

/// A chapter: an earlier list and today's are taken in one after the other, each as a height; what
/// changed, what something looked like then, roots, a proof, and the update taken back. `name` is
/// what to look at; where it is empty, or did not change, another is chosen.
void show_history(Terminal& terminal, const Source& today, const std::string& name,
                  const std::string& directory);

/// `catalogue history VERB ...`, with the words behind "history": the same by hand, in a store that
/// stays. Answers the exit code.
int history(const std::vector<std::string>& words);

}  // namespace catalogue
