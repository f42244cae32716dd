// SPDX-License-Identifier: Apache-2.0
#include "source.hpp"

#include "process.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <utility>

namespace catalogue {

namespace {

/// The top of the git repository around `directory`; empty where there is none.
std::string repository_around(const std::string& directory) {
  std::string root;
  Process git({"git", "-C", directory, "rev-parse", "--show-toplevel"}, Process::Errors::hidden);
  const bool found = git.read_line(root);
  return found && git.wait().success() ? root : "";
}

/// Packages of which each needs some that stand before it.
Source made_packages(std::size_t limit) {
  Source source{.origin =
                    "packages that are made up: neither a package index nor a git repository "
                    "is here (--git DIR names one)",
                .words = package_words(),
                .items = {}};
  std::mt19937_64 random(1);
  for (std::uint64_t i = 0; i < std::min<std::size_t>(limit, 20'000); ++i) {
    const auto name = [](std::uint64_t number) { return "package-" + std::to_string(number); };
    Item item{.name = name(i),
              .facts = {.version = "1." + std::to_string(random() % 100),
                        .section = "misc",
                        .summary = "the package number " + std::to_string(i),
                        .size = random() % 100'000},
              .needs = {}};
    for (std::uint64_t needs = i == 0 ? 0 : random() % 8; needs > 0; --needs) {
      item.needs.push_back(name(random() % i) + " (>= 1.0)");
    }
    source.items.push_back(std::move(item));
  }
  return source;
}

}  // namespace

Source read_source(const std::string& git, std::size_t limit) {
  if (!git.empty()) return read_git(git, limit);
  Source packages = read_debian(limit);
  if (!packages.items.empty()) return packages;
  for (const auto& directory : {std::filesystem::current_path(), own_path().parent_path()}) {
    const std::string root = repository_around(directory.string());
    if (!root.empty()) return read_git(root, limit);
  }
  return made_packages(limit);
}

}  // namespace catalogue
