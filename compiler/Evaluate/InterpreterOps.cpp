// The computing operations, by the reference kernels.
#include "compiler/Evaluate/Interpreter.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cstring>

using namespace mlir;

namespace llmc::evaluate {

LogicalResult Interpreter::runComputation(Operation *op) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<lm::EmbedOp, lm::QuantizedEmbedOp, lm::LinearOp, lm::QuantizeRowsOp,
            lm::QuantizedLinearOp, lm::RmsNormOp, lm::RopeOp, lm::RoundF16Op, lm::AttentionOp,
            lm::GatedActOp, lm::AddOp>([&](auto known) { return compute(known); })
      .Default([](Operation *unknown) {
        return unknown->emitError("the reference evaluator has no semantics for this operation");
      });
}

//===-- Operands -----------------------------------------------------------------===//

FloatMatrix Interpreter::matrixOf(Value operand) {
  const lm::WeightView &view = value(operand).weight->view;
  FloatMatrix matrix{view.data + view.offset * (view.elementType.getIntOrFloatBitWidth() / 8),
                     view.strides[0], view.strides[1], uint32_t(view.shape[0]),
                     uint32_t(view.shape[1])};
  if (view.elementType.isF16() || view.elementType.isBF16())
    matrix.storage = view.elementType.isF16() ? FloatStorage::F16 : FloatStorage::Bf16;
  return matrix;
}

const char *Interpreter::denseOf(Value operand) { return value(operand).weight->dense(); }

const float *Interpreter::vectorOf(Value operand) {
  return operand ? reinterpret_cast<const float *>(denseOf(operand)) : nullptr;
}

QuantizedMatrix Interpreter::quantizedOf(Value weight, Value scales, Value multipliers,
                                         lm::FormatAttr format) {
  QuantizedMatrix matrix;
  const lm::WeightView &view = value(weight).weight->view;
  matrix.elements = reinterpret_cast<const int8_t *>(denseOf(weight));
  matrix.rows = uint32_t(view.shape[0]);
  matrix.columns = uint32_t(view.shape[1]);
  matrix.block = format.getGroup();
  if (format.getScale() == lm::ScaleKind::F16)
    matrix.halfScales = reinterpret_cast<const uint16_t *>(denseOf(scales));
  else
    matrix.scales = reinterpret_cast<const float *>(denseOf(scales));
  if (multipliers)
    matrix.multipliers = reinterpret_cast<const uint8_t *>(denseOf(multipliers));
  return matrix;
}

/// An id beyond the table is the caller's mistake; says which.
static LogicalResult checkIds(Operation *op, int64_t bad, const int32_t *ids, uint32_t rows) {
  if (bad < 0)
    return success();
  return op->emitOpError() << "id " << ids[bad] << " at index " << bad
                           << " is outside the vocabulary of " << rows << " ids";
}

//===-- Embedding and linear layers ----------------------------------------------===//

LogicalResult Interpreter::compute(lm::EmbedOp op) {
  const Datum &ids = value(op.getIds());
  FloatMatrix table = matrixOf(op.getTable());
  Datum result = newDatum(Float32Type::get(op.getContext()), {ids.shape[0], table.columns});
  int64_t bad = embed(ids.as<int32_t>(), uint32_t(ids.shape[0]), table, result.as<float>());
  if (failed(checkIds(op, bad, ids.as<int32_t>(), table.rows)))
    return failure();
  return define(op, 0, std::move(result));
}

LogicalResult Interpreter::compute(lm::QuantizedEmbedOp op) {
  const Datum &ids = value(op.getIds());
  QuantizedMatrix table =
      quantizedOf(op.getTable(), op.getScales(), op.getMultipliers(), op.getFormat());
  Datum result = newDatum(Float32Type::get(op.getContext()), {ids.shape[0], table.columns});
  int64_t bad =
      quantizedEmbed(ids.as<int32_t>(), uint32_t(ids.shape[0]), table, result.as<float>());
  if (failed(checkIds(op, bad, ids.as<int32_t>(), table.rows)))
    return failure();
  return define(op, 0, std::move(result));
}

