# SPDX-License-Identifier: Apache-2.0

# varve_library(NAME name BASE directory EXPORT set LINKS targets... HEADERS files...
#               [FOREIGN_HEADERS files...])
#
# One header-only target, varve::<name>, whose headers are `files` below `directory`. It sees those
# headers, the standard library and what it links, and nothing else; the target
# all_verify_interface_header_sets compiles every header alone under exactly that view. The foreign
# headers are laid down too; each needs a library that only who includes it has to link.
function(varve_library)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;BASE;EXPORT" "LINKS;HEADERS;FOREIGN_HEADERS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "varve_library: unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(target "varve_${arg_NAME}")
  add_library(${target} INTERFACE)
  add_library(varve::${arg_NAME} ALIAS ${target})
  target_sources(${target} INTERFACE FILE_SET HEADERS BASE_DIRS "${arg_BASE}" FILES ${arg_HEADERS})
  set(file_sets FILE_SET HEADERS)
  if(arg_FOREIGN_HEADERS)
    target_sources(
      ${target} INTERFACE FILE_SET foreign TYPE HEADERS BASE_DIRS "${arg_BASE}"
                          FILES ${arg_FOREIGN_HEADERS})
    list(APPEND file_sets FILE_SET foreign)
    set_property(TARGET ${target} PROPERTY INTERFACE_HEADER_SETS_TO_VERIFY HEADERS)
  endif()
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_link_libraries(${target} INTERFACE ${arg_LINKS})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${arg_NAME})
  install(TARGETS ${target} EXPORT ${arg_EXPORT} ${file_sets})
  set_property(GLOBAL APPEND PROPERTY VARVE_EXPORTS ${arg_EXPORT})
endfunction()

# varve_verify_foreign(LIBRARY name BASE directory NEEDS targets... HEADERS files...)
#
# Has all_verify_interface_header_sets compile foreign headers alone as well, where what they need
# is here.
function(varve_verify_foreign)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "LIBRARY;BASE" "NEEDS;HEADERS")
  if(NOT CMAKE_VERIFY_INTERFACE_HEADER_SETS)
    return()
  endif()
  foreach(lib IN LISTS arg_NEEDS)
    if(NOT TARGET ${lib})
      message(STATUS "Left out: the headers of ${arg_LIBRARY} are NOT verified: they need ${lib}")
      return()
    endif()
  endforeach()
  set(target "varve_foreign_${arg_LIBRARY}")
  add_library(${target} INTERFACE)
  target_sources(${target} INTERFACE FILE_SET HEADERS BASE_DIRS "${arg_BASE}" FILES ${arg_HEADERS})
  target_link_libraries(${target} INTERFACE varve::varve ${arg_NEEDS})
endfunction()
