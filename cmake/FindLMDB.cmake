# SPDX-License-Identifier: Apache-2.0
#
# Gives LMDB::LMDB, wherever LMDB comes from: Conan (lmdb::lmdb), vcpkg (unofficial::lmdb::lmdb) or
# the system's library. Ask for it with `find_package(LMDB MODULE)`.

include(FindPackageHandleStandardArgs)

if(NOT TARGET LMDB::LMDB)
  find_package(lmdb CONFIG QUIET)
  find_package(unofficial-lmdb CONFIG QUIET)
  if(TARGET lmdb::lmdb)
    set(LMDB_TARGET lmdb::lmdb)
  elseif(TARGET unofficial::lmdb::lmdb)
    set(LMDB_TARGET unofficial::lmdb::lmdb)
  else()
    find_path(LMDB_INCLUDE_DIR lmdb.h)
    find_library(LMDB_LIBRARY lmdb)
    mark_as_advanced(LMDB_INCLUDE_DIR LMDB_LIBRARY)
    if(LMDB_INCLUDE_DIR AND LMDB_LIBRARY)
      set(LMDB_TARGET "${LMDB_LIBRARY}")
    endif()
  endif()

  if(LMDB_TARGET)
    add_library(LMDB::LMDB INTERFACE IMPORTED)
    target_link_libraries(LMDB::LMDB INTERFACE "${LMDB_TARGET}")
    if(LMDB_INCLUDE_DIR)
      target_include_directories(LMDB::LMDB SYSTEM INTERFACE "${LMDB_INCLUDE_DIR}")
    endif()
  endif()
endif()

if(TARGET LMDB::LMDB AND NOT LMDB_TARGET)
  set(LMDB_TARGET LMDB::LMDB)
endif()
find_package_handle_standard_args(
  LMDB
  REQUIRED_VARS LMDB_TARGET
  REASON_FAILURE_MESSAGE
    "install liblmdb-dev (Debian, Ubuntu) or lmdb (Conan, vcpkg), or set VARVE_WITH_LMDB=OFF")
