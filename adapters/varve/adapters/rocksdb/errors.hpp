// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <rocksdb/status.h>

#include <string>
#include <utility>

namespace varve::detail::rocks {

inline constexpr BytesView engine_name = "rocksdb";

[[nodiscard]] inline bool mentions(const rocksdb::Status& status, const char* words) {
  return status.ToString().find(words) != std::string::npos;
}

[[nodiscard]] inline ErrorKind kind_of(const rocksdb::Status& status) {
  switch (status.code()) {
    case rocksdb::Status::kCorruption: return ErrorKind::corruption;
    case rocksdb::Status::kNotSupported: return ErrorKind::not_supported;
    case rocksdb::Status::kNotFound:
    case rocksdb::Status::kColumnFamilyDropped:
    case rocksdb::Status::kInvalidArgument: return ErrorKind::invalid_argument;
    case rocksdb::Status::kBusy:
    case rocksdb::Status::kTryAgain:
    case rocksdb::Status::kTimedOut:
    case rocksdb::Status::kIncomplete: return ErrorKind::busy;
    default: break;
  }
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit) {
    return ErrorKind::no_space;
  }
  // RocksDB keeps the system's word for the rest, not its code.
  if (mentions(status, "lock hold") || mentions(status, "lock file")) return ErrorKind::busy;
  if (mentions(status, "Permission denied") || mentions(status, "Read-only file system") ||
      mentions(status, "Operation not permitted")) {
    return ErrorKind::read_only;
  }
  return ErrorKind::io;
}

[[nodiscard]] inline const char* advice(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::corruption:
      return "stored bytes are damaged; restore a backup, or open a copy of the files with "
             "RocksDB's own tools to save what is left";
    case ErrorKind::no_space: return "the disk is full; free some space";
    case ErrorKind::busy: return "the engine is busy with this; try again";
    case ErrorKind::read_only:
      return "the store's files may not be written by this process; mend their owner or mode";
    case ErrorKind::invalid_argument: return "RocksDB refuses the arguments";
    case ErrorKind::not_supported: return "this build of RocksDB cannot do it";
    default: return "the system failed an operation on the store's files";
  }
}

/// `status` as an `Error`.
[[nodiscard]] inline Error error(ErrorKind kind, const rocksdb::Status& status,
                                 const char* operation, std::string tree, std::string message) {
  return {kind,
          {.message = std::move(message),
           .operation = operation,
           .tree = std::move(tree),
           .layer = std::string(engine_name),
           .engine_code = static_cast<int>(status.code()),
           .engine_text = status.ToString()}};
}

[[noreturn, gnu::cold, gnu::noinline]] inline void fail(const rocksdb::Status& status,
                                                        const char* operation,
                                                        std::string tree = {}) {
  const ErrorKind kind = kind_of(status);
  throw error(kind, status, operation, std::move(tree), advice(kind));
}

inline void check(const rocksdb::Status& status, const char* operation, std::string tree = {}) {
  if (!status.ok()) fail(status, operation, std::move(tree));
}

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse(ErrorKind kind, std::string message,
                                                          const char* operation,
                                                          std::string tree = {}) {
  throw Error(kind, {.message = std::move(message),
                     .operation = operation,
                     .tree = std::move(tree),
                     .layer = std::string(engine_name)});
}

}  // namespace varve::detail::rocks
