# Finds the packaged LLVM/MLIR 22 and defines how our libraries use it.
# The packages accept no version request (LLVM's compare exactly), so the major version is checked by hand.
find_package(MLIR REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "llmc needs LLVM and MLIR 22, found ${LLVM_PACKAGE_VERSION}; install libmlir-22-dev")
endif()
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)

add_library(LlmcMlirHeaders INTERFACE)
target_include_directories(LlmcMlirHeaders SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
# LLVM_DEFINITIONS is one string with blanks; passing it on unsplit makes every translation unit warn.
separate_arguments(LLMC_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")
target_compile_options(LlmcMlirHeaders INTERFACE ${LLMC_LLVM_DEFINITIONS})
target_compile_options(LlmcMlirHeaders INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-unused-parameter>
                                                 $<$<CXX_COMPILER_ID:GNU>:-Wno-unused-parameter>)

# mlir_tablegen takes its include path from the directory: the repository root and MLIR's .td files.
include_directories(${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
