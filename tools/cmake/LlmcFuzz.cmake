# Fuzz targets with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, inside a build without any of them.
include(CheckCXXSourceCompiles)

set(LLMC_FUZZ_SECONDS 60 CACHE STRING "How long each test fuzz-NAME searches")
set(LLMC_FUZZ_OPTIONS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)

set(CMAKE_REQUIRED_FLAGS -fsanitize=fuzzer,address,undefined)
check_cxx_source_compiles("
  #include <cstddef>
  #include <cstdint>
  extern \"C\" int LLVMFuzzerTestOneInput(const uint8_t *, size_t) { return 0; }" LLMC_CAN_FUZZ)
unset(CMAKE_REQUIRED_FLAGS)

# llmc_fuzz_objects(NAME SOURCES ... [LINK ...])
#   Sources compiled once more, instrumented. Where both are linked, they stand in for the archive that has them too:
#   objects come first, and a member of an archive is taken only for what is still missing.
function(llmc_fuzz_objects NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${NAME} OBJECT ${ARG_SOURCES})
  target_include_directories(${NAME} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  target_compile_options(${NAME} PRIVATE -fsanitize=fuzzer-no-link ${LLMC_FUZZ_OPTIONS})
  target_link_libraries(${NAME} PUBLIC ${ARG_LINK})
endfunction()

# llmc_fuzz_target(NAME RUNS n SOURCES ... [LINK ...])
#   The program test/bin/fuzz-NAME, and two tests that find nothing: fuzz-replay-NAME, its corpus and seeds and then mutations
#   from a fixed seed up to RUNS runs, the same every time; fuzz-NAME, LLMC_FUZZ_SECONDS of other mutations every time.
function(llmc_fuzz_target NAME)
  cmake_parse_arguments(ARG "" "RUNS" "SOURCES;LINK" ${ARGN})
  add_executable(fuzz-${NAME} ${ARG_SOURCES})
  target_include_directories(fuzz-${NAME} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  target_compile_options(fuzz-${NAME} PRIVATE -fsanitize=fuzzer-no-link ${LLMC_FUZZ_OPTIONS})
  target_link_options(fuzz-${NAME} PRIVATE -fsanitize=fuzzer,address,undefined)
  target_link_libraries(fuzz-${NAME} PRIVATE ${ARG_LINK})
  set_target_properties(fuzz-${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test/bin)
  set(fuzz ${PROJECT_SOURCE_DIR}/tools/fuzz --target=${NAME} --programs=${PROJECT_BINARY_DIR}/test/bin)
  add_test(NAME fuzz-replay-${NAME} COMMAND Python3::Interpreter ${fuzz} --runs=${ARG_RUNS} --seed=1
    --work=${CMAKE_CURRENT_BINARY_DIR}/replay-${NAME})
  add_test(NAME fuzz-${NAME} COMMAND Python3::Interpreter ${fuzz} --seconds=${LLMC_FUZZ_SECONDS}
    --work=${CMAKE_CURRENT_BINARY_DIR}/${NAME})
  set_tests_properties(fuzz-replay-${NAME} fuzz-${NAME} PROPERTIES LABELS fuzz)
endfunction()
