// Pass llmc-simplify-nodes: removes nodes that compute nothing.
#include "passes/Raising/SimplifyNodes.h"

#include "dialects/Lm/LmWeights.h"
#include "passes/Raising/RaisePass.h"
#include "passes/Raising/WeightViews.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_SIMPLIFYNODESPASS
#include "passes/Raising/SimplifyNodes.h.inc"

namespace {

/// Shapes that a weight is reshaped to have a few dimensions.
constexpr int64_t shapeElements = 16;

Type elementTypeOf(Value value) {
  auto type = dyn_cast<ShapedType>(value.getType());
  return type ? type.getElementType() : Type();
}

/// What a weight becomes by moving its elements, or null.
lm::WeightOp movedWeight(lm::OpaqueOp node, lm::WeightOp weight) {
  if (asNode(node, "Transpose") && weight.tensorType().getRank() == 2) {
    auto order = intsAttribute(node, "perm");
    return !order || *order == SmallVector<int64_t>{1, 0} ? transposedWeight(weight)
                                                          : lm::WeightOp();
  }
  if (!asNode(node, "Reshape") || intAttribute(node, "allowzero", 0) != 0)
    return {};
  std::optional<HostTensor> shape = constantOf(node.getInputs()[1], shapeElements);
  if (!shape || !shape->hasData || !shape->isInteger())
    return {};
  SmallVector<int64_t> sizes(shape->ints.begin(), shape->ints.end());
  int64_t known = 1, elements = weight.tensorType().getNumElements();
  for (auto [axis, size] : llvm::enumerate(sizes)) {
    if (size == 0 && int64_t(axis) < weight.tensorType().getRank())
      size = weight.tensorType().getDimSize(axis);
    if (size != -1 && __builtin_mul_overflow(known, size, &known))
      return {};
  }
  for (int64_t &size : sizes)
    if (size == -1)
      size = known <= 0 ? 0 : elements / known;
  bool possible = llvm::all_of(sizes, [&](int64_t size) { return size > 0 && size <= elements; });
  return possible ? reshapedWeight(weight, sizes) : lm::WeightOp();
}

/// The value that a node passes on unchanged, or null.
Value passedOn(lm::OpaqueOp node) {
  if (node.getInputs().empty() || node.getNumResults() != 1)
    return {};
  Value input = node.getInputs()[0];
  if (asNode(node, "Identity"))
    return input;
  bool training = inputOf(node, 2) != nullptr;
  if (asNode(node, "Dropout") && !training)
    return input;
  if ((asNode(node, "Cast") || asNode(node, "CastLike")) && elementTypeOf(input) &&
      elementTypeOf(input) == elementTypeOf(node.getResult(0)))
    return input;
  return {};
}

LogicalResult simplifyNodes(RaiseStep &step) {
  for (lm::OpaqueOp node : step.nodes()) {
    if (Value value = passedOn(node)) {
      node.getResult(0).replaceAllUsesWith(value);
      continue;
    }
    if (node.getInputs().empty() || node.getNumResults() != 1)
      continue;
    lm::WeightOp weight = lm::weightOf(node.getInputs()[0]);
    lm::WeightOp moved = weight ? movedWeight(node, weight) : lm::WeightOp();
    if (!moved)
      continue;
    OpBuilder builder(node);
    node.getResult(0).replaceAllUsesWith(readWeight(builder, node.getLoc(), moved));
  }
  return success();
}

struct SimplifyNodesPass : impl::SimplifyNodesPassBase<SimplifyNodesPass>, Reporting {
  void runOnOperation() override {
    if (failed(runStep(getOperation(), *report, simplifyNodes)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createSimplifyNodesPass(std::shared_ptr<RaiseReport> report) {
  return withReport<SimplifyNodesPass>(std::move(report));
}

} // namespace llmc::passes
