// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail {

/// Some of the keys that come by, about as far from each other, however many
/// come.
class KeySample {
 public:
  void add(BytesView key) {
    if (seen_++ % stride_ != 0) return;
    keys_.emplace_back(key);
    if (keys_.size() != most) return;
    for (std::size_t i = 0; i != most / 2; ++i) keys_[i] = std::move(keys_[2 * i]);
    keys_.resize(most / 2);
    stride_ *= 2;
  }

  /// Each once, in order.
  [[nodiscard]] std::vector<std::string> sorted() const {
    std::vector<std::string> keys = keys_;
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
  }

 private:
  static constexpr std::size_t most = 64;

  std::vector<std::string> keys_;
  std::uint64_t seen_ = 0;
  std::uint64_t stride_ = 1;
};

}  // namespace varve::detail
