// Row operations: one vector chain per group.
#include "passes/Tiling/EntryTiler.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace llmc::passes {

namespace {

using npu::StepKind;

/// Follows the operations of one group and keeps which step holds which value.
class RowChain {
public:
  RowChain(ProgramBuilder &out, int64_t rows, int64_t columns)
      : chain(out, rows, 1, {columns, -1}), columns(columns) {}

  ChainBuilder chain;
  DenseMap<Value, int64_t> steps; ///< Must hold the operands of what is appended.

  /// Whether the vector engine has steps for `op`.
  static bool accepts(Operation *op) {
    return isa<lm::RmsNormOp, lm::AddOp, lm::GatedActOp, lm::RoundF16Op, lm::QuantizeRowsOp>(op);
  }

  void append(Operation *op) {
    llvm::TypeSwitch<Operation *>(op)
        .Case<lm::RmsNormOp, lm::AddOp, lm::GatedActOp, lm::RoundF16Op, lm::QuantizeRowsOp>(
            [&](auto known) { appendSteps(known); });
  }

private:
  int64_t multiply(int64_t a, int64_t b) { return chain.step(StepKind::Mul, a, b); }

  void appendSteps(lm::RmsNormOp norm) {
    int64_t x = steps[norm.getInput()], sum = chain.step(StepKind::SumLanes, multiply(x, x)),
            mean = multiply(sum, chain.constant(1.0f / float(columns))),
            epsilon = chain.constant(norm.getEpsilon().convertToFloat()),
            factor = chain.step(StepKind::Rsqrt, chain.step(StepKind::Add, mean, epsilon));
    steps[norm.getResult()] = multiply(multiply(x, factor), steps[norm.getWeight()]);
  }

  void appendSteps(lm::AddOp add) {
    steps[add.getResult()] = chain.step(StepKind::Add, steps[add.getLhs()], steps[add.getRhs()]);
  }

  void appendSteps(lm::GatedActOp gated) {
    steps[gated.getResult()] = multiply(chain.silu(steps[gated.getGate()]), steps[gated.getUp()]);
  }

  /// The store rounds.
  void appendSteps(lm::RoundF16Op round) { steps[round.getResult()] = steps[round.getInput()]; }

  void appendSteps(lm::QuantizeRowsOp quantize) {
    int64_t x = steps[quantize.getInput()], largest = chain.step(StepKind::AbsMax, x);
    steps[quantize.getValues()] = multiply(x, chain.step(StepKind::InverseScale, largest));
    steps[quantize.getScales()] = chain.step(StepKind::ActivationScale, largest);
  }

  int64_t columns;
};

npu::Element elementOf(Type type) {
  Type element = cast<RankedTensorType>(type).getElementType();
  return element.isF16()        ? npu::Element::F16
         : element.isInteger(8) ? npu::Element::I8
                                : npu::Element::F32;
}

} // namespace

LogicalResult EntryTiler::tileRowwise(ArrayRef<Operation *> ops, ValueRange results,
                                      const std::string &label) {
  int64_t columns = cast<RankedTensorType>(ops.front()->getOperand(0).getType()).getDimSize(1);
  RowChain row(*out, rows, columns);
  for (Operation *op : ops) {
    if (!RowChain::accepts(op))
      return op->emitOpError() << "cannot be part of a vector chain";
    for (Value operand : op->getOperands()) {
      if (row.steps.contains(operand))
        continue;
      auto norm = dyn_cast<lm::RmsNormOp>(op);
      if (!norm || operand != norm.getWeight()) {
        row.steps[operand] = row.chain.load(StepKind::LoadMatrix, viewOf(tensorOf(operand)));
        continue;
      }
      FailureOr<OperandView> weight = loadVector(operand, "norm.weight");
      if (failed(weight))
        return failure();
      row.steps[operand] = row.chain.load(StepKind::LoadRow, *weight);
    }
    row.append(op);
  }
  Operation *last = ops.back();
  for (auto [result, value] : llvm::zip(results, last->getResults())) {
    bool isScalar = cast<RankedTensorType>(result.getType()).getRank() == 1;
    TileTensor into = isa<lm::AddOp>(last) ? resultLike(last, last->getOperand(0), label)
                                           : out->tensor(label, rows, isScalar ? 1 : columns,
                                                         elementOf(result.getType()));
    row.chain.store(isScalar ? StepKind::StoreScalar : StepKind::StoreMatrix, viewOf(into),
                    row.steps[value]);
    tensors[result] = into;
  }
  row.chain.finish(label);
  return success();
}

/// A vector of the weights segment, in a buffer of its own.
FailureOr<OperandView> EntryTiler::loadVector(Value vector, const std::string &label) {
  FailureOr<ConstantPlace> place = placeOf(vector);
  if (failed(place))
    return failure();
  int64_t bytes = cast<RankedTensorType>(vector.getType()).getDimSize(0) * 4;
  npu::PlaceAttr from = out->place(npu::Space::Weights, place->offset, -1, 0, place->tripStride);
  Value buffer = out->load(label, from, {bytes, -1});
  return OperandView{buffer, npu::Element::F32, 0, 0, 0, bytes};
}

