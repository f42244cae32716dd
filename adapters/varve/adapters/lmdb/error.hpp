// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/support/system_error.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <lmdb.h>

#include <cerrno>
#include <string>
#include <utility>

namespace varve::lmdb {

inline constexpr BytesView engine_name = "lmdb";

/// What a code of LMDB means to a program. Codes above zero are those of `errno`.
[[nodiscard]] constexpr ErrorKind kind_of(int code) noexcept {
  switch (code) {
    case MDB_MAP_FULL: return ErrorKind::no_space;
    case MDB_READERS_FULL: return ErrorKind::busy;
    case MDB_PANIC: return ErrorKind::poisoned;
    case MDB_VERSION_MISMATCH: return ErrorKind::not_supported;
    case MDB_BAD_VALSIZE:
    case MDB_DBS_FULL:
    case MDB_INCOMPATIBLE:
    case MDB_TXN_FULL: return ErrorKind::invalid_argument;
    case MDB_CORRUPTED:
    case MDB_CURSOR_FULL:
    case MDB_INVALID:
    case MDB_KEYEXIST:
    case MDB_NOTFOUND:
    case MDB_PAGE_FULL:
    case MDB_PAGE_NOTFOUND: return ErrorKind::corruption;
    default: return code > 0 ? support::kind_of_errno(code) : ErrorKind::io;
  }
}

/// What to do about a code of LMDB.
[[nodiscard]] constexpr BytesView advice_on(int code) noexcept {
  switch (code) {
    case MDB_MAP_FULL:
      return "the memory map is full and could not grow; release held values, scans and snapshots, "
             "or open the store with a larger LmdbOptions::map_bytes";
    case MDB_READERS_FULL:
      return "all reader slots are in use; release held values, scans and snapshots, or open the "
             "store with more LmdbOptions::max_readers";
    case MDB_PANIC:
      return "an earlier write failed so that LMDB refuses everything; open the store anew";
    case MDB_VERSION_MISMATCH:
      return "the files were written by another version of LMDB; 0.9 and 1.0 cannot read each "
             "other's files: dump them with the mdb_dump of the version that wrote them and load "
             "the dump with the mdb_load of this one";
    case MDB_INVALID:
      return "data.mdb is not an LMDB file that this version of LMDB can read, or its head is "
             "damaged; where LMDB 1.0 wrote it and this is 0.9, or the reverse, dump and load it "
             "with the mdb_dump and mdb_load of the two versions, else restore a backup";
    case MDB_DBS_FULL:
      return "the store has as many trees as it was opened for; open it with a larger "
             "LmdbOptions::max_trees";
    case MDB_INCOMPATIBLE:
      return "a database of this name was made by another program with flags that a tree has not";
    case MDB_TXN_FULL:
      return "the batch changes more pages than LMDB takes in one transaction; split it";
    case MDB_BAD_VALSIZE: return "a key or value has a size that LMDB does not take";
    case MDB_MAP_RESIZED:
      return "another process enlarged the files; only one process may use a store";
    case MDB_CORRUPTED:
    case MDB_CURSOR_FULL:
    case MDB_KEYEXIST:
    case MDB_NOTFOUND:
    case MDB_PAGE_FULL:
    case MDB_PAGE_NOTFOUND: return "the files are damaged; restore a backup";
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return "the disk, a quota or the file size limit is full; make room and try again";
    case ENOMEM: return "no memory or address space is left";
    default: return "LMDB or the system failed";
  }
}

/// LMDB's own words for a code.
[[nodiscard]] inline std::string text_of(int code) {
  return code > 0 ? support::errno_text(code) : mdb_strerror(code);
}

/// The `Error` for a code of LMDB; the message is the advice on the code unless one is given.
[[nodiscard, gnu::cold]] inline Error engine_error(int code, BytesView operation,
                                                   std::string tree = {},
                                                   std::string message = {}) {
  if (message.empty()) message = advice_on(code);
  return {kind_of(code),
          {.message = std::move(message),
           .operation = std::string(operation),
           .tree = std::move(tree),
           .layer = std::string(engine_name),
           .engine_code = code,
           .engine_text = text_of(code)}};
}

/// An `Error` that LMDB knows nothing of.
[[nodiscard, gnu::cold]] inline Error adapter_error(ErrorKind kind, std::string message,
                                                    BytesView operation, std::string tree = {}) {
  return {kind,
          {.message = std::move(message),
           .operation = std::string(operation),
           .tree = std::move(tree),
           .layer = std::string(engine_name)}};
}

inline void check(int code, BytesView operation) {
  if (code != MDB_SUCCESS) [[unlikely]]
    throw engine_error(code, operation);
}

}  // namespace varve::lmdb
