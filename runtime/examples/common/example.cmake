# llmc_example(NAME): the firmware NAME.elf of this folder, from its board and what all boards share.
#
# It needs the installed runtime (find_package), and LLMC_EXPECTED: a header with the prompt and the tokens that the host
# went on with, which expected.py writes.
find_package(llmc-runtime REQUIRED)
set(LLMC_EXPECTED "" CACHE FILEPATH "Header with the prompt and the tokens to expect")
option(LLMC_CHECK_PAGES "Compare paged weights with their digests each time they are read" OFF)
set(LLMC_EXAMPLE_COMMON ${CMAKE_CURRENT_LIST_DIR})

function(llmc_example NAME)
  if(NOT EXISTS "${LLMC_EXPECTED}")
    message(FATAL_ERROR "LLMC_EXPECTED names no file: '${LLMC_EXPECTED}'")
  endif()
  configure_file("${LLMC_EXPECTED}" ${CMAKE_CURRENT_BINARY_DIR}/generated/expected.h COPYONLY)
  add_executable(${NAME} board.cpp ${LLMC_EXAMPLE_COMMON}/app.cpp ${LLMC_EXAMPLE_COMMON}/memories.cpp
    ${LLMC_EXAMPLE_COMMON}/memory.c)
  set_target_properties(${NAME} PROPERTIES SUFFIX .elf CXX_STANDARD 17
    LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/link.ld)
  target_include_directories(${NAME} PRIVATE ${LLMC_EXAMPLE_COMMON} ${CMAKE_CURRENT_BINARY_DIR}/generated)
  target_compile_definitions(${NAME} PRIVATE LLMC_CHECK_PAGES=$<BOOL:${LLMC_CHECK_PAGES}>)
  target_compile_options(${NAME} PRIVATE -Wall -Wextra -Werror -ffreestanding -fno-builtin
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>)
  target_link_options(${NAME} PRIVATE -T ${CMAKE_CURRENT_SOURCE_DIR}/link.ld)
  target_link_libraries(${NAME} PRIVATE llmc-runtime::baremetal llmc-runtime::runtime llmc-runtime::tokenizer
    ${LLMC_EXAMPLE_LIBRARIES})
endfunction()
