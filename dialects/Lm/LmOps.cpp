// Verifiers of the lm operations.
#include "dialects/Lm/Lm.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#define GET_OP_CLASSES
#include "dialects/Lm/LmOps.cpp.inc"

using namespace mlir;

namespace llmc::lm {

namespace {

int64_t dim(Value value, unsigned axis) {
  return cast<RankedTensorType>(value.getType()).getDimSize(axis);
}

/// Both sizes are known and differ.
bool differ(int64_t a, int64_t b) {
  return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b;
}

LogicalResult checkSize(Operation *op, const char *what, int64_t got, int64_t want) {
  if (differ(got, want))
    return op->emitOpError() << what << " is " << got << ", must be " << want;
  return success();
}

/// Scales and multipliers of a quantized weight [rows, columns] agree with its format.
LogicalResult checkFormat(Operation *op, Value weight, Value scales, Value multipliers,
                          FormatAttr format) {
  int64_t rows = dim(weight, 0), groups = format.groupsPerRow(dim(weight, 1));
  bool multiplied = format.getScale() == ScaleKind::Multiplier;
  if (multiplied != bool(multipliers))
    return op->emitOpError()
           << "multipliers must be given exactly where the format's scale is 'multiplier'";
  auto scaleType = cast<RankedTensorType>(scales.getType());
  bool perRow = multiplied || format.getGroup() == 0;
  SmallVector<int64_t> shape =
      perRow ? SmallVector<int64_t>{rows} : SmallVector<int64_t>{rows, groups};
  if (scaleType.getShape() != ArrayRef<int64_t>(shape))
    return op->emitOpError() << "scales have the wrong shape " << scaleType << " for a weight of "
                             << rows << " rows and " << groups << " groups a row";
  bool half = format.getScale() == ScaleKind::F16;
  if (half ? !scaleType.getElementType().isF16() : !scaleType.getElementType().isF32())
    return op->emitOpError() << "scales are " << scaleType.getElementType() << ", the format says "
                             << stringifyScaleKind(format.getScale());
  if (multipliers && (dim(multipliers, 0) != rows || dim(multipliers, 1) != groups))
    return op->emitOpError() << "multipliers must be " << rows << "x" << groups;
  return success();
}

} // namespace

LogicalResult WeightOp::verify() {
  auto type = tensorType();
  auto valueType = cast<ShapedType>(getValue().getType());
  Type element = type.getElementType(), stored = valueType.getElementType();
  bool widened = element.isF32() && (stored.isF16() || stored.isBF16());
  if (element != stored && !widened)
    return emitOpError() << "has element type " << element << ", its bytes are " << stored
                         << "; only f16 and bf16 can be read as f32";
  if (!getStrides()) {
    if (type.getShape() != valueType.getShape())
      return emitOpError() << "has shape " << type << " and no view, its bytes are " << valueType;
    return success();
  }
  if (int64_t(getStrides()->size()) != type.getRank())
    return emitOpError() << "view has " << getStrides()->size() << " strides for rank "
                         << type.getRank();
  int64_t last = getOffset().value_or(0);
  if (last < 0)
    return emitOpError() << "view offset is negative";
  for (auto [size, stride] : llvm::zip(type.getShape(), *getStrides())) {
    if (stride < 0 || size <= 0)
      return emitOpError() << "view has a negative stride or an empty dimension";
    last += (size - 1) * stride;
  }
  if (last >= valueType.getNumElements())
    return emitOpError() << "view reaches element " << last << ", its bytes hold "
                         << valueType.getNumElements();
  return success();
}

LogicalResult GetOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto weight = tables.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError() << "names @" << getWeight() << ", which is no lm.weight";
  if (weight.getType() != getResult().getType())
    return emitOpError() << "has type " << getResult().getType() << ", @" << getWeight() << " is "
                         << weight.getType();
  return success();
}

