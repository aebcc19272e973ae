#include "compiler/Emit/PlanQueries.h"

using namespace mlir;

namespace llmc {

ParameterIndices::ParameterIndices(plan::FileOp file) {
  int16_t index = 0;
  for (plan::ParamOp param : file.records<plan::ParamOp>())
    indices[param.getSymNameAttr()] = index++;
}

std::vector<int16_t> ParameterIndices::of(plan::KernelOp kernel) const {
  std::vector<int16_t> result;
  for (auto symbol : kernel.getParameters().getAsRange<FlatSymbolRefAttr>())
    result.push_back(indices.lookup(symbol.getAttr()));
  return result;
}

uint64_t timesOf(Operation *step) {
  auto loop = dyn_cast<plan::LoopOp>(step->getParentOp());
  return loop ? loop.getTimes().value_or(1) : 1;
}

} // namespace llmc
