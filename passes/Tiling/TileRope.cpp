// Rotations: one vector chain over the halves of every head.
#include "passes/Tiling/EntryTiler.h"

using namespace mlir;

namespace llmc::passes {

using npu::StepKind;

/// Rows of the table for this chunk's positions, loaded once per entry.
FailureOr<TileTensor> EntryTiler::ropeRows(lm::RopeOp rope) {
  if (!rope.getRope())
    return rope.emitOpError() << "uses an explicit table, which has no kernel";
  auto known = ropeTables.find(rope.getRopeAttr());
  if (known != ropeTables.end())
    return known->second;
  auto constant =
      symbols.lookup<npu::ConstantOp>(constantName(module, ropeTableName(rope.getRopeAttr())));
  if (!constant)
    return rope.emitOpError() << "has no table in the weights segment; run llmc-layout-weights";
  int64_t dim = rope.getRopeAttr().getDim();
  TileTensor table{{}, npu::Element::F32, rows, dim, 0, dim * 4};
  table = loadRows("rope.rows", table, npu::Space::Weights, constant.getOffset(), positionArgument);
  ropeTables[rope.getRopeAttr()] = table;
  return table;
}

TileTensor EntryTiler::rotatedTensor(Value, int64_t columns, npu::Element element) {
  return out->tensor("rope", rows, columns, element);
}

LogicalResult EntryTiler::tileRope(lm::RopeOp rope, Value resultValue) {
  FailureOr<TileTensor> table = ropeRows(rope);
  if (failed(table))
    return failure();
  TileTensor input = tensorOf(rope.getInput());
  TileTensor result =
      rotatedTensor(resultValue, input.columns, tileElementOf(resultValue.getType()));
  int64_t perBlock = rowsPerBlock(input);
  for (int64_t first = 0; first < rows; first += perBlock) {
    int64_t count = std::min(perBlock, rows - first);
    rotateRows(rope, out->onChip("rope.input", input.rowsFrom(first, count)),
               table->rowsFrom(first, count), result.rowsFrom(first, count));
  }
  define(resultValue, result);
  return success();
}

/// Columns from `column` on, once for each head.
static OperandView headsFrom(const TileTensor &tensor, int64_t column, int64_t headDim) {
  OperandView view = viewOf(tensor);
  view.offset += column * tensor.elementBytes();
  view.bytes -= column * tensor.elementBytes();
  view.subStride = tensor.headStride ? tensor.headStride : headDim * tensor.elementBytes();
  return view;
}

void EntryTiler::rotateRows(lm::RopeOp rope, const TileTensor &input, const TileTensor &table,
                            const TileTensor &result) {
  int64_t heads = rope.getHeads(), headDim = input.columns / heads,
          dim = rope.getRopeAttr().getDim(), half = dim / 2;
  auto from = [&](int64_t column) { return headsFrom(input, column, headDim); };
  auto to = [&](int64_t column) { return headsFrom(result, column, headDim); };
  ChainBuilder chain(*out, input.rows, heads, {half, -1});
  int64_t x1 = chain.load(StepKind::LoadMatrix, from(0)),
          x2 = chain.load(StepKind::LoadMatrix, from(half));
  int64_t c = chain.load(StepKind::LoadMatrix, headsFrom(table, 0, 0)),
          s = chain.load(StepKind::LoadMatrix, headsFrom(table, half, 0));
  int64_t first =
      chain.step(StepKind::Sub, chain.step(StepKind::Mul, x1, c), chain.step(StepKind::Mul, x2, s));
  int64_t second =
      chain.step(StepKind::Add, chain.step(StepKind::Mul, x2, c), chain.step(StepKind::Mul, x1, s));
  chain.store(StepKind::StoreMatrix, to(0), first);
  chain.store(StepKind::StoreMatrix, to(half), second);
  chain.finish("rope");
  if (dim < headDim) { // the rest of every head passes unrotated
    ChainBuilder rest(*out, input.rows, heads, {headDim - dim, -1});
    rest.store(StepKind::StoreMatrix, to(dim), rest.load(StepKind::LoadMatrix, from(dim)));
    rest.finish("rope.rest");
  }
}

} // namespace llmc::passes
