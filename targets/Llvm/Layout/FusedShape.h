// How fused attention divides its stack and its registers.
//
// A row of queries has a record on the stack: its query as fp32, 16 lanes of its largest score or
// its sum, the address of its output, its scores. The records that fit are a block; beside them
// lies a panel of keys, then of values.
#pragma once

#include "targets/Interface/IsaTable.h"
#include "targets/Interface/Kernel.h"

#include <optional>
#include <string>
#include <vector>

namespace llmc::target {

struct FusedShape {
  static constexpr unsigned height = 6; ///< Rows of a unit.
  /// Scores of a row are a multiple of these bytes.
  static constexpr uint64_t scoresAlignment = 64 * 4;
  static constexpr uint64_t frame = 8 * 1024; ///< Of the stack, for all else.

  unsigned vectors = 1; ///< Of columns of a unit.
  uint32_t subRows = 1, headDim = 0;
  unsigned lowHeight = 1; ///< Of a unit at the end, so that the rows of one token fit.
  uint64_t partials = 0, out = 0, scores = 0; ///< Offsets in a record.
  bool wide = false; ///< The panel holds fp32, widened once for all rows of a block.
  uint64_t groupBytes = 0, panelBytes = 0; ///< Keys of 16 positions; all that is in the panel.
  uint32_t valueRun = 256;                 ///< Positions of values between two stores of the sums.

  /// Errors: those of emitFusedAttention().
  static std::optional<FusedShape> of(const Attention &attention,
                                      const std::vector<KernelOperand> &operands,
                                      const IsaTable &isa, std::string &error);
  /// Of a row that sees so many positions. Must agree with FusedBlock::bytesOfRecord().
  uint64_t recordBytes(uint64_t positions) const {
    return scores + (positions * 4 + scoresAlignment - 1) / scoresAlignment * scoresAlignment;
  }
  /// Of all records; a multiple of 64.
  uint64_t arenaBytes() const;
  /// Of a number for each row of the largest block: part of `frame`.
  uint64_t joinedBytes() const { return (arenaBytes() / recordBytes(1) * 4 + 63) / 64 * 64; }
  /// headDim in whole vectors.
  uint32_t paddedDim() const;

private:
  void dividePanel(bool wide);
};

} // namespace llmc::target
