# SPDX-License-Identifier: Apache-2.0

# Header-only: there is nothing to build twice.
set(VCPKG_BUILD_TYPE release)

# An overlay port of this source tree: the port stands in its folder `port`.
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH SOURCE_PATH)

vcpkg_check_features(
  OUT_FEATURE_OPTIONS FEATURE_OPTIONS
  FEATURES
    rocksdb VARVE_WITH_ROCKSDB
    lmdb VARVE_WITH_LMDB)

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    ${FEATURE_OPTIONS}
    -DVARVE_BUILD_TESTS=OFF
    -DVARVE_BUILD_EXAMPLES=OFF
    -DVARVE_BUILD_BENCHMARKS=OFF
    -DVARVE_BUILD_FUZZERS=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/varve)

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug" "${CURRENT_PACKAGES_DIR}/lib"
     "${CURRENT_PACKAGES_DIR}/share/doc" "${CURRENT_PACKAGES_DIR}/share/cmake")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
