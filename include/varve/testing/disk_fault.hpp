// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <cstdint>
#include <optional>

namespace varve::testing {

/// What a disk is asked to do. All but `read` change it and are counted.
enum class DiskOperation : std::uint8_t {
  create,
  write,
  write_through,
  truncate,
  sync,
  rename,
  remove,
  create_directory,
  sync_directory,
  read,
};

[[nodiscard]] constexpr BytesView to_string(DiskOperation operation) noexcept {
  switch (operation) {
    case DiskOperation::create: return "create";
    case DiskOperation::write: return "write";
    case DiskOperation::write_through: return "write_through";
    case DiskOperation::truncate: return "truncate";
    case DiskOperation::sync: return "sync";
    case DiskOperation::rename: return "rename";
    case DiskOperation::remove: return "remove";
    case DiskOperation::create_directory: return "create_directory";
    case DiskOperation::sync_directory: return "sync_directory";
    case DiskOperation::read: return "read";
  }
  return "unknown";
}

/// A failure that is planned. A failed write may be there in part, and a failed sync of a file
/// loses what it should have put on disk: later syncs pass it over, and a crash may leave it or
/// not. What else fails does nothing; the names of a directory stay to be synced.
struct DiskFault {
  std::uint64_t at = 1;                      ///< the number of the operation that fails, from 1
  std::optional<DiskOperation> operation{};  ///< counts only these; none: all that change the disk
  ErrorKind error = ErrorKind::io;
  bool for_ever = false;  ///< and all that are counted after it
};

}  // namespace varve::testing
