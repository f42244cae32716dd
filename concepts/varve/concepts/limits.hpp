// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/write_batch.hpp>

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

/// What a batch is, its keys and its values. Throws `invalid_argument` where one is beyond the
/// limits.
inline void check_limits(const WriteBatch& batch, const Limits& limits, BytesView operation,
                         BytesView layer) {
  const auto check = [&](std::uint64_t size, std::uint64_t limit, const char* name) {
    if (size <= limit) return;
    throw Error(ErrorKind::invalid_argument,
                {.message = std::to_string(size) + " bytes are more than " + name + ", " +
                            std::to_string(limit),
                 .operation = std::string(operation),
                 .layer = std::string(layer)});
  };
  check(batch.bytes().size(), limits.max_batch_bytes, "max_batch_bytes");
  for (const WriteOp op : batch) {
    if (op.kind != WriteOpKind::put && op.kind != WriteOpKind::erase) continue;
    check(op.key.size(), limits.max_key_bytes, "max_key_bytes");
    check(op.value.size(), limits.max_value_bytes, "max_value_bytes");
  }
}

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