LogicalResult KvStateOp::verify() {
  if (getLayers() <= 0 || getKvHeads() <= 0 || getHeadDim() <= 0 || getCapacity() <= 0)
    return emitOpError() << "sizes must be positive";
  if (!getElement().isF32() && !getElement().isF16())
    return emitOpError() << "element must be f32 or f16, is " << getElement();
  return success();
}

LogicalResult EmbedOp::verify() {
  if (failed(checkSize(*this, "number of result rows", dim(getResult(), 0), dim(getIds(), 0))))
    return failure();
  return checkSize(*this, "number of result channels", dim(getResult(), 1), dim(getTable(), 1));
}

LogicalResult QuantizedEmbedOp::verify() {
  if (failed(checkSize(*this, "number of result rows", dim(getResult(), 0), dim(getIds(), 0))) ||
      failed(
          checkSize(*this, "number of result channels", dim(getResult(), 1), dim(getTable(), 1))))
    return failure();
  return checkFormat(*this, getTable(), getScales(), getMultipliers(), getFormat());
}

static LogicalResult verifyLinear(Operation *op, Value input, Value weight, Value bias,
                                  Value result) {
  if (failed(checkSize(op, "number of input channels", dim(input, 1), dim(weight, 1))) ||
      failed(checkSize(op, "number of result channels", dim(result, 1), dim(weight, 0))) ||
      failed(checkSize(op, "number of result rows", dim(result, 0), dim(input, 0))))
    return failure();
  return bias ? checkSize(op, "length of the bias", dim(bias, 0), dim(weight, 0)) : success();
}

LogicalResult LinearOp::verify() {
  return verifyLinear(*this, getInput(), getWeight(), getBias(), getResult());
}

LogicalResult QuantizedLinearOp::verify() {
  if (failed(verifyLinear(*this, getInput(), getWeight(), getBias(), getResult())))
    return failure();
  if (dim(getWeight(), 1) > 131072)
    return emitOpError() << "has " << dim(getWeight(), 1)
                         << " input channels; int32 sums are exact up to 131072";
  if (failed(
          checkSize(*this, "number of row scales", dim(getInputScales(), 0), dim(getInput(), 0))))
    return failure();
  return checkFormat(*this, getWeight(), getScales(), getMultipliers(), getFormat());
}

LogicalResult QuantizeRowsOp::verify() {
  if (failed(checkSize(*this, "number of result rows", dim(getValues(), 0), dim(getInput(), 0))) ||
      failed(
          checkSize(*this, "number of result channels", dim(getValues(), 1), dim(getInput(), 1))))
    return failure();
  return checkSize(*this, "number of scales", dim(getScales(), 0), dim(getInput(), 0));
}

LogicalResult RmsNormOp::verify() {
  if (getInput().getType() != getResult().getType())
    return emitOpError() << "result type must be the input type";
  return checkSize(*this, "length of the weight", dim(getWeight(), 0), dim(getInput(), 1));
}

LogicalResult RopeOp::verify() {
  if (getInput().getType() != getResult().getType())
    return emitOpError() << "result type must be the input type";
  if (getHeads() <= 0 || dim(getInput(), 1) % getHeads() != 0)
    return emitOpError() << "cannot split " << dim(getInput(), 1) << " channels into " << getHeads()
                         << " heads";
  if (bool(getCos()) != bool(getSin()) || bool(getCos()) == bool(getRope()))
    return emitOpError() << "needs either a formula or both tables";
  if (getCos() && getCos().getType() != getSin().getType())
    return emitOpError() << "tables must have one type";
  int64_t headDim = dim(getInput(), 1) / getHeads();
  int64_t rotated = getRope() ? int64_t(getRope()->getDim()) : 2 * dim(getCos(), 1);
  if (rotated > headDim || rotated % 2 != 0)
    return emitOpError() << "rotates " << rotated << " of " << headDim
                         << " elements; must be even and no more than the head has";
  return success();
}

