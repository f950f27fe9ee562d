# SPDX-License-Identifier: MIT
# One interface target, drover_options, carries every compile and link flag of the project.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

option(DROVER_WERROR "warnings are errors" OFF)
set(DROVER_SANITIZE "" CACHE STRING "sanitizers, as for -fsanitize=")
option(DROVER_COVERAGE "instrument for gcov" OFF)
option(DROVER_FUZZ "build libFuzzer programs instead of corpus replays (clang)" OFF)
option(DROVER_FAILPOINTS "compile named failpoints in (never in release)" ON)
option(DROVER_HOLES "build droverd-holes, which attacks must get into, too (never in release)" ON)

# Assertions guard the invariants of docs/DESIGN.md 5 in every build, so NDEBUG is never defined.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_DEBUG "-Og -g")
if(DROVER_SANITIZE)
  set(CMAKE_C_FLAGS_DEBUG "-Og -g1") # the lines of a report; nobody steps through these
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Two runs of the same compiler from two folders give the same bytes.
set(CMAKE_C_ARCHIVE_CREATE "<CMAKE_AR> qcD <TARGET> <LINK_FLAGS> <OBJECTS>")

add_library(drover_options INTERFACE)
target_compile_definitions(drover_options INTERFACE _GNU_SOURCE)
target_compile_options(drover_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla
  -Wimplicit-fallthrough -Wundef -Wpointer-arith
  -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion -Werror=format-security
  -fno-strict-aliasing -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
# gcc's guesses at truncation change with inlining, so from preset to preset; cutting is what snprintf is used for.
target_compile_options(drover_options INTERFACE $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>)
target_include_directories(drover_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/gen)

# drover_flags(COMPILE|LINK flag...): adds the flags that this compiler or linker takes. Hardening flags come and go
# with versions (docs/STYLE.md); a missing one is no reason not to build.
function(drover_flags kind)
  foreach(flag ${ARGN})
    string(MAKE_C_IDENTIFIER "DROVER_HAS_${kind}_${flag}" has)
    if(kind STREQUAL "COMPILE")
      check_c_compiler_flag("-Werror;${flag}" ${has})
      if(${has})
        target_compile_options(drover_options INTERFACE ${flag})
      endif()
    else()
      check_linker_flag(C "${flag}" ${has})
      if(${has})
        target_link_options(drover_options INTERFACE ${flag})
      endif()
    endif()
  endforeach()
endfunction()

if(DROVER_WERROR)
  target_compile_options(drover_options INTERFACE -Werror)
endif()
if(DROVER_SANITIZE)
  target_compile_options(drover_options INTERFACE
    -fsanitize=${DROVER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(drover_options INTERFACE -fsanitize=${DROVER_SANITIZE})
  # Instrumented code confuses the analysis; the other presets warn.
  target_compile_options(drover_options INTERFACE $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
if(DROVER_FUZZ)
  target_compile_options(drover_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(DROVER_COVERAGE)
  target_compile_options(drover_options INTERFACE --coverage -O0)
  target_link_options(drover_options INTERFACE --coverage)
endif()
if(DROVER_FAILPOINTS AND CMAKE_BUILD_TYPE STREQUAL "Release")
  message(FATAL_ERROR "DROVER_FAILPOINTS is not for release builds: whoever may set a variable could kill the server")
elseif(DROVER_HOLES AND CMAKE_BUILD_TYPE STREQUAL "Release")
  message(FATAL_ERROR "DROVER_HOLES is not for release builds")
elseif(DROVER_FAILPOINTS)
  target_compile_definitions(drover_options INTERFACE DROVER_FAILPOINTS=1)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(drover_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  drover_flags(COMPILE
    -fstack-clash-protection -fstack-protector-strong -fcf-protection=full -fno-delete-null-pointer-checks
    -fno-strict-overflow -fexceptions -ftrivial-auto-var-init=zero -fstrict-flex-arrays=3
    -fzero-init-padding-bits=all -Wtrampolines -Wbidi-chars=any)
  drover_flags(LINK
    -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,-z,nodlopen -Wl,-z,separate-code -Wl,--as-needed)
else()
  # Every unit test is a program, so linking is a third of such a build; lld takes a fifth of the usual linker's time.
  # What is released is linked by the usual one.
  drover_flags(LINK -fuse-ld=lld)
endif()
