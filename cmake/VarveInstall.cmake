# SPDX-License-Identifier: Apache-2.0
#
# What `cmake --install` lays down beside the headers: one package, `varve`, whose components are
# the engines.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(varve_package_directory "${CMAKE_INSTALL_DATADIR}/cmake/varve")

get_property(varve_exports GLOBAL PROPERTY VARVE_EXPORTS)
list(REMOVE_DUPLICATES varve_exports)
foreach(export IN LISTS varve_exports)
  install(
    EXPORT ${export}
    FILE ${export}.cmake
    NAMESPACE varve::
    DESTINATION "${varve_package_directory}")
endforeach()

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/varve-config.cmake.in" "${PROJECT_BINARY_DIR}/varve-config.cmake"
  INSTALL_DESTINATION "${varve_package_directory}"
  NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break what the one before it promised.
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/varve-config-version.cmake"
  COMPATIBILITY SameMinorVersion
  ARCH_INDEPENDENT)

install(
  FILES "${PROJECT_BINARY_DIR}/varve-config.cmake"
        "${PROJECT_BINARY_DIR}/varve-config-version.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/FindLMDB.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/FindRocksDB.cmake"
  DESTINATION "${varve_package_directory}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/varve")
