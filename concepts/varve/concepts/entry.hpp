// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

namespace varve {

/// One record met by a scan. Both views are valid until the scan moves or ends.
struct Entry {
  BytesView key;
  BytesView value;

  friend bool operator==(const Entry&, const Entry&) = default;
};

}  // namespace varve
