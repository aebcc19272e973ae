#pragma once

#include "passes/Algorithms/SramProblem.h"

#include <string>
#include <string_view>
#include <vector>

namespace llmc::passes {

struct SramCsvResult {
  std::vector<SramBuffer> buffers;
  std::string error; ///< empty when all was read; else what is wrong in which line
};

/// Reads the text form of a problem, the one MiniMalloc uses: a header naming the columns in any
/// order, then a line per buffer. Required: id (or buffer, buffer_id), lower (or start, begin),
/// upper (half-open; or end, inclusive), size. Optional: alignment, offset (a fixed offset; an
/// empty field leaves it free).
SramCsvResult readSramCsv(std::string_view text);

/// Writes id,lower,upper,size,alignment and, given a plan's offsets, offset; without them, the
/// fixed offsets where there are any.
std::string writeSramCsv(const std::vector<SramBuffer> &buffers,
                         const std::vector<uint64_t> *offsets = nullptr);

} // namespace llmc::passes
