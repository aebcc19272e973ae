// Rotary tables of a model, and the formula they follow.
#pragma once

#include "passes/Raising/RaisePass.h"

namespace llmc::passes {

/// cos and sin of every position and pair, `[positions, half]`.
struct RopeTable {
  int64_t positions = 0, half = 0;
  std::vector<float> cosines, sines;

  bool operator==(const RopeTable &) const = default;
};

struct RopeFormula {
  double base = 0, scaling = 1;
};

/// Largest difference of an entry from its formula beyond the entry's own rounding, divided by
/// 1 + position: 2^-22.
inline constexpr double ropeTolerance = 0x1p-22;

struct RopeSnap {
  std::optional<RopeFormula> formula; ///< Where every entry is within the tolerance.
  double largestDifference = 0;       ///< Divided by 1 + position.
  std::string failure;                ///< The first entry that is not.
};

/// Finds the base that the table speaks for, rounded to as few digits as serve. Entries have
/// `lostBits` of fp32's mantissa less and may be off by a unit of their last place for it.
RopeSnap snapRope(const RopeTable &table, int lostBits = 0);

/// Creates lm.rope, by formula where the table has one, with the table as weights otherwise.
class RopeEmitter {
public:
  explicit RopeEmitter(RaiseStep &step) : step(step) {}
  mlir::Value emit(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value rows, int64_t heads,
                   const RopeTable &table, llvm::StringRef node);

private:
  struct Known {
    RopeTable table;
    RopeSnap snap;
  };
  const Known &know(const RopeTable &table, llvm::StringRef node);

  RaiseStep &step;
  std::vector<std::unique_ptr<Known>> known;
};

} // namespace llmc::passes
