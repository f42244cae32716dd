// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace varve {

/// The direction of a scan over the keys of a range.
enum class Order : std::uint8_t { ascending, descending };

}  // namespace varve
