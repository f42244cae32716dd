# SPDX-License-Identifier: Apache-2.0
#
# Gives RocksDB::RocksDB, wherever RocksDB comes from: its own CMake package (Conan, vcpkg, most
# distributions; the shared library is preferred) or the system's library alone, where that package
# is absent or asks for compression libraries that a user of the shared library does not need.
# Ask for it with `find_package(RocksDB MODULE)`.

include(FindPackageHandleStandardArgs)

if(NOT TARGET RocksDB::RocksDB)
  # Its package may lack a dependency, which is no reason to stop: the library itself is asked next.
  set(varve_required "${RocksDB_FIND_REQUIRED}")
  set(RocksDB_FIND_REQUIRED FALSE)
  find_package(RocksDB CONFIG QUIET)
  set(RocksDB_FIND_REQUIRED "${varve_required}")
  unset(varve_required)
  if(TARGET RocksDB::rocksdb-shared)
    set(RocksDB_TARGET RocksDB::rocksdb-shared)
  elseif(TARGET RocksDB::rocksdb)
    set(RocksDB_TARGET RocksDB::rocksdb)
  else()
    find_path(RocksDB_INCLUDE_DIR rocksdb/db.h)
    find_library(RocksDB_LIBRARY rocksdb)
    mark_as_advanced(RocksDB_INCLUDE_DIR RocksDB_LIBRARY)
    if(RocksDB_INCLUDE_DIR AND RocksDB_LIBRARY)
      set(RocksDB_TARGET "${RocksDB_LIBRARY}")
    endif()
  endif()

  if(RocksDB_TARGET)
    add_library(RocksDB::RocksDB INTERFACE IMPORTED)
    target_link_libraries(RocksDB::RocksDB INTERFACE "${RocksDB_TARGET}")
    if(RocksDB_INCLUDE_DIR)
      target_include_directories(RocksDB::RocksDB SYSTEM INTERFACE "${RocksDB_INCLUDE_DIR}")
    endif()
  endif()
endif()

if(TARGET RocksDB::RocksDB AND NOT RocksDB_TARGET)
  set(RocksDB_TARGET RocksDB::RocksDB)
endif()
find_package_handle_standard_args(
  RocksDB
  REQUIRED_VARS RocksDB_TARGET
  REASON_FAILURE_MESSAGE
    "install librocksdb-dev (Debian, Ubuntu), rocksdb (Conan, vcpkg) or set VARVE_WITH_ROCKSDB=OFF")
