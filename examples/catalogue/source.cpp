// SPDX-License-Identifier: Apache-2.0
#include "source.hpp"

#include "process.hpp"

#include <stdexcept>

namespace catalogue {

Source read_source(const std::string& git, std::size_t limit) {
  if (!git.empty()) return read_git(git, limit);
  Source packages = read_debian(limit);
  if (!packages.items.empty()) return packages;
  std::string root;
  Process found({"git", "rev-parse", "--show-toplevel"}, Process::Errors::hidden);
  if (found.read_line(root) && found.wait().success()) return read_git(root, limit);
  throw std::runtime_error(
      "there is nothing to load: this machine has no Debian package index (`apt-get update` "
      "fetches "
      "one), and the working directory is in no git repository (--git DIR names one)");
}

}  // namespace catalogue
