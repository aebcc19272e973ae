// Weights as row records: what every target's weights are that has no layout of its own.
#pragma once

#include "targets/Interface/Target.h"

#include <vector>

namespace llmc::target {

/// Bytes of a matrix.
uint64_t rowRecordsBytes(const WeightFormat &format, uint32_t rows, uint32_t columns);

/// Appends one record a row. Multipliers must be 1 ... 16.
void packRowRecords(const WeightRows &rows, std::vector<uint8_t> &out);

} // namespace llmc::target
