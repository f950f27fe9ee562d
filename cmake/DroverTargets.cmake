# SPDX-License-Identifier: MIT
# How folders become targets. Sources are globbed (with CONFIGURE_DEPENDS), so adding a file needs no edit here.

# Instrumented programs are slower: tests multiply their deadlines by this.
set(DROVER_TIME_SCALE 1)
if(DROVER_SANITIZE OR DROVER_COVERAGE)
  set(DROVER_TIME_SCALE 4)
endif()

# A report of a sanitizer must fail the test that provoked it.
set(DROVER_TEST_ENV
  "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1"
  "DROVER_TIME_SCALE=${DROVER_TIME_SCALE}"
  "DROVER_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}"
  "DROVER_SOURCE=${CMAKE_SOURCE_DIR}"
  "DROVER_BUILD=${CMAKE_BINARY_DIR}")

# drover_library(NAME [DIRS d...] LINK t...): the folder's *.c as static library drover_NAME. Files named main.c or
# *_main.c are programs and stay out.
function(drover_library name)
  cmake_parse_arguments(A "" "" "DIRS;LINK" ${ARGN})
  file(GLOB srcs CONFIGURE_DEPENDS *.c)
  foreach(d ${A_DIRS})
    file(GLOB more CONFIGURE_DEPENDS ${d}/*.c)
    list(APPEND srcs ${more})
  endforeach()
  list(FILTER srcs EXCLUDE REGEX "_main\\.c$|/main\\.c$")
  if(NOT srcs)
    add_library(drover_${name} INTERFACE)
    target_link_libraries(drover_${name} INTERFACE drover_options ${A_LINK})
    return()
  endif()
  add_library(drover_${name} STATIC ${srcs})
  target_link_libraries(drover_${name} PUBLIC drover_options ${A_LINK})
endfunction()

# What is installed, without tests and tools: all of what `./dev run` needs, and what a test run builds of a release.
add_custom_target(product)

# drover_program(NAME [COMPONENT c] SOURCES s... LINK t...): an installed binary in bin/, of the package drover-server if
# not of another.
function(drover_program name)
  cmake_parse_arguments(A "" "COMPONENT" "SOURCES;LINK" ${ARGN})
  if(NOT A_COMPONENT)
    set(A_COMPONENT server)
  endif()
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE drover_options ${A_LINK})
  add_dependencies(product ${name})
  install(TARGETS ${name} RUNTIME DESTINATION bin COMPONENT ${A_COMPONENT})
endfunction()

# drover_linked_program(TARGET SOURCE [DEFAULT t...]): a one-file program that names its libraries in a comment line
# `// link: drover_jobs PkgConfig::MHD`; without such a line it gets DEFAULT.
function(drover_linked_program target source)
  cmake_parse_arguments(A "" "" "DEFAULT" ${ARGN})
  file(STRINGS ${source} line REGEX "^// link:" LIMIT_COUNT 1)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  set(libs ${A_DEFAULT})
  if(line)
    string(REGEX REPLACE "^// link:[ ]*" "" libs "${line}")
    separate_arguments(libs UNIX_COMMAND "${libs}")
  endif()
  add_executable(${target} ${source})
  target_link_libraries(${target} PRIVATE drover_options ${libs})
endfunction()

# What a test takes, in seconds, is DROVER_COST_NAME: the longest begin first, so that none is left to run by itself.
file(STRINGS ${CMAKE_SOURCE_DIR}/tests/costs rows REGEX "^[^#]")
foreach(row ${rows})
  string(REPLACE " " ";" row "${row}")
  list(GET row 0 name)
  list(GET row 1 seconds)
  set(DROVER_COST_${name} ${seconds})
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/costs)

# drover_test(NAME LABEL l... [TIMEOUT s] COMMAND c...): a ctest with our environment; exit status 77 is a skip.
function(drover_test name)
  cmake_parse_arguments(A "" "TIMEOUT" "LABEL;COMMAND" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 180)
  endif()
  add_test(NAME ${name} COMMAND ${A_COMMAND})
  math(EXPR A_TIMEOUT "${A_TIMEOUT} * ${DROVER_TIME_SCALE}")
  set_tests_properties(${name} PROPERTIES LABELS "${A_LABEL}" TIMEOUT ${A_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "${DROVER_TEST_ENV}")
  if(DEFINED DROVER_COST_${name})
    set_tests_properties(${name} PROPERTIES COST ${DROVER_COST_${name}})
  endif()
endfunction()

# drover_unit_tests(LINK t...): each test_*.c here is one cmocka program, one ctest of label "unit". Other *.c here are
# what these programs share.
function(drover_unit_tests)
  cmake_parse_arguments(A "" "" "LINK" ${ARGN})
  if(NOT CMOCKA_FOUND)
    return()
  endif()
  file(GLOB srcs CONFIGURE_DEPENDS test_*.c)
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  file(GLOB shared CONFIGURE_DEPENDS *.c)
  list(FILTER shared EXCLUDE REGEX "/test_[^/]*\\.c$")
  if(shared)
    add_library(unit_${folder} STATIC ${shared})
    target_link_libraries(unit_${folder} PUBLIC drover_options ${A_LINK} PkgConfig::CMOCKA)
    target_compile_definitions(unit_${folder} PRIVATE DROVER_BIN="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
    list(PREPEND A_LINK unit_${folder})
  endif()
  foreach(src ${srcs})
    get_filename_component(stem ${src} NAME_WE)
    set(target unit_${folder}_${stem})
    add_executable(${target} ${src})
    target_link_libraries(${target} PRIVATE drover_options ${A_LINK} PkgConfig::CMOCKA)
    target_compile_definitions(${target} PRIVATE
      TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data" DROVER_BIN="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}"
      DROVER_SOURCE="${CMAKE_SOURCE_DIR}" TEST_TIME_SCALE=${DROVER_TIME_SCALE})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    drover_test(unit.${folder}.${stem} LABEL unit COMMAND ${target})
  endforeach()
endfunction()

# drover_simulated(LIBRARY): what the simulators run for millions of events is optimised in builds for tests, too.
function(drover_simulated library)
  if(NOT DROVER_COVERAGE)
    target_compile_options(${library} PRIVATE $<$<CONFIG:Debug>:-O2>)
  endif()
endfunction()
