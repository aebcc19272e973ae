// What a report says about a weight: its size of numbers and what rounding did to it.
#pragma once

#include "dialects/Lm/Lm.h"
#include "passes/Algorithms/WeightRounding.h"

#include <optional>
#include <string>

namespace llmc::passes {

/// Of the fp32 numbers. Kept as the attribute `lm.statistics`.
struct FloatStatistics {
  double absMax = 0;
  double rms = 0;
};

/// What rounding did. Kept as the attribute `lm.rounding` of the integers.
struct RoundingStatistics {
  WeightFormat format;
  double squaredError = 0; ///< Sum over all weights.
  RoundingCounters counters;
};

struct WeightStatistics {
  std::string name;
  uint64_t elements = 0;
  std::optional<FloatStatistics> values;
  std::optional<RoundingStatistics> rounding;

  /// Signal to rounding noise in dB; nothing where one of them is 0 or unknown.
  std::optional<double> snrDb() const;
};

/// Of every weight that carries one of the attributes, in program order.
llvm::SmallVector<WeightStatistics> weightStatisticsOf(mlir::ModuleOp module);

void setFloatStatistics(lm::WeightOp weight, const FloatStatistics &statistics);
void setRoundingStatistics(lm::WeightOp weight, const RoundingStatistics &statistics);
/// Both weights stand for the same numbers.
void copyFloatStatistics(lm::WeightOp from, lm::WeightOp to);

} // namespace llmc::passes