LogicalResult Interpreter::compute(lm::LinearOp op) {
  const Datum &input = value(op.getInput());
  FloatMatrix weight = matrixOf(op.getWeight());
  Datum result = newDatum(input.elementType, {input.shape[0], weight.rows});
  linear(workers, input.as<float>(), uint32_t(input.shape[0]), weight, vectorOf(op.getBias()),
         result.as<float>());
  return define(op, 0, std::move(result));
}

LogicalResult Interpreter::compute(lm::QuantizeRowsOp op) {
  const Datum &input = value(op.getInput());
  Datum rows = newDatum(IntegerType::get(op.getContext(), 8), input.shape);
  Datum scales = newDatum(input.elementType, {input.shape[0]});
  // A scale that is not finite is found where it is defined.
  quantizeRows(workers, input.as<float>(), uint32_t(input.shape[0]), uint32_t(input.shape[1]),
               rows.as<int8_t>(), scales.as<float>());
  return success(succeeded(define(op, 1, std::move(scales))) &&
                 succeeded(define(op, 0, std::move(rows))));
}

LogicalResult Interpreter::compute(lm::QuantizedLinearOp op) {
  const Datum &input = value(op.getInput()), &rowScales = value(op.getInputScales());
  QuantizedMatrix weight =
      quantizedOf(op.getWeight(), op.getScales(), op.getMultipliers(), op.getFormat());
  Datum result = newDatum(rowScales.elementType, {input.shape[0], weight.rows});
  quantizedLinear(workers, input.as<int8_t>(), rowScales.as<float>(), uint32_t(input.shape[0]),
                  weight, vectorOf(op.getBias()), result.as<float>());
  return define(op, 0, std::move(result));
}

//===-- Rows ---------------------------------------------------------------------===//

LogicalResult Interpreter::compute(lm::RmsNormOp op) {
  const Datum &input = value(op.getInput());
  Datum result = newDatum(input.elementType, input.shape);
  rmsNorm(workers, input.as<float>(), uint32_t(input.shape[0]), uint32_t(input.shape[1]),
          vectorOf(op.getWeight()), op.getEpsilon().convertToFloat(), result.as<float>());
  return define(op, 0, std::move(result));
}

LogicalResult Interpreter::compute(lm::GatedActOp op) {
  const Datum &gate = value(op.getGate()), &up = value(op.getUp());
  Datum result = newDatum(gate.elementType, gate.shape);
  swiglu(workers, gate.as<float>(), up.as<float>(), size_t(gate.elements()), result.as<float>());
  return define(op, 0, std::move(result));
}

LogicalResult Interpreter::compute(lm::AddOp op) {
  const Datum &lhs = value(op.getLhs()), &rhs = value(op.getRhs());
  Datum result = newDatum(lhs.elementType, lhs.shape);
  add(lhs.as<float>(), rhs.as<float>(), size_t(lhs.elements()), result.as<float>());
  return define(op, 0, std::move(result));
}

LogicalResult Interpreter::compute(lm::RoundF16Op op) {
  const Datum &input = value(op.getInput());
  Datum result = newDatum(Float16Type::get(op.getContext()), input.shape);
  int64_t bad =
      roundToHalf(input.as<float>(), size_t(input.elements()), result.as<uint16_t>(), saturated);
  if (bad != allFinite)
    return op.emitOpError() << "input is NaN or infinite at position "
                            << start + bad / input.shape[1];
  return define(op, 0, std::move(result));
}

//===-- Positions ----------------------------------------------------------------===//

