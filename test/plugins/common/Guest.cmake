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

# llmc_add_guest_device(PLUGIN ARCHITECTURE): what guest_device.h needs, and RUNNER, the program that runs kernels under the emulator.
function(llmc_add_guest_device PLUGIN ARCHITECTURE)
  set(runner ${CMAKE_CURRENT_BINARY_DIR}/runner)
  llmc_guest_runner(${ARCHITECTURE} ${runner})
  add_custom_target(${PLUGIN}-runner DEPENDS ${runner})
  add_dependencies(${PLUGIN} ${PLUGIN}-runner)
  target_sources(${PLUGIN} PRIVATE ${LLMC_GUEST_DIR}/guest.cpp ${LLMC_GUEST_DIR}/guest_device.cpp)
  target_include_directories(${PLUGIN} PRIVATE ${LLMC_GUEST_DIR})
  target_compile_definitions(${PLUGIN} PRIVATE RUNNER="${runner}")
endfunction()