LogicalResult RoundF16Op::verify() {
  if (cast<RankedTensorType>(getInput().getType()).getShape() !=
      cast<RankedTensorType>(getResult().getType()).getShape())
    return emitOpError() << "result must have the shape of the input";
  return success();
}

LogicalResult AttentionOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto state = tables.lookupNearestSymbolFrom<KvStateOp>(*this, getStateAttr());
  if (!state)
    return emitOpError() << "names @" << getState() << ", which is no lm.kv_state";
  int64_t kv = state.getKvHeads() * state.getHeadDim();
  if (getHeads() <= 0 || getHeads() % int64_t(state.getKvHeads()) != 0)
    return emitOpError() << "has " << getHeads() << " heads, must be a multiple of the state's "
                         << state.getKvHeads();
  if (failed(checkSize(*this, "number of query channels", dim(getQ(), 1),
                       getHeads() * int64_t(state.getHeadDim()))) ||
      failed(checkSize(*this, "number of key channels", dim(getK(), 1), kv)) ||
      failed(checkSize(*this, "number of value channels", dim(getV(), 1), kv)))
    return failure();
  if (failed(checkSize(*this, "number of key rows", dim(getK(), 0), dim(getQ(), 0))) ||
      failed(checkSize(*this, "number of value rows", dim(getV(), 0), dim(getQ(), 0))) ||
      failed(checkSize(*this, "number of result rows", dim(getResult(), 0), dim(getQ(), 0))) ||
      failed(checkSize(*this, "number of result channels", dim(getResult(), 1), dim(getQ(), 1))))
    return failure();
  for (Value operand : {getQ(), getK(), getV()})
    if (cast<RankedTensorType>(operand.getType()).getElementType() != state.getElement())
      return emitOpError() << "operands must have the state's element type " << state.getElement();
  return success();
}

int64_t RepeatOp::count() {
  return getBindings().empty() ? 0 : int64_t(cast<ArrayAttr>(getBindings()[0]).size());
}

FlatSymbolRefAttr RepeatOp::weightOf(BlockArgument argument, int64_t layer) {
  if (argument.getArgNumber() < firstWeightArgument)
    return {};
  auto symbols = cast<ArrayAttr>(getBindings()[argument.getArgNumber() - firstWeightArgument]);
  return cast<FlatSymbolRefAttr>(symbols[layer]);
}

LogicalResult RepeatOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto callee = tables.lookupNearestSymbolFrom<func::FuncOp>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError() << "names @" << getCallee() << ", which is no function";
  FunctionType type = callee.getFunctionType();
  if (type.getNumInputs() != firstWeightArgument + getBindings().size() ||
      type.getNumResults() != 1)
    return emitOpError() << "@" << getCallee() << " must take hidden state, position, layer and "
                         << getBindings().size() << " weights, and give one result";
  if (type.getInput(hiddenArgument) != getHidden().getType() ||
      type.getResult(0) != getHidden().getType() || getResult().getType() != getHidden().getType())
    return emitOpError() << "hidden state, result and @" << getCallee()
                         << " must agree on one type";
  for (auto [index, binding] : llvm::enumerate(getBindings())) {
    auto symbols = dyn_cast<ArrayAttr>(binding);
    if (!symbols || int64_t(symbols.size()) != count() || count() == 0)
      return emitOpError() << "binding " << index << " must name one weight a layer";
    for (Attribute symbol : symbols) {
      auto reference = dyn_cast<FlatSymbolRefAttr>(symbol);
      auto weight =
          reference ? tables.lookupNearestSymbolFrom<WeightOp>(*this, reference) : WeightOp();
      Type expected = type.getInput(firstWeightArgument + index);
      if (!weight || weight.getType() != expected)
        return emitOpError() << "binding " << index << ": " << symbol
                             << " must be a weight of type " << expected;
    }
  }
  return success();
}

} // namespace llmc::lm
