// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "item.hpp"

#include <cstddef>
#include <string>

namespace catalogue {

/// The first `limit` packages of this machine's Debian package index, as `apt-cache dumpavail`
/// prints it; none where there is no such index.
[[nodiscard]] Source read_debian(std::size_t limit);

/// What this machine's package index has of the release itself, before its updates; nothing where
/// there is no such list.
[[nodiscard]] Source read_release();

/// The packages of a list: a file `Packages` as archives have it, compressed or not. Throws
/// `std::runtime_error` where there are none.
[[nodiscard]] Source read_packages(const std::string& file);

/// How those call their things.
[[nodiscard]] const Words& package_words() noexcept;

/// The newest `limit` commits of the git repository at `directory`. Throws `std::runtime_error`
/// where there is none.
[[nodiscard]] Source read_git(const std::string& directory, std::size_t limit);

/// The repository `git` if it is named; else the package index; else the repository around the
/// working directory, or around this program; else packages that are made up.
[[nodiscard]] Source read_source(const std::string& git, std::size_t limit);

}  // namespace catalogue
