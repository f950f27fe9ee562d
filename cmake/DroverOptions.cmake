# SPDX-License-Identifier: MIT
# One interface target, drover_options, carries every compile and link flag of the project.
option(DROVER_WERROR "warnings are errors" OFF)
set(DROVER_SANITIZE "" CACHE STRING "sanitizers, as for -fsanitize=")
option(DROVER_COVERAGE "instrument for gcov" OFF)
option(DROVER_FUZZ "build libFuzzer targets (clang)" OFF)
option(DROVER_FAILPOINTS "compile named failpoints in (never in release)" ON)

add_library(drover_options INTERFACE)
target_compile_definitions(drover_options INTERFACE _GNU_SOURCE)
target_compile_options(drover_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla
  -Wimplicit-fallthrough -Wundef -Wpointer-arith -fno-strict-aliasing)
target_include_directories(drover_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/gen)
if(DROVER_WERROR)
  target_compile_options(drover_options INTERFACE -Werror)
endif()
if(DROVER_SANITIZE)
  target_compile_options(drover_options INTERFACE -fsanitize=${DROVER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(drover_options INTERFACE -fsanitize=${DROVER_SANITIZE})
endif()
if(DROVER_COVERAGE)
  target_compile_options(drover_options INTERFACE --coverage -O0)
  target_link_options(drover_options INTERFACE --coverage)
endif()
if(DROVER_FAILPOINTS)
  target_compile_definitions(drover_options INTERFACE DROVER_FAILPOINTS=1)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # reliability.md 5: the OpenSSF set that gcc 12 and clang 14 both take.
  target_compile_options(drover_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-clash-protection
    -fstack-protector-strong -fcf-protection=full -fPIE -fno-delete-null-pointer-checks -fno-strict-overflow)
  target_link_options(drover_options INTERFACE -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,--as-needed)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(drover_options INTERFACE -Wtrampolines -ftrivial-auto-var-init=zero)
  endif()
endif()
