# Compiler flags, output folders and caches that hold for every target of the tree.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

option(LLMC_WARNINGS_AS_ERRORS "Treat warnings as errors" ON)
set(LLMC_SANITIZE "" CACHE STRING "Sanitizers to build with, for example address,undefined")

# The numerics contract forbids contraction: a*b+c is two roundings everywhere.
add_compile_options(-Wall -Wextra -ffp-contract=off)
if(LLMC_WARNINGS_AS_ERRORS)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 warns about every inlined `"text" + std::string` (GCC bug 105651, fixed in 13).
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(LLMC_SANITIZE)
  # A finding ends the program, so that its test fails.
  add_compile_options(-fsanitize=${LLMC_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LLMC_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # A call is checked by the words before the function; kernels of a plan are machine code without them.
    add_compile_options(-fno-sanitize=function)
  endif()
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(--ld-path=/usr/bin/ld.lld-22)
endif()

find_program(LLMC_CCACHE ccache)
if(LLMC_CCACHE)
  # The sloppiness is what ccache asks for to cache translation units that use a precompiled header.
  set(LLMC_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${LLMC_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${LLMC_LAUNCHER})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LLMC_LAUNCHER})
endif()
