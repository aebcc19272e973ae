# llmc_machine_array(OUT ARRAY MACHINE TARGET): adds to OUT the C source of ARRAY, the bytes of the description of x86-64 as MACHINE of
# TARGET, and a 0.
set(LLMC_MACHINE_BASE ${PROJECT_SOURCE_DIR}/targets/X86/machines/x86-64.json)

function(llmc_machine_array OUT ARRAY MACHINE TARGET)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${LLMC_MACHINE_BASE})
  file(READ ${LLMC_MACHINE_BASE} text)
  string(REPLACE "\"name\": \"x86-64\"" "\"name\": \"${MACHINE}\"" text "${text}")
  string(REPLACE "\"target\": \"x86-64\"" "\"target\": \"${TARGET}\"" text "${text}")
  string(HEX "${text}" bytes)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  set(${OUT} "${${OUT}}static const unsigned char ${ARRAY}[] = {${bytes}0};\n" PARENT_SCOPE)
endfunction()