RopeTable Interpreter::explicitTable(lm::RopeOp op) {
  const lm::WeightView &shape = value(op.getCos()).weight->view;
  RopeTable table;
  table.positions = uint32_t(shape.shape[0]);
  table.half = uint32_t(shape.shape[1]);
  size_t count = size_t(table.positions) * table.half;
  const float *cos = vectorOf(op.getCos()), *sin = vectorOf(op.getSin());
  table.cos.assign(cos, cos + count);
  table.sin.assign(sin, sin + count);
  return table;
}

/// The table of the op's formula, grown to reach `positions`, or the model's own.
const RopeTable &Interpreter::tableOf(lm::RopeOp op, int64_t positions) {
  if (!op.getRope()) {
    const LoadedWeight *cos = value(op.getCos()).weight, *sin = value(op.getSin()).weight;
    RopeTable &table = ropeTables[{cos, sin}];
    if (table.positions == 0)
      table = explicitTable(op);
    return table;
  }
  lm::RopeAttr rope = *op.getRope();
  RopeTable &table = ropeTables[{rope.getAsOpaquePointer(), nullptr}];
  if (table.positions < positions) {
    uint32_t reach = uint32_t(std::max<int64_t>(positions, 2 * int64_t(table.positions)));
    table = makeRopeTable(ropeInverseFrequencies(rope.getBase().getValueAsDouble(), rope.getDim()),
                          reach, float(rope.getScaling().getValueAsDouble()));
  }
  return table;
}

LogicalResult Interpreter::compute(lm::RopeOp op) {
  const Datum &input = value(op.getInput());
  int64_t position = value(op.getPosition()).integer, end = position + input.shape[0];
  const RopeTable &table = tableOf(op, end);
  if (end > table.positions)
    return op.emitOpError() << "needs position " << end - 1 << ", the model's tables have "
                            << table.positions << " positions; use a shorter context";
  Datum result = newDatum(input.elementType, input.shape);
  uint32_t heads = uint32_t(op.getHeads());
  applyRope(input.as<float>(), uint32_t(input.shape[0]), heads, uint32_t(input.shape[1]) / heads,
            uint32_t(position), table, result.as<float>());
  return define(op, 0, std::move(result));
}

const char *Interpreter::append(std::vector<char> &cache, size_t rowBytes, const Datum &rows) {
  size_t before = size_t(start) * rowBytes, added = size_t(rows.shape[0]) * rowBytes;
  if (cache.size() < before + added)
    cache.resize(before + added);
  std::memcpy(cache.data() + before, rows.buffer->data(), added);
  return cache.data();
}

LogicalResult Interpreter::compute(lm::AttentionOp op) {
  const Datum &q = value(op.getQ()), &k = value(op.getK()), &v = value(op.getV());
  KvCache *cache = state->find(op.getStateAttr().getAttr());
  int64_t index = value(op.getLayer()).integer;
  if (!cache || index < 0 || index >= cache->layers)
    return op.emitOpError() << "layer " << index << " is not in the session's state @"
                            << op.getState() << "; create the state from the same module";
  const char *keys = append(cache->keys[size_t(index)], cache->rowBytes(), k);
  const char *kept = append(cache->values[size_t(index)], cache->rowBytes(), v);
  uint32_t heads = uint32_t(op.getHeads()), headDim = uint32_t(q.shape[1]) / heads;
  AttentionShape shape = {uint32_t(q.shape[0]),
                          uint32_t(start),
                          heads,
                          uint32_t(cache->channels) / headDim,
                          headDim,
                          op.getScale().convertToFloat()};
  Datum result = newDatum(Float32Type::get(op.getContext()), q.shape);
  if (q.elementType.isF16())
    attentionHalf(workers, shape, q.as<uint16_t>(), reinterpret_cast<const uint16_t *>(keys),
                  reinterpret_cast<const uint16_t *>(kept), size_t(cache->channels),
                  result.as<float>());
  else
    attention(workers, shape, q.as<float>(), reinterpret_cast<const float *>(keys),
              reinterpret_cast<const float *>(kept), size_t(cache->channels), result.as<float>());
  return define(op, 0, std::move(result));
}

} // namespace llmc::evaluate
