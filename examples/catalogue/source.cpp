// SPDX-License-Identifier: Apache-2.0
#include "source.hpp"

#include "process.hpp"

#include <filesystem>
#include <stdexcept>
#include <string>

namespace catalogue {

namespace {

/// The top of the git repository around `directory`; empty where there is none.
std::string repository_around(const std::string& directory) {
  std::string root;
  Process git({"git", "-C", directory, "rev-parse", "--show-toplevel"}, Process::Errors::hidden);
  const bool found = git.read_line(root);
  return found && git.wait().success() ? root : "";
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
  throw std::runtime_error(
      "there is nothing to load: this machine has no Debian package index (`apt-get update` "
      "fetches "
      "one), and neither the working directory nor this program lies in a git repository (--git "
      "DIR "
      "names one)");
}

}  // namespace catalogue
