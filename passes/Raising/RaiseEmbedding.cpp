// Pass llmc-raise-embedding: rows of a table by token id.
//
// No match where
//   1. the table is no constant of rank 2, or not of f32;
//   2. rows are not gathered along axis 0;
//   3. (quantized) groups do not run along the row, or the grid has no format.
#include "passes/Raising/RaiseEmbedding.h"

#include "dialects/Lm/LmWeights.h"
#include "passes/Raising/BlockQuantized.h"
#include "passes/Raising/RaisePass.h"
#include "passes/Raising/WeightViews.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_RAISEEMBEDDINGPASS
#include "passes/Raising/RaiseEmbedding.h.inc"

namespace {

/// The token ids, perhaps converted.
bool isIds(Value value) {
  if (lm::OpaqueOp cast = definingNode(value, "Cast"))
    value = cast.getInputs()[0];
  return roleOf(value) == Role::Ids;
}

RankedTensorType rowsType(OpBuilder &builder, int64_t channels) {
  return RankedTensorType::get({ShapedType::kDynamic, channels}, builder.getF32Type());
}

bool raiseGather(RaiseStep &step, lm::OpaqueOp node, Attempt &attempt) {
  lm::WeightOp table = lm::weightOf(node.getInputs()[0]);
  if (!attempt.require(table && table.tensorType().getRank() == 2 &&
                           table.tensorType().getElementType().isF32(),
                       "the table must be a constant of rank 2 and type f32") ||
      !attempt.require(intAttribute(node, "axis", 0) == 0, "rows must be gathered along axis 0"))
    return false;
  OpBuilder builder(node);
  Value embed = lm::EmbedOp::create(builder, node.getLoc(),
                                    rowsType(builder, table.tensorType().getDimSize(1)),
                                    argumentOf(step.program, Role::Tokens), node.getInputs()[0]);
  Type type = node.getResult(0).getType();
  node.getResult(0).replaceAllUsesWith(addBatch(builder, node.getLoc(), embed, type));
  return true;
}

bool raiseQuantizedGather(RaiseStep &step, lm::OpaqueOp node, Attempt &attempt) {
  if (!attempt.require(intAttribute(node, "gather_axis", 0) == 0 &&
                           intAttribute(node, "quantize_axis", 1) == 1,
                       "gather_axis must be 0 and quantize_axis 1"))
    return false;
  BlockQuantizedForm form;
  form.packed = node.getInputs()[0];
  form.scales = node.getInputs()[2];
  form.zeroPoints = inputOf(node, 3);
  form.bits = intAttribute(node, "bits", 4);
  form.group = intAttribute(node, "block_size", 128);
  lm::WeightOp packed = lm::weightOf(form.packed);
  if (!attempt.require(packed && packed.tensorType().getRank() == 2 && form.bits > 0,
                       "the table must be a constant of rank 2"))
    return false;
  form.rows = packed.tensorType().getDimSize(0);
  form.columns = packed.tensorType().getDimSize(1) * 8 / form.bits;
  std::optional<BlockQuantized> table = unpackBlocks(form, attempt);
  if (!table)
    return false;
  OpBuilder builder(node);
  Location loc = node.getLoc();
  Value embed = lm::QuantizedEmbedOp::create(
      builder, loc, rowsType(builder, form.columns), argumentOf(step.program, Role::Tokens),
      readWeight(builder, loc, table->integers), readWeight(builder, loc, table->scales), Value(),
      table->format);
  Type type = node.getResult(0).getType();
  node.getResult(0).replaceAllUsesWith(addBatch(builder, loc, embed, type));
  return true;
}

LogicalResult raiseEmbedding(RaiseStep &step) {
  for (lm::OpaqueOp node : step.nodes()) {
    bool plain = bool(asNode(node, "Gather"));
    bool quantized = bool(asNode(node, "GatherBlockQuantized", microsoftDomain));
    if ((!plain && !quantized) || node.getInputs().size() < (plain ? 2 : 3) ||
        !isIds(node.getInputs()[1]))
      continue;
    Attempt attempt;
    bool matched =
        plain ? raiseGather(step, node, attempt) : raiseQuantizedGather(step, node, attempt);
    conclude(step.report, plain ? "embed" : "quantized_embed", node, matched, attempt);
  }
  return success();
}

struct RaiseEmbeddingPass : impl::RaiseEmbeddingPassBase<RaiseEmbeddingPass>, Reporting {
  void runOnOperation() override {
    if (failed(runStep(getOperation(), *report, raiseEmbedding)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createRaiseEmbeddingPass(std::shared_ptr<RaiseReport> report) {
  return withReport<RaiseEmbeddingPass>(std::move(report));
}

} // namespace llmc::passes
