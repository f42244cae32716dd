# SPDX-License-Identifier: Apache-2.0

# varve_library(NAME name BASE directory EXPORT set LINKS targets... HEADERS files...)
#
# One header-only target, varve::<name>, whose headers are `files` below `directory`. It sees those
# headers, the standard library and what it links, and nothing else; the target
# all_verify_interface_header_sets compiles every header alone under exactly that view.
function(varve_library)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;BASE;EXPORT" "LINKS;HEADERS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "varve_library: unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(target "varve_${arg_NAME}")
  add_library(${target} INTERFACE)
  add_library(varve::${arg_NAME} ALIAS ${target})
  target_sources(${target} INTERFACE FILE_SET HEADERS BASE_DIRS "${arg_BASE}" FILES ${arg_HEADERS})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_link_libraries(${target} INTERFACE ${arg_LINKS})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${arg_NAME})
  install(TARGETS ${target} EXPORT ${arg_EXPORT} FILE_SET HEADERS)
  set_property(GLOBAL APPEND PROPERTY VARVE_EXPORTS ${arg_EXPORT})
endfunction()
