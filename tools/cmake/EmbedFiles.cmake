# Text files as constants of a library, so that an installed program needs no data folder.
#
# llmc_embed_files(LIBRARY FUNCTION FILES...)
#   Adds to LIBRARY a generated source, and a header "embedded/FUNCTION.h" that declares
#     std::span<const std::pair<std::string_view, std::string_view>> llmc::embedded::FUNCTION();
#   with one {file name, content} per file, in the order given. A changed file rebuilds the source.
function(llmc_embed_files LIBRARY FUNCTION)
  set(SCRIPT "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/EmbedFilesScript.cmake")
  set(INPUTS "")
  foreach(FILE ${ARGN})
    get_filename_component(ABSOLUTE "${FILE}" ABSOLUTE)
    list(APPEND INPUTS "${ABSOLUTE}")
  endforeach()
  set(STEM "${PROJECT_BINARY_DIR}/embedded/${FUNCTION}")
  add_custom_command(
    OUTPUT "${STEM}.cpp" "${STEM}.h"
    COMMAND ${CMAKE_COMMAND} -DSTEM=${STEM} -DFUNCTION=${FUNCTION} "-DINPUTS=${INPUTS}" -P "${SCRIPT}"
    DEPENDS ${INPUTS} "${SCRIPT}"
    COMMENT "Embedding files as ${FUNCTION}"
    VERBATIM)
  target_sources(${LIBRARY} PRIVATE "${STEM}.cpp" "${STEM}.h")
  target_include_directories(${LIBRARY} PRIVATE "${PROJECT_BINARY_DIR}")
endfunction()
