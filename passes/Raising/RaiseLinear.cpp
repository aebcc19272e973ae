// Pass llmc-raise-linear: linear layers, plain and quantized.
//
// Considered are products of an activation with a constant. No match where
//   1. the constant has not rank 2, type f32 and the activation's channels as rows;
//   2. (MatMulNBits) K, N or the sizes of packed weight and scales disagree, the grid is
//   asymmetric,
//      columns are permuted (g_idx), or the weight is in a vendor's layout (weight_prepacked).
#include "passes/Raising/RaiseLinear.h"

#include "dialects/Lm/LmWeights.h"
#include "passes/Raising/BlockQuantized.h"
#include "passes/Raising/RaisePass.h"
#include "passes/Raising/WeightViews.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_RAISELINEARPASS
#include "passes/Raising/RaiseLinear.h.inc"

namespace {

class LinearRaiser {
public:
  explicit LinearRaiser(RaiseStep &step) : step(step), probes(probeAll(step.program)) {}

  LogicalResult run() {
    for (lm::OpaqueOp node : step.nodes()) {
      Attempt attempt;
      if (asNode(node, "MatMul") && lm::weightOf(node.getInputs()[1]) &&
          isActivation(probes, node.getInputs()[0]))
        conclude(step.report, "linear", node, raiseMatMul(node, attempt), attempt);
      else if (asNode(node, "MatMulNBits", microsoftDomain))
        conclude(step.report, "quantized_linear", node, raiseMatMulNBits(node, attempt), attempt);
    }
    return success();
  }

private:
  static RankedTensorType rowsType(OpBuilder &builder, int64_t channels, Type element) {
    return RankedTensorType::get({ShapedType::kDynamic, channels}, element);
  }

  bool isBias(Value value, int64_t channels) {
    lm::WeightOp weight = value ? lm::weightOf(value) : lm::WeightOp();
    return weight && weight.tensorType().getElementType().isF32() &&
           weight.tensorType().getShape() == ArrayRef<int64_t>{channels};
  }

  /// The Add that does nothing but add a bias to the product, and the bias.
  std::pair<lm::OpaqueOp, Value> biasOf(lm::OpaqueOp product, int64_t channels) {
    lm::OpaqueOp add = asNode(soleUser(product.getResult(0)), "Add");
    if (!add)
      return {};
    for (Value operand : add.getInputs())
      if (isBias(operand, channels))
        return {add, operand};
    return {};
  }

  bool raiseMatMul(lm::OpaqueOp node, Attempt &attempt) {
    lm::WeightOp weight = lm::weightOf(node.getInputs()[1]);
    int64_t channels = channelsOf(probes, node.getInputs()[0]);
    RankedTensorType type = weight.tensorType();
    if (!attempt.require(type.getRank() == 2 && type.getElementType().isF32() &&
                             type.getDimSize(0) == channels,
                         "the weight must be f32 of shape " + Twine(channels) + " x outputs"))
      return false;
    int64_t outputs = type.getDimSize(1);
    auto [add, bias] = biasOf(node, outputs);
    lm::OpaqueOp last = add ? add : node;
    OpBuilder builder(last);
    Location loc = node.getLoc();
    Value input = dropBatch(builder, loc, node.getInputs()[0], channels);
    Value rows =
        lm::LinearOp::create(builder, loc, rowsType(builder, outputs, builder.getF32Type()), input,
                             readWeight(builder, loc, transposedWeight(weight)), bias);
    replaceByRows(probes, builder, last.getResult(0), rows);
    return true;
  }

  bool checkNBits(lm::OpaqueOp node, BlockQuantizedForm &form, Attempt &attempt) {
    if (!attempt.require(node.getInputs().size() >= 3, "it must have weight and scales"))
      return false;
    form.packed = node.getInputs()[1];
    form.scales = node.getInputs()[2];
    form.zeroPoints = inputOf(node, 3);
    form.rows = intAttribute(node, "N", 0);
    form.columns = intAttribute(node, "K", 0);
    form.bits = intAttribute(node, "bits", 4);
    form.group = intAttribute(node, "block_size", 0);
    return attempt.require(!inputOf(node, 4), "it permutes columns (g_idx)") &&
           attempt.require(intAttribute(node, "weight_prepacked", 0) == 0,
                           "its weight is in a vendor's layout (weight_prepacked)") &&
           attempt.require(channelsOf(probes, node.getInputs()[0]) == form.columns,
                           "its input must be an activation of K = " + Twine(form.columns) +
                               " channels") &&
           attempt.require(!inputOf(node, 5) || isBias(inputOf(node, 5), form.rows),
                           "its bias must be a constant of N elements");
  }

  bool raiseMatMulNBits(lm::OpaqueOp node, Attempt &attempt) {
    BlockQuantizedForm form;
    if (!checkNBits(node, form, attempt))
      return false;
    std::optional<BlockQuantized> weight = unpackBlocks(form, attempt);
    if (!weight)
      return false;
    Value bias = inputOf(node, 5);
    lm::OpaqueOp last = node;
    if (auto [add, added] = biasOf(node, form.rows); add && !bias) {
      last = add;
      bias = added;
    }
    OpBuilder builder(last);
    Location loc = node.getLoc();
    Value input = dropBatch(builder, loc, node.getInputs()[0], form.columns);
    auto quantized = lm::QuantizeRowsOp::create(
        builder, loc, rowsType(builder, form.columns, builder.getI8Type()),
        RankedTensorType::get({ShapedType::kDynamic}, builder.getF32Type()), input);
    Value rows = lm::QuantizedLinearOp::create(
        builder, loc, rowsType(builder, form.rows, builder.getF32Type()), quantized.getValues(),
        quantized.getScales(), readWeight(builder, loc, weight->integers),
        readWeight(builder, loc, weight->scales), Value(), bias, weight->format);
    replaceByRows(probes, builder, last.getResult(0), rows);
    int64_t level = intAttribute(node, "accuracy_level", 0);
    step.report.addNote("MatMulNBits: accuracy_level " + std::to_string(level) +
                            " is not followed; activations are int8 per row, dynamic",
                        node.getNodeName());
    return true;
  }

  RaiseStep &step;
  SmallVector<Probe> probes;
};

struct RaiseLinearPass : impl::RaiseLinearPassBase<RaiseLinearPass>, Reporting {
  void runOnOperation() override {
    auto step = [](RaiseStep &state) { return LinearRaiser(state).run(); };
    if (failed(runStep(getOperation(), *report, step)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createRaiseLinearPass(std::shared_ptr<RaiseReport> report) {
  return withReport<RaiseLinearPass>(std::move(report));
}

} // namespace llmc::passes
