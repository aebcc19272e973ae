#include "passes/Raising/Layout.h"

#include <cmath>

using namespace mlir;

namespace llmc::passes {

std::optional<float> uniformFactor(const Probe &probe, Value root, Value leaf,
                                   ArrayRef<int64_t> shape,
                                   llvm::function_ref<int64_t(ArrayRef<int64_t>)> source) {
  const HostTensor *from = probe.find(root);
  if (!from || !probe.hasShape(leaf, shape))
    return std::nullopt;
  std::vector<float> seed(from->size());
  for (size_t i = 0; i < seed.size(); ++i)
    seed[i] = float(i + 1);
  std::optional<HostTensor> result =
      probe.evaluateFrom(root, HostTensor::ofFloats(from->shape, std::move(seed)), leaf);
  if (!result || !result->hasData || !result->isFloat() ||
      ArrayRef<int64_t>(result->shape) != shape)
    return std::nullopt;
  // The factor is exact where the seed is 1; elsewhere products were rounded a few times.
  float factor = std::nanf("");
  forEachIndex(shape, [&](ArrayRef<int64_t> index, int64_t linear) {
    if (source(index) == 0)
      factor = result->floats[linear];
  });
  constexpr double roundings = 0x1p-21;
  bool uniform = std::isfinite(factor) && factor != 0;
  forEachIndex(shape, [&](ArrayRef<int64_t> index, int64_t linear) {
    double wanted = double(factor) * double(source(index) + 1);
    uniform &= std::fabs(result->floats[linear] - wanted) <= roundings * std::fabs(wanted);
  });
  return uniform ? std::optional(factor) : std::nullopt;
}

Value walkBack(const Probe &probe, Value value, llvm::function_ref<bool(Value)> stop) {
  while (value && !stop(value)) {
    auto node = value.getDefiningOp<lm::OpaqueOp>();
    if (!node)
      return {};
    Value next;
    for (StringRef moving : {"Transpose", "Reshape", "Expand", "Unsqueeze", "Squeeze", "Slice"})
      if (asNode(node, moving))
        next = node.getInputs()[0];
    for (StringRef scaling : {"Mul", "Div", "Add", "Where"})
      if (asNode(node, scaling))
        for (Value operand : node.getInputs())
          if (!next && !probe.findData(operand))
            next = operand;
    value = next;
  }
  return value;
}

} // namespace llmc::passes
