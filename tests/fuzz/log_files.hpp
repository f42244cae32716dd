// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/wal/log_format.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace varve_test {

/// The segments that an input stands for: each begins where the magic of one stands.
inline std::vector<std::string> split_into_segments(varve::BytesView input) {
  std::vector<std::string> segments;
  while (!input.empty()) {
    const std::size_t next = input.find(varve::detail::segment_magic, 1);
    segments.emplace_back(input.substr(0, next));
    input.remove_prefix(segments.back().size());
  }
  return segments;
}

/// Lays them down in `directory` as the segments 1, 2 ...
template <class Files>
void put_log(Files& files, const std::string& directory, varve::BytesView input) {
  std::uint64_t number = 0;
  for (std::string& segment : split_into_segments(input)) {
    files[directory + "/" + varve::detail::segment_name(++number)] = std::move(segment);
  }
}

}  // namespace varve_test
