# llmc_guest_runner(ARCHITECTURE OUTPUT): the runner as a static program.
set(LLMC_GUEST_DIR ${CMAKE_CURRENT_LIST_DIR})
find_program(LLMC_CLANG clang-22 REQUIRED)
find_program(LLMC_LLD ld.lld-22 REQUIRED)

function(llmc_guest_runner ARCHITECTURE OUTPUT)
  set(source ${LLMC_GUEST_DIR}/guest_runner.c)
  set(cpu)
  if(ARCHITECTURE STREQUAL "hexagon")
    set(cpu -mv67)
  endif()
  add_custom_command(
    OUTPUT ${OUTPUT}
    COMMAND ${LLMC_CLANG} --target=${ARCHITECTURE}-unknown-none-elf ${cpu} -std=c11 -O1 -ffreestanding -fno-builtin -Wall -Wextra
            -Werror -c -o ${OUTPUT}.o ${source}
    COMMAND ${LLMC_LLD} -static -e _start -o ${OUTPUT} ${OUTPUT}.o
    DEPENDS ${source} ${LLMC_GUEST_DIR}/guest_call.h
    COMMENT "Building the guest runner for ${ARCHITECTURE}"
    VERBATIM)
endfunction()
