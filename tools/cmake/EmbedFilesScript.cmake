# The build step of llmc_embed_files: writes STEM.h and STEM.cpp from the files INPUTS.
file(WRITE "${STEM}.h" "// Generated from data files of the tree.
#pragma once

#include <span>
#include <string_view>
#include <utility>

namespace llmc::embedded {

std::span<const std::pair<std::string_view, std::string_view>> ${FUNCTION}();

} // namespace llmc::embedded
")

set(BODY "// Generated from data files of the tree.\n#include \"embedded/${FUNCTION}.h\"\n\nnamespace {\n\n")
set(ENTRIES "")
set(INDEX 0)
foreach(INPUT ${INPUTS})
  file(READ "${INPUT}" BYTES HEX)
  string(REPEAT "[0-9a-f]" 32 LINE)
  string(REGEX REPLACE "(${LINE})" "\\1\n" BYTES "${BYTES}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," BYTES "${BYTES}")
  get_filename_component(NAME "${INPUT}" NAME)
  string(APPEND BODY "constexpr char file${INDEX}[] = {\n${BYTES}'\\0'};\n")
  string(APPEND ENTRIES "    {\"${NAME}\", {file${INDEX}, sizeof file${INDEX} - 1}},\n")
  math(EXPR INDEX "${INDEX} + 1")
endforeach()
string(APPEND BODY "\nconstexpr std::pair<std::string_view, std::string_view> files[] = {\n${ENTRIES}};\n\n} // namespace\n")
file(WRITE "${STEM}.cpp" "${BODY}
std::span<const std::pair<std::string_view, std::string_view>> llmc::embedded::${FUNCTION}() { return files; }
")
