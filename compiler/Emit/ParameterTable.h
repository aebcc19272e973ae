// The run-time parameters of a plan, shared by all of its programs.
#pragma once

#include "dialects/Npu/Npu.h"
#include "runtime/plan/records.h"

#include <vector>

namespace llmc {

/// Collects the arguments of every program as parameters of the plan: 0 position, 1 tokens, 2 KV
/// length, 3 row, then derived ones.
class ParameterTable {
public:
  /// `context` bounds the position, `chunk` the rows of an entry, `rows` the first row of a head.
  ParameterTable(uint32_t context, uint32_t chunk, uint32_t rows);

  /// Index in the plan of each argument of `program`. False where the plan's parameters are used
  /// up.
  bool add(npu::ProgramOp program, std::vector<int16_t> &indices);

  const std::vector<rt::Param> &params() const { return table; }
  /// The most each parameter can be in an entry of `rows` rows.
  std::vector<uint32_t> maximaFor(uint32_t rows) const;

private:
  int16_t find(rt::ParamKind kind, uint8_t a, uint32_t immediate, uint32_t maximum);

  std::vector<rt::Param> table;
};

} // namespace llmc
