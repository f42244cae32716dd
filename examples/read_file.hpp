// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace examples {

/// What a file holds; unpacked by `zstd` where its name ends in ".zst". Throws
/// `std::runtime_error`.
inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("the file '" + path + "' cannot be read");
  if (!path.ends_with(".zst")) return {std::istreambuf_iterator<char>(file), {}};
  std::FILE* const pipe = ::popen(("zstd -dc '" + path + "'").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("zstd cannot be started");
  std::string text;
  std::array<char, 1 << 16> some{};
  while (const std::size_t size = std::fread(some.data(), 1, some.size(), pipe)) {
    text.append(some.data(), size);
  }
  if (::pclose(pipe) != 0) throw std::runtime_error("zstd could not unpack '" + path + "'");
  return text;
}

}  // namespace examples
