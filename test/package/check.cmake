# Installs the runtime into WORK, builds PROJECT on it, and runs what came out.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --component runtime --prefix ${WORK}/prefix)
if(WAY STREQUAL "sources")
  list(APPEND options -DLLMC_RUNTIME_FROM_SOURCES=ON)
  file(REMOVE_RECURSE ${WORK}/prefix/lib/libllmc-runtime.a ${WORK}/prefix/lib/libllmc-runtime-tokenizer.a)
endif()
if(SANITIZE)
  list(APPEND options -DCMAKE_EXE_LINKER_FLAGS=-fsanitize=${SANITIZE})
endif()
run(${CMAKE_COMMAND} -S ${PROJECT} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${WORK}/prefix
  -DCMAKE_C_COMPILER=${C} -DCMAKE_CXX_COMPILER=${CXX} ${options})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)
run(${WORK}/build/consumer-c)

# From an empty folder, and in C alone: with archives it needs no C++, without them it says that it does.
file(WRITE ${WORK}/c/CMakeLists.txt "cmake_minimum_required(VERSION 3.25)\nproject(c LANGUAGES C)\n\
find_package(llmc-runtime REQUIRED)\nadd_executable(c ${PROJECT}/consumer.c)\n\
target_link_libraries(c llmc-runtime::baremetal llmc-runtime::runtime llmc-runtime::tokenizer)\n")
execute_process(COMMAND ${CMAKE_COMMAND} -S ${WORK}/c -B ${WORK}/c/build -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${WORK}/prefix
  -DCMAKE_C_COMPILER=${C} ${options} RESULT_VARIABLE result ERROR_VARIABLE error OUTPUT_QUIET)
if(WAY STREQUAL "sources")
  if(result EQUAL 0 OR NOT error MATCHES "LANGUAGES C CXX")
    message(FATAL_ERROR "a project without C++ is not told that the runtime needs it: ${error}")
  endif()
else()
  run(${CMAKE_COMMAND} --build ${WORK}/c/build)
  run(${WORK}/c/build/c)
endif()
