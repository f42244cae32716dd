// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <cstdint>
#include <string>

namespace varve {

/// Over what a batch is all or nothing.
enum class Atomicity : std::uint8_t { store, shard };

/// The largest things an engine takes, in bytes. A breach is an `invalid_argument` that names the
/// limit, raised before anything is changed.
struct Limits {
  std::uint64_t max_key_bytes = 0;
  std::uint64_t max_value_bytes = 0;
  std::uint64_t max_batch_bytes = 0;  ///< of `WriteBatch::bytes()`
  Atomicity batch_atomicity = Atomicity::store;
};

/// Names of trees: 1 to 255 bytes, none below 0x20 and no 0x7F. Throws `invalid_argument`.
inline void check_tree_name(BytesView name, BytesView layer) {
  bool good = !name.empty() && name.size() <= 255;
  for (const char c : name) good = good && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  if (good) return;
  throw Error(
      ErrorKind::invalid_argument,
      {.message = "a tree's name is 1 to 255 bytes without control characters; this one has " +
                  std::to_string(name.size()) + " bytes",
       .operation = "open_tree",
       .layer = std::string(layer)});
}

}  // namespace varve
