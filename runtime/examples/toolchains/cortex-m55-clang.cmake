# Cortex-M55 with clang 22. libgcc, for 64-bit division, comes from the GNU toolchain.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR cortex-m55)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_COMPILER clang-22)
set(CMAKE_CXX_COMPILER clang++-22)
set(flags "--target=thumbv8.1m.main-none-eabihf -mcpu=cortex-m55 -mfloat-abi=hard -ffunction-sections -fdata-sections")
set(CMAKE_C_FLAGS_INIT ${flags})
set(CMAKE_CXX_FLAGS_INIT ${flags})
set(CMAKE_BUILD_TYPE MinSizeRel CACHE STRING "")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-nostdlib -fuse-ld=lld-22 -Wl,--gc-sections")
execute_process(COMMAND arm-none-eabi-gcc -mcpu=cortex-m55 -mthumb -mfloat-abi=hard -print-libgcc-file-name
  OUTPUT_VARIABLE LLMC_EXAMPLE_LIBRARIES OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
