# SPDX-License-Identifier: MIT
# drover_static: the portal's files as one table in the binary (server/http/static_files.h), and the API's schemas.
#
# ON: build/web must hold the built portal (`./dev build` makes it). AUTO: the built portal if it is there, else only
# web/static. OFF: only web/static.
set(DROVER_PORTAL "AUTO" CACHE STRING "embed the built portal: ON, AUTO or OFF")
set(DROVER_WEB_OUT "${CMAKE_SOURCE_DIR}/build/web" CACHE PATH "where the built portal is")
find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(static_root ${CMAKE_SOURCE_DIR}/web/static)
if(NOT DROVER_PORTAL STREQUAL "OFF")
  if(EXISTS ${DROVER_WEB_OUT}/index.html)
    set(static_root ${DROVER_WEB_OUT})
  elseif(DROVER_PORTAL STREQUAL "ON")
    message(FATAL_ERROR "no built portal in ${DROVER_WEB_OUT}: run ./dev build, or set -DDROVER_PORTAL=OFF")
  else()
    message(STATUS "no built portal in ${DROVER_WEB_OUT}: only web/static is embedded")
    # Look again as soon as a portal is built.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${DROVER_WEB_OUT}/index.html)
  endif()
endif()

file(GLOB_RECURSE static_inputs CONFIGURE_DEPENDS ${static_root}/*)
add_custom_command(
  OUTPUT ${CMAKE_BINARY_DIR}/gen/static_files.c
  COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/cmake/embed_files.py ${static_root}
          ${CMAKE_BINARY_DIR}/gen/static_files.c
  DEPENDS ${static_inputs} ${CMAKE_SOURCE_DIR}/cmake/embed_files.py
  COMMENT "Embedding ${static_root}" VERBATIM)

# The schemas of the API's description, the same way (server/api/openapi.h).
set(schema_root ${CMAKE_SOURCE_DIR}/server/api/schema)
file(GLOB schema_inputs CONFIGURE_DEPENDS ${schema_root}/*.json)
add_custom_command(
  OUTPUT ${CMAKE_BINARY_DIR}/gen/schema_files.c
  COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/cmake/embed_files.py ${schema_root}
          ${CMAKE_BINARY_DIR}/gen/schema_files.c schema_files
  DEPENDS ${schema_inputs} ${CMAKE_SOURCE_DIR}/cmake/embed_files.py
  COMMENT "Embedding ${schema_root}" VERBATIM)
add_library(drover_static STATIC ${CMAKE_BINARY_DIR}/gen/static_files.c ${CMAKE_BINARY_DIR}/gen/schema_files.c)
target_link_libraries(drover_static PUBLIC drover_options)