LogicalResult EntryTiler::tileEmbed(lm::QuantizedEmbedOp embed) {
  FailureOr<ConstantPlace> place = placeOf(embed.getTable());
  if (failed(place))
    return failure();
  auto type = cast<RankedTensorType>(embed.getTable().getType());
  int64_t columns = type.getDimSize(1);
  lm::FormatAttr format = embed.getFormat();
  RecordLayout record = recordLayout(format, columns, target.getRecordAlignment());
  Value records =
      out->gather("embedding.rows", out->place(npu::Space::Weights, place->offset), record.bytes,
                  rows, out->place(npu::Space::Ids, 0), type.getDimSize(0));
  auto part = [&](npu::Element element, int64_t offset) {
    return OperandView{records, element, offset, record.bytes, 0, rows * record.bytes - offset};
  };
  ChainBuilder chain(*out, rows, 1, {columns, -1});
  int64_t value =
      chain.load(StepKind::LoadMatrix,
                 part(format.elementBits() == 4 ? npu::Element::I4 : npu::Element::I8, 0));
  if (format.getScale() == lm::ScaleKind::Multiplier) {
    int64_t stored = chain.load(StepKind::LoadGroup, part(npu::Element::U4, record.multipliers),
                                float(format.getGroup()));
    value =
        chain.step(StepKind::Mul, value, chain.step(StepKind::Add, stored, chain.constant(1.0f)));
  }
  bool perRow = format.getGroup() == 0 || format.getScale() == lm::ScaleKind::Multiplier;
  npu::Element scaleElement =
      format.getScale() == lm::ScaleKind::F16 ? npu::Element::F16 : npu::Element::F32;
  int64_t scale = perRow ? chain.load(StepKind::LoadScalar, part(scaleElement, record.scales))
                         : chain.load(StepKind::LoadGroup, part(scaleElement, record.scales),
                                      float(format.getGroup()));
  TileTensor result = out->tensor("hidden", rows, columns, npu::Element::F32);
  chain.store(StepKind::StoreMatrix, viewOf(result), chain.step(StepKind::Mul, value, scale));
  chain.finish("embedding");
  tensors[embed.getResult()] = result;
  return success();
}

/// Rows of the table for this chunk's positions, loaded once per entry.
FailureOr<TileTensor> EntryTiler::ropeRows(lm::RopeOp rope) {
  if (!rope.getRope())
    return rope.emitOpError() << "uses an explicit table, which has no kernel";
  auto known = ropeTables.find(rope.getRopeAttr());
  if (known != ropeTables.end())
    return known->second;
  auto constant = symbols.lookup<npu::ConstantOp>("packed." + ropeTableName(rope.getRopeAttr()));
  if (!constant)
    return rope.emitOpError() << "has no table in the weights segment; run llmc-layout-weights";
  int64_t dim = rope.getRopeAttr().getDim();
  TileTensor table{{}, npu::Element::F32, rows, dim, 0, dim * 4};
  npu::PlaceAttr from =
      out->place(npu::Space::Weights, constant.getOffset(), positionArgument, dim * 4);
  table.buffer = out->load("rope.rows", from, {rows * dim * 4, -1}, 1, /*stream=*/false);
  ropeTables[rope.getRopeAttr()] = table;
  return table;
}

LogicalResult EntryTiler::tileRope(lm::RopeOp rope, Value resultValue) {
  FailureOr<TileTensor> table = ropeRows(rope);
  if (failed(table))
    return failure();
  const TileTensor &input = tensorOf(rope.getInput());
  int64_t heads = rope.getHeads(), headDim = input.columns / heads,
          dim = rope.getRopeAttr().getDim(), half = dim / 2;
  npu::Element element = elementOf(resultValue.getType());
  TileTensor result = out->tensor("rope", rows, input.columns, element);
  int64_t size = npu::bitsOf(element) / 8;
  auto from = [&](int64_t column) {
    return OperandView{input.buffer,      npu::Element::F32, input.offset + column * 4,
                       input.tokenStride, headDim * 4,       input.bytes() - column * 4};
  };
  auto to = [&](int64_t column) {
    return OperandView{result.buffer,      element,        column * size,
                       result.tokenStride, headDim * size, result.bytes() - column * size};
  };
  auto tableAt = [&](int64_t column) {
    return OperandView{table->buffer,
                       npu::Element::F32,
                       column * 4,
                       table->tokenStride,
                       0,
                       table->bytes() - column * 4};
  };
  ChainBuilder chain(*out, rows, heads, {half, -1});
  int64_t x1 = chain.load(StepKind::LoadMatrix, from(0)),
          x2 = chain.load(StepKind::LoadMatrix, from(half));
  int64_t c = chain.load(StepKind::LoadMatrix, tableAt(0)),
          s = chain.load(StepKind::LoadMatrix, tableAt(half));
  int64_t first =
      chain.step(StepKind::Sub, chain.step(StepKind::Mul, x1, c), chain.step(StepKind::Mul, x2, s));
  int64_t second =
      chain.step(StepKind::Add, chain.step(StepKind::Mul, x2, c), chain.step(StepKind::Mul, x1, s));
  chain.store(StepKind::StoreMatrix, to(0), first);
  chain.store(StepKind::StoreMatrix, to(half), second);
  chain.finish("rope");
  if (dim < headDim) { // the rest of every head passes unrotated
    ChainBuilder rest(*out, rows, heads, {headDim - dim, -1});
    rest.store(StepKind::StoreMatrix, to(dim), rest.load(StepKind::LoadMatrix, from(dim)));
    rest.finish("rope.rest");
  }
  tensors[resultValue] = result;
  return success();
}

} // namespace llmc::passes
