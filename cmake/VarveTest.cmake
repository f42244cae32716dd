# SPDX-License-Identifier: Apache-2.0

find_package(Catch2 3 QUIET)
if(NOT Catch2_FOUND)
  find_package(Catch2 2.13 REQUIRED)
endif()

# Catch2 3 brings its main with it. That of Catch2 2 costs as much as twenty tests: built once,
# without optimisation.
if(TARGET Catch2::Catch2WithMain)
  add_library(varve_catch ALIAS Catch2::Catch2WithMain)
else()
  add_library(varve_catch STATIC "${PROJECT_SOURCE_DIR}/tests/catch_main.cpp")
  target_compile_options(varve_catch PRIVATE -O0 -g0 -w)
  target_link_libraries(varve_catch PUBLIC Catch2::Catch2)
endif()

# Set by the presets of the sanitizers: their tests are named after the lane, and run with its
# environment.
set(VARVE_LANE "" CACHE STRING "A prefix for the names of the tests: 'asan', 'tsan'")
set(VARVE_LANE_ENVIRONMENT "" CACHE STRING "Environment of every test of the lane")
if(VARVE_LANE)
  set(varve_lane_prefix "${VARVE_LANE}:")
endif()

# varve_test(NAME path LIBS targets... [LABELS labels...] [LONG] [THREADS] [ONCE]
#            [TIMEOUT seconds])
#
# Builds tests/<path>.test.cpp against `targets` and makes of it the test <path>, which runs every
# test case that is not hidden. With LONG there is a second one, <path>.long, which runs the cases
# tagged [.long] and only under `ctest -C long`. THREADS says that the test has several threads: the
# lane of ThreadSanitizer builds no others. ONCE says that no lane of a sanitizer builds it, since
# others run there what it runs: it kills processes, goes over every engine again, or counts what a
# sanitizer changes. A test is left out, with a word, where one of its targets is not part of this
# build.
function(varve_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "LONG;THREADS;ONCE" "NAME;TIMEOUT" "LIBS;LABELS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_NAME)
    message(FATAL_ERROR "varve_test(NAME path LIBS targets... [LABELS labels...] [LONG] [THREADS] "
                        "[ONCE] [TIMEOUT seconds]), not '${ARGV}'")
  endif()
  if((VARVE_LANE STREQUAL "tsan" AND NOT arg_THREADS) OR (VARVE_LANE AND arg_ONCE))
    return()
  endif()
  foreach(lib IN LISTS arg_LIBS)
    if(lib MATCHES "::" AND NOT TARGET ${lib})
      message(STATUS "Left out: test ${arg_NAME}, which needs ${lib}")
      return()
    endif()
  endforeach()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()

  string(REPLACE "/" "." target "test.${arg_NAME}")
  add_executable(${target} "${PROJECT_SOURCE_DIR}/tests/${arg_NAME}.test.cpp")
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${target} PRIVATE varve_catch ${arg_LIBS})

  set(name "${varve_lane_prefix}${arg_NAME}")
  add_test(NAME ${name} COMMAND ${target})
  set_tests_properties(
    ${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
                       ENVIRONMENT "${VARVE_LANE_ENVIRONMENT}")
  if(arg_LONG)
    add_test(NAME ${name}.long CONFIGURATIONS long COMMAND ${target} "[long]")
    set_tests_properties(
      ${name}.long PROPERTIES LABELS "${arg_LABELS};long" TIMEOUT 3600
                              ENVIRONMENT "${VARVE_LANE_ENVIRONMENT}")
  endif()
endfunction()

# The include directories with which the compile-time tests call compilers themselves.
set(varve_include_arguments
    "-I${PROJECT_SOURCE_DIR}/concepts" "-I${PROJECT_SOURCE_DIR}/include"
    "-I${PROJECT_SOURCE_DIR}/adapters" "-I${PROJECT_SOURCE_DIR}/tests")

# varve_script_test(NAME name COMMAND command... [LABELS labels...] [TIMEOUT seconds] [SERIAL])
#
# A test that is a script. Not part of the sanitizers' lanes: what it looks at is the same there.
function(varve_script_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "SERIAL" "NAME;TIMEOUT" "COMMAND;LABELS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_NAME)
    message(FATAL_ERROR "varve_script_test: wrong arguments '${ARGV}'")
  endif()
  if(VARVE_LANE)
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${arg_COMMAND} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(
    ${arg_NAME} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77)
  if(arg_SERIAL)
    set_tests_properties(${arg_NAME} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()
