# SPDX-License-Identifier: Apache-2.0
#
# What only the project's own builds want: a compiler cache and a fast linker, where they are there.

find_program(VARVE_CCACHE ccache)
if(VARVE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${VARVE_CCACHE}")
endif()

find_program(VARVE_LINKER NAMES mold lld)
if(VARVE_LINKER)
  cmake_path(GET VARVE_LINKER STEM varve_linker)
  add_link_options("-fuse-ld=${varve_linker}")
endif()
