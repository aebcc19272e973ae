# Installs everything into WORK and compiles and runs MODEL with what is there.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${WORK}/prefix/bin/llmc compile ${MODEL} --target=rnpu-mcu --quant=w4a8-m32 --context=64 -o ${WORK}/plan.llmc)
run(${WORK}/prefix/bin/llmc run ${WORK}/plan.llmc --prompt-ids=1,2,3 --max-tokens=2)
if(output STREQUAL "")
  message(FATAL_ERROR "the installed llmc generated nothing")
endif()
file(WRITE ${WORK}/headers.cpp "#include \"compiler/Library/CompilerLibrary.h\"\nint main() { return llmc::compilerEntryName[0] == 0; }\n")
run(${CXX} -std=c++20 -I${WORK}/prefix/include/llmc ${WORK}/headers.cpp -o ${WORK}/headers)
run(${WORK}/headers)
