// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace catalogue {

/// What is known of a thing beside its name.
struct Facts {
  std::string version;
  std::string section;
  std::string summary;
  std::uint64_t size = 0;

  friend bool operator==(const Facts&, const Facts&) = default;
};

/// One thing of the catalogue, a package or a commit, and what it needs: groups of alternatives, as
/// in "libc6 (>= 2.34)" or "default-mta | mail-transport-agent".
struct Item {
  std::string name;
  Facts facts;
  std::vector<std::string> needs;
};

/// How a source calls its things. The first three are the names of the trees.
struct Words {
  std::string_view things;
  std::string_view needs;
  std::string_view needed_by;
  std::string_view thing;      ///< one of them
  std::string_view group;      ///< one group of what it needs, in the plural
  std::string_view size;       ///< what `Facts::size` measures
  std::string_view size_unit;  ///< ... and in what
};

/// All things, in the order in which their source gives them.
struct Source {
  std::string origin;  ///< in words
  Words words;
  std::vector<Item> items;
};

}  // namespace catalogue
