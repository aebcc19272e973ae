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

} // namespace

/// Norm weights are loaded once, whatever the number of blocks.
FailureOr<EntryTiler::RowInputs> EntryTiler::rowInputs(ArrayRef<Operation *> ops) {
  RowInputs inputs;
  llvm::SmallPtrSet<Value, 8> known;
  for (Operation *op : ops) {
    if (!RowChain::accepts(op))
      return op->emitOpError() << "cannot be part of a vector chain";
    for (Value operand : op->getOperands()) {
      auto norm = dyn_cast<lm::RmsNormOp>(op);
      if (!known.insert(operand).second)
        continue;
      if (!norm || operand != norm.getWeight()) {
        inputs.matrices.push_back(operand);
        continue;
      }
      FailureOr<OperandView> weight = loadVector(operand, "norm.weight");
      if (failed(weight))
        return failure();
      inputs.vectors[operand] = *weight;
    }
    known.insert_range(op->getResults());
  }
  return inputs;
}

void EntryTiler::rowBlock(ArrayRef<Operation *> ops, const RowInputs &inputs,
                          MutableArrayRef<Outlet> outlets, int64_t first, int64_t count,
                          const std::string &label) {
  int64_t columns = cast<RankedTensorType>(ops.front()->getOperand(0).getType()).getDimSize(1);
  RowChain row(*out, count, columns);
  for (Operation *op : ops) {
    for (Value operand : op->getOperands()) {
      if (row.steps.contains(operand))
        continue;
      auto vector = inputs.vectors.find(operand);
      row.steps[operand] =
          vector != inputs.vectors.end()
              ? row.chain.load(StepKind::LoadRow, vector->second)
              : row.chain.load(
                    StepKind::LoadMatrix,
                    viewOf(out->onChip(label + ".rows", tensorOf(operand).rowsFrom(first, count))));
    }
    row.append(op);
  }
  for (auto [outlet, value] : llvm::zip(outlets, ops.back()->getResults())) {
    bool isScalar = cast<RankedTensorType>(value.getType()).getRank() == 1;
    TileTensor part = outlet.open(first, count, 0, isScalar ? 1 : columns);
    row.chain.store(isScalar ? StepKind::StoreScalar : StepKind::StoreMatrix, viewOf(part),
                    row.steps[value]);
  }
  row.chain.finish(label);
  for (Outlet &outlet : outlets)
    outlet.close();
}

LogicalResult EntryTiler::tileRowwise(ArrayRef<Operation *> ops, ValueRange results,
                                      const std::string &label) {
  Operation *last = ops.back();
  int64_t columns = cast<RankedTensorType>(ops.front()->getOperand(0).getType()).getDimSize(1);
  FailureOr<RowInputs> inputs = rowInputs(ops);
  if (failed(inputs))
    return failure();
  SmallVector<TileTensor> touched, into;
  for (Value value : inputs->matrices)
    touched.push_back(tensorOf(value));
  for (Value result : results) {
    bool isScalar = cast<RankedTensorType>(result.getType()).getRank() == 1;
    into.push_back(isa<lm::AddOp>(last) ? resultLike(last, last->getOperand(0), result, label)
                                        : newTensor(result, label, isScalar ? 1 : columns,
                                                    tileElementOf(result.getType())));
  }
  touched.append(into);
  int64_t perBlock = rowsPerBlock(touched);
  SmallVector<Outlet, 2> outlets;
  for (const TileTensor &tensor : into)
    outlets.emplace_back(*out, label, tensor, perBlock, tensor.columns);
  for (int64_t first = 0; first < rows; first += perBlock)
    rowBlock(ops, *inputs, outlets, first, std::min(perBlock, rows - first), label);
  for (auto [result, tensor] : llvm::zip(results, into))
    define(result, tensor);
  return success();
}

npu::PlaceAttr EntryTiler::placeAttr(const ConstantPlace &place) {
  return out->place(place.space, place.offset, -1, 0, place.tripStride);
}

Value EntryTiler::loadConstant(const std::string &label, const ConstantPlace &place,
                               int64_t bytes) {
  return out->load(label, placeAttr(place), {bytes, -1});
}

/// A vector of the weights segment, in a buffer of its own.
FailureOr<OperandView> EntryTiler::loadVector(Value vector, const std::string &label) {
  FailureOr<ConstantPlace> place = placeOf(vector);
  if (failed(place))
    return failure();
  int64_t bytes = cast<RankedTensorType>(vector.getType()).getDimSize(0) * 4;
  return OperandView{loadConstant(label, *place, bytes), npu::Element::F32, 0, 0, 0, bytes};
}

LogicalResult EntryTiler::tileEmbed(lm::QuantizedEmbedOp embed) {
  FailureOr<ConstantPlace> place = placeOf(embed.getTable(), /*gathered=*/true);
  if (failed(place))
    return failure();
  auto type = cast<RankedTensorType>(embed.getTable().getType());
  int64_t columns = type.getDimSize(1);
  RecordLayout record = recordLayout(embed.getFormat(), columns, target.getRecordAlignment());
  Value records =
      out->gather("embedding.rows", out->place(npu::Space::Weights, place->offset), record.bytes,
                  rows, out->place(npu::Space::Ids, 0), type.getDimSize(0));
  TileTensor result = newTensor(embed.getResult(), "hidden", columns, npu::Element::F32);
  int64_t perBlock = rowsPerBlock(result);
  Outlet outlet(*out, "hidden", result, perBlock, columns);
  for (int64_t first = 0; first < rows; first += perBlock) {
    TileTensor block = outlet.open(first, std::min(perBlock, rows - first), 0, columns);
    embedRows(embed.getFormat(), record, records, first, block);
    outlet.close();
  }
  define(embed.getResult(), result);
  return success();
}

/// From the records of a chunk's ids, `result` being the rows from `first` on.
void EntryTiler::embedRows(lm::FormatAttr format, const RecordLayout &record, Value records,
                           int64_t first, const TileTensor &result) {
  auto part = [&](npu::Element element, int64_t offset) {
    return OperandView{records,      element, first * record.bytes + offset,
                       record.bytes, 0,       result.rows * record.bytes - offset};
  };
  ChainBuilder chain(*out, result.rows, 1, {result.columns, -1});
  int64_t value = chain.load(StepKind::LoadMatrix, part(weightElementOf(format), 0));
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
  chain.store(StepKind::StoreMatrix, viewOf(result), chain.step(StepKind::Mul, value, scale));
  chain.finish("embedding");
}

} // namespace llmc::passes
