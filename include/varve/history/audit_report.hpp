// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/history/height.hpp>

#include <cstdint>
#include <string>

namespace varve {

/// What `Versioned::audit` found.
struct AuditReport {
  bool good = false;
  Height height;             ///< that was looked at: the latest
  std::uint64_t keys = 0;    ///< records that the root is to be of
  std::string difference{};  ///< what differs first, in a sentence; empty where all is good
  std::string tree{};        ///< of the first record that differs, where it is one
  std::string key{};
};

}  // namespace varve
