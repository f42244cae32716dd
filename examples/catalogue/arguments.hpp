// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace catalogue {

inline constexpr const char* usage =
    R"(Usage: catalogue [NAME] ['BEGINNING*'] [options]
       catalogue history VERB ...

Loads this machine's Debian package index (or the commits of a git repository) into a store, kills
the load and proves that nothing is lost or doubled, answers questions, shows what a cache makes of
them, does the same over other engines, and looks back at an earlier list. How to keep such a past
and to ask it by hand: `catalogue history --help`.

  NAME           the package, or commit, to ask about (git)
  'BEGINNING*'   the beginning of the names to list ('libstd*')
  --dir DIR      keep the stores below DIR, a new or empty directory (a temporary one)
  --keep         leave the stores there at the end
  --git DIR      take the commits of this repository for a source
  --limit N      load the first N packages or commits
  --quick        fewer kills and fewer measurements

Ends with 0 where every claim held, 1 where one did not, 2 where it could not run.
)";

struct Arguments {
  bool help = false;
  bool load_only = false;  ///< this process is the child that loads and is killed
  bool keep = false;
  bool quick = false;
  std::string name;
  std::string beginning;
  std::string directory;
  std::string git;
  std::size_t limit = 500'000;
};

/// Throws `std::invalid_argument` for what `usage` does not have.
[[nodiscard]] Arguments parse(const std::vector<std::string>& words);

/// The command by which this program loads into `directory` as a child of itself.
[[nodiscard]] std::vector<std::string> child_command(const Arguments& arguments,
                                                     const std::string& directory);

}  // namespace catalogue
