# SPDX-License-Identifier: MIT
# How folders become targets. Sources are globbed (with CONFIGURE_DEPENDS), so adding a file needs no edit here.

# drover_library(NAME [DIRS d...] LINK t...): the folder's *.c as static library drover_NAME.
function(drover_library name)
  cmake_parse_arguments(A "" "" "DIRS;LINK" ${ARGN})
  file(GLOB srcs CONFIGURE_DEPENDS *.c)
  foreach(d ${A_DIRS})
    file(GLOB more CONFIGURE_DEPENDS ${d}/*.c)
    list(APPEND srcs ${more})
  endforeach()
  list(FILTER srcs EXCLUDE REGEX "_main\\.c$|/main\\.c$")
  add_library(drover_${name} STATIC ${srcs})
  target_include_directories(drover_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(drover_${name} PUBLIC drover_options ${A_LINK})
endfunction()

# drover_program(NAME SOURCES s... LINK t...): an installed binary in bin/.
function(drover_program name)
  cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE drover_options ${A_LINK})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# drover_unit_tests(LINK t...): each test_*.c here is one cmocka program, one ctest of label "unit".
function(drover_unit_tests)
  cmake_parse_arguments(A "" "" "LINK" ${ARGN})
  if(NOT CMOCKA_FOUND)
    return()
  endif()
  file(GLOB srcs CONFIGURE_DEPENDS test_*.c)
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  foreach(src ${srcs})
    get_filename_component(stem ${src} NAME_WE)
    set(target unit_${folder}_${stem})
    add_executable(${target} ${src})
    target_link_libraries(${target} PRIVATE drover_options ${A_LINK} PkgConfig::CMOCKA)
    target_compile_definitions(${target} PRIVATE
      TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data" DROVER_BIN="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}"
      DROVER_SOURCE="${CMAKE_SOURCE_DIR}")
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME unit.${folder}.${stem} COMMAND ${target})
    set_tests_properties(unit.${folder}.${stem} PROPERTIES LABELS unit TIMEOUT 60)
  endforeach()
endfunction()
