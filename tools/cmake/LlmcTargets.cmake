# llmc_add_library(NAME SOURCES ... [LINK ...] [MLIR])
#   One static library of the tree. Includes are rooted at the repository. With MLIR, the library may include MLIR
#   headers and uses the precompiled MLIR header.
function(llmc_add_library NAME)
  cmake_parse_arguments(ARG "MLIR" "" "SOURCES;LINK" ${ARGN})
  add_library(${NAME} STATIC ${ARG_SOURCES})
  target_include_directories(${NAME} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  target_link_libraries(${NAME} PUBLIC ${ARG_LINK})
  if(ARG_MLIR)
    llmc_use_mlir(${NAME})
  endif()
endfunction()

# llmc_use_mlir(TARGET): MLIR headers, the shared MLIR and LLVM libraries, and the precompiled header.
function(llmc_use_mlir NAME)
  target_link_libraries(${NAME} PUBLIC LlmcMlirHeaders MLIR LLVM)
  if(NOT TARGET LlmcMlirPch)
    file(WRITE ${PROJECT_BINARY_DIR}/LlmcMlirPch.cpp "// Carrier of the precompiled MLIR header.\n")
    add_library(LlmcMlirPch OBJECT ${PROJECT_BINARY_DIR}/LlmcMlirPch.cpp)
    target_include_directories(LlmcMlirPch PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
    target_link_libraries(LlmcMlirPch PUBLIC LlmcMlirHeaders)
    target_precompile_headers(LlmcMlirPch PRIVATE ${PROJECT_SOURCE_DIR}/tools/cmake/MlirPch.h)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      target_compile_options(LlmcMlirPch PRIVATE -Xclang -fno-pch-timestamp)
    endif()
  endif()
  # Programs are compiled like the libraries: the precompiled header serves one code model only.
  get_target_property(LLMC_TYPE ${NAME} TYPE)
  if(LLMC_TYPE STREQUAL "EXECUTABLE")
    set_target_properties(${NAME} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${NAME} PRIVATE -fPIC)
  endif()
  target_precompile_headers(${NAME} REUSE_FROM LlmcMlirPch)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(${NAME} PRIVATE -Xclang -fno-pch-timestamp)
  endif()
endfunction()

# llmc_add_unit_test(NAME SOURCES ... [LINK ...] [MLIR]): a Catch2 program, registered with ctest under its name.
function(llmc_add_unit_test NAME)
  cmake_parse_arguments(ARG "MLIR" "" "SOURCES;LINK" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  target_include_directories(${NAME} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  target_link_libraries(${NAME} PRIVATE ${ARG_LINK} LlmcTestMain)
  target_compile_definitions(${NAME} PRIVATE LLMC_TEST_DATA="${PROJECT_SOURCE_DIR}/test/data")
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test/bin)
  if(ARG_MLIR)
    llmc_use_mlir(${NAME})
  endif()
  add_test(NAME ${NAME} COMMAND ${NAME})
endfunction()

# llmc_embed_files(NAME OUTPUT FILES...): see tools/cmake/EmbedFiles.cmake.

# llmc_add_pass_library(NAME PASSES ... [SOURCES ...] [LINK ...])
#   A library of passes. Each pass P has P.td (its declaration and contract), P.h and P.cpp; TableGen writes P.h.inc.
function(llmc_add_pass_library NAME)
  cmake_parse_arguments(ARG "" "" "PASSES;SOURCES;LINK" ${ARGN})
  foreach(PASS ${ARG_PASSES})
    set(LLVM_TARGET_DEFINITIONS ${PASS}.td)
    mlir_tablegen(${PASS}.h.inc -gen-pass-decls -name ${PASS})
    list(APPEND ARG_SOURCES ${PASS}.cpp)
  endforeach()
  add_public_tablegen_target(${NAME}IncGen)
  llmc_add_library(${NAME} SOURCES ${ARG_SOURCES} LINK ${ARG_LINK} MLIR)
  add_dependencies(${NAME} ${NAME}IncGen)
endfunction()

# llmc_guide_test(GUIDE ARGUMENTS...): test guide-GUIDE runs the commands of docs/guides/GUIDE.md; test/guides/run_guide.py has the arguments.
function(llmc_guide_test GUIDE)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  add_test(NAME guide-${GUIDE}
    COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/test/guides/run_guide.py ${PROJECT_SOURCE_DIR}/docs/guides/${GUIDE}.md
      ${CMAKE_CURRENT_BINARY_DIR}/guide-${GUIDE} ${ARGN})
  set_tests_properties(guide-${GUIDE} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 1800)
endfunction()
