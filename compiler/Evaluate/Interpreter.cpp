// Preparation of a function, and the structure of its run.
#include "compiler/Evaluate/Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cstring>

using namespace mlir;

namespace llmc::evaluate {

//===-- Values -----------------------------------------------------------------===//

static int64_t product(ArrayRef<int64_t> shape) {
  int64_t elements = 1;
  for (int64_t dim : shape)
    elements *= dim;
  return elements;
}

int64_t LoadedWeight::elements() const { return product(view.shape); }
int64_t Datum::elements() const { return product(shape); }
size_t Datum::bytes() const {
  return size_t(elements()) * (elementType.getIntOrFloatBitWidth() / 8);
}

const char *LoadedWeight::dense() {
  int64_t expected = 1;
  bool contiguous = true;
  for (int64_t axis = int64_t(view.shape.size()) - 1; axis >= 0; --axis) {
    contiguous &= view.shape[axis] == 1 || view.strides[axis] == expected;
    expected *= view.shape[axis];
  }
  bool widened = lm::isWidened(op);
  if (contiguous && !widened)
    return at(view.offset);
  if (!packed.empty())
    return packed.data();
  if (widened) {
    std::vector<float> floats = lm::floatsOf(view, 0, view.shape[0]);
    const char *bytes = reinterpret_cast<const char *>(floats.data());
    packed.assign(bytes, bytes + floats.size() * sizeof(float));
    return packed.data();
  }
  unsigned bytes = elementBytes();
  packed.resize(size_t(elements()) * bytes);
  for (int64_t index = 0; index < elements(); ++index) {
    int64_t rest = index, place = view.offset;
    for (int64_t axis = int64_t(view.shape.size()) - 1; axis >= 0; --axis) {
      place += rest % view.shape[axis] * view.strides[axis];
      rest /= view.shape[axis];
    }
    std::memcpy(packed.data() + index * bytes, at(place), bytes);
  }
  return packed.data();
}

std::shared_ptr<Buffer> BufferPool::take(size_t bytes) {
  std::shared_ptr<Buffer> *best = nullptr;
  for (auto &buffer : buffers)
    if (buffer.use_count() == 1 && buffer->size() >= bytes &&
        (!best || buffer->size() < (*best)->size()))
      best = &buffer;
  if (best)
    return *best;
  return buffers.emplace_back(std::make_shared<Buffer>(bytes));
}

Datum Interpreter::newDatum(Type elementType, ArrayRef<int64_t> shape) {
  Datum datum;
  datum.elementType = elementType;
  datum.shape.assign(shape.begin(), shape.end());
  datum.buffer = pool.take(datum.bytes());
  return datum;
}

//===-- Preparation ------------------------------------------------------------===//

LogicalResult Interpreter::prepare(ModuleOp program, StringRef name) {
  module = program;
  function = program.lookupSymbol<func::FuncOp>(name);
  if (!function)
    return program.emitError() << "the module has no function @" << name << " to evaluate";
  if (function.isExternal() || function.getNumResults() != 1 ||
      !isa<RankedTensorType>(function.getResultTypes()[0]))
    return function.emitError()
           << "cannot be evaluated: it must have a body and one result of rows";
  return prepareFunction(function);
}

LogicalResult Interpreter::prepareFunction(func::FuncOp callee) {
  if (!prepared.insert(callee).second)
    return success();
  findLastUses(callee);
  WalkResult result = callee.getBody().walk([&](Operation *op) {
    return failed(checkSupported(op)) ? WalkResult::interrupt() : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

static LogicalResult checkFormat(Operation *op, lm::FormatAttr format) {
  bool integer = format.getElement() <= lm::ElementKind::Ternary;
  if (!integer || format.getScale() == lm::ScaleKind::E8M0)
    return op->emitOpError() << "has format " << format
                             << ", which the reference evaluator does not know; it knows integer "
                                "elements with f32, f16 or multiplier scales";
  return success();
}

/// Operands that a kernel reads from the model's weights; all others are computed.
static SmallVector<Value, 4> weightOperands(Operation *op) {
  return TypeSwitch<Operation *, SmallVector<Value, 4>>(op)
      .Case([](lm::EmbedOp embed) { return SmallVector<Value, 4>{embed.getTable()}; })
      .Case([](lm::LinearOp linear) {
        return SmallVector<Value, 4>{linear.getWeight(), linear.getBias()};
      })
      .Case([](lm::QuantizedEmbedOp embed) {
        return SmallVector<Value, 4>{embed.getTable(), embed.getScales(), embed.getMultipliers()};
      })
      .Case([](lm::QuantizedLinearOp linear) {
        return SmallVector<Value, 4>{linear.getWeight(), linear.getScales(),
                                     linear.getMultipliers(), linear.getBias()};
      })
      .Case([](lm::RmsNormOp norm) { return SmallVector<Value, 4>{norm.getWeight()}; })
      .Case([](lm::RopeOp rope) { return SmallVector<Value, 4>{rope.getCos(), rope.getSin()}; })
      .Default([](Operation *) { return SmallVector<Value, 4>(); });
}

/// True for lm.get and for the weights of an outlined layer.
static bool isWeight(Value operand, func::FuncOp entry) {
  constexpr unsigned layerInputs = 3; // Hidden state, position, layer.
  if (auto argument = dyn_cast<BlockArgument>(operand))
    return argument.getOwner()->getParentOp() != entry &&
           isa<func::FuncOp>(argument.getOwner()->getParentOp()) &&
           argument.getArgNumber() >= layerInputs;
  return operand.getDefiningOp<lm::GetOp>() != nullptr;
}

LogicalResult Interpreter::checkSupported(Operation *op) {
  usesState |= isa<lm::AttentionOp>(op);
  SmallVector<Value, 4> fromModel = weightOperands(op);
  for (OpOperand &operand : op->getOpOperands())
    if (isWeight(operand.get(), function) != llvm::is_contained(fromModel, operand.get()))
      return op->emitOpError() << "operand " << operand.getOperandNumber() << " must be a "
                               << (llvm::is_contained(fromModel, operand.get())
                                       ? "weight, and is computed"
                                       : "computed value, and is a weight");
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<lm::EmbedOp, lm::LinearOp, lm::QuantizeRowsOp, lm::RmsNormOp, lm::RopeOp,
            lm::RoundF16Op, lm::AttentionOp, lm::GatedActOp, lm::AddOp, lm::GroupOp, lm::YieldOp,
            func::ReturnOp>([](auto) { return success(); })
      .Case<lm::QuantizedEmbedOp, lm::QuantizedLinearOp>(
          [&](auto quantized) { return checkFormat(op, quantized.getFormat()); })
      .Case([&](arith::ConstantOp constant) -> LogicalResult {
        if (!constant.getType().isIndex())
          return op->emitOpError("can only be evaluated as the index of a layer");
        return success();
      })
      .Case([&](lm::GetOp get) { return loadWeight(op, get.getWeightAttr()); })
      .Case([&](lm::RepeatOp repeat) -> LogicalResult {
        for (Attribute binding : repeat.getBindings())
          for (Attribute symbol : cast<ArrayAttr>(binding))
            if (failed(loadWeight(op, cast<FlatSymbolRefAttr>(symbol))))
              return failure();
        return prepareFunction(
            tables.lookupNearestSymbolFrom<func::FuncOp>(op, repeat.getCalleeAttr()));
      })
      .Default([](Operation *unknown) {
        return unknown->emitError() << "the reference evaluator has no semantics for "
                                    << unknown->getName() << "; raise the program first";
      });
}

/// Index of the first element that is NaN or infinite, -1 where all are finite. They are stored
/// without gaps.
static int64_t firstBadElement(LoadedWeight &weight) {
  const char *bytes = weight.at(weight.view.offset);
  int64_t count = weight.view.isSplat ? 1 : weight.elements();
  Type type = weight.view.elementType;
  if (type.isF32())
    return firstNonFinite(reinterpret_cast<const float *>(bytes), size_t(count));
  const uint16_t exponent = type.isF16() ? 0x7c00 : 0x7f80;
  for (int64_t index = 0; (type.isF16() || type.isBF16()) && index < count; ++index)
    if ((reinterpret_cast<const uint16_t *>(bytes)[index] & exponent) == exponent)
      return index;
  return allFinite;
}

LogicalResult Interpreter::loadWeight(Operation *user, FlatSymbolRefAttr symbol) {
  if (weights.count(symbol.getAttr()))
    return success();
  auto op = tables.lookupNearestSymbolFrom<lm::WeightOp>(user, symbol);
  FailureOr<lm::WeightView> view = lm::viewOf(op);
  if (failed(view))
    return failure();
  auto &weight = weights[symbol.getAttr()];
  weight = std::make_unique<LoadedWeight>(LoadedWeight{op, std::move(*view), {}});
  // A matrix stored the other way round is not unfolded for the check: finite is finite in any
  // order.
  LoadedWeight whole{op, weight->view, {}};
  if (op.getStrides() && !whole.view.isSplat) {
    whole.view.offset = 0;
    whole.view.shape.assign(1, cast<ShapedType>(op.getValue().getType()).getNumElements());
    whole.view.strides.assign(1, 1);
  }
  if (int64_t bad = firstBadElement(whole); bad != allFinite)
    return op.emitOpError()
           << "@" << op.getSymName() << ": stored element " << bad
           << " is NaN or infinite; weights must be finite, export the model again";
  return success();
}

/// Notes for every operation the values that nobody reads after it.
void Interpreter::findLastUses(func::FuncOp callee) {
  callee.getBody().walk([&](Operation *op) {
    for (Value result : op->getResults()) {
      Operation *last = op;
      for (Operation *user : result.getUsers()) {
        Operation *inBlock = op->getBlock()->findAncestorOpInBlock(*user);
        if (last->isBeforeInBlock(inBlock))
          last = inBlock;
      }
      lastUses[last].push_back(result);
    }
  });
}

//===-- Run --------------------------------------------------------------------===//

LogicalResult Interpreter::bindArguments(Datum input, int64_t position) {
  bool bound = false;
  int64_t rows = input.shape[0];
  for (BlockArgument argument : function.getArguments()) {
    Datum &datum = values[argument];
    datum = Datum();
    if (auto type = dyn_cast<RankedTensorType>(argument.getType())) {
      bool fits = !bound && type.getElementType() == input.elementType &&
                  type.getRank() == int64_t(input.shape.size()) &&
                  (type.isDynamicDim(0) || rows <= type.getDimSize(0)) &&
                  (type.getRank() < 2 || type.getDimSize(1) == input.shape[1]);
      if (!fits)
        return function.emitError()
               << "cannot be evaluated on " << rows << " rows of " << input.elementType
               << ": argument " << argument.getArgNumber() << " is " << type;
      datum = input;
      bound = true;
    } else if (argument.getType().isInteger(32)) {
      datum.integer = position;
    } else {
      return function.emitError() << "cannot be evaluated: argument " << argument.getArgNumber()
                                  << " of type " << argument.getType() << " has no value";
    }
  }
  return bound ? success() : function.emitError("cannot be evaluated: it takes no input");
}

LogicalResult Interpreter::run(Datum input, int64_t position, EvaluatorState &session,
                               std::vector<float> &result) {
  int64_t rows = input.shape[0];
  if (rows == 0)
    return function.emitError("cannot be evaluated on an empty chunk; give at least one token");
  if (position < 0 || (usesState && position > session.filled))
    return function.emitError() << "cannot start at position " << position << ": the cache holds "
                                << session.filled << " positions";
  if (usesState && rows > session.capacity() - position)
    return function.emitError() << "the context is full: position " << position << " and " << rows
                                << " tokens go beyond its " << session.capacity() << " positions";
  if (position > INT32_MAX - rows)
    return function.emitError() << "position " << position << " is beyond 31 bits";
  state = &session;
  start = position;
  layer = -1;
  SmallVector<Datum> results;
  LogicalResult done = bindArguments(std::move(input), position);
  if (succeeded(done))
    done = runBlock(function.getBody().front(), results);
  values.clear();
  if (failed(done))
    return failure();
  if (usesState)
    session.filled = position + rows;
  const float *data = results[0].as<float>();
  result.assign(data, data + results[0].elements());
  return success();
}

LogicalResult Interpreter::runBlock(Block &block, SmallVectorImpl<Datum> &results) {
  for (Operation &op : block.without_terminator()) {
    if (failed(runOp(&op)))
      return failure();
    for (Value dead : lastUses.lookup(&op))
      values.erase(dead);
  }
  Operation *terminator = block.getTerminator();
  for (Value operand : terminator->getOperands())
    results.push_back(value(operand));
  for (Value dead : lastUses.lookup(terminator))
    values.erase(dead);
  return success();
}

LogicalResult Interpreter::runOp(Operation *op) {
  if (auto get = dyn_cast<lm::GetOp>(op)) {
    values[get.getResult()].weight = weights[get.getWeightAttr().getAttr()].get();
    return success();
  }
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    values[constant.getResult()].integer = cast<IntegerAttr>(constant.getValue()).getInt();
    return success();
  }
  if (auto group = dyn_cast<lm::GroupOp>(op))
    return runGroup(group);
  if (auto repeat = dyn_cast<lm::RepeatOp>(op))
    return runRepeat(repeat);
  return runComputation(op);
}

LogicalResult Interpreter::runGroup(lm::GroupOp op) {
  SmallVector<Datum> results;
  if (failed(runBlock(op.getBody().front(), results)))
    return failure();
  for (auto [result, datum] : llvm::zip(op.getResults(), results))
    values[result] = datum;
  return success();
}

LogicalResult Interpreter::runRepeat(lm::RepeatOp op) {
  auto callee = tables.lookupNearestSymbolFrom<func::FuncOp>(op, op.getCalleeAttr());
  Datum hidden = value(op.getHidden()), position = value(op.getPosition());
  for (int64_t index = 0; index < op.count(); ++index) {
    values[callee.getArgument(lm::RepeatOp::hiddenArgument)] = hidden;
    values[callee.getArgument(lm::RepeatOp::positionArgument)] = position;
    hidden = Datum();
    layer = int64_t(op.getFirst()) + index;
    values[callee.getArgument(lm::RepeatOp::layerArgument)].integer = layer;
    for (BlockArgument argument : callee.getArguments())
      if (FlatSymbolRefAttr symbol = op.weightOf(argument, index))
        values[argument].weight = weights[symbol.getAttr()].get();
    SmallVector<Datum> results;
    if (failed(runBlock(callee.getBody().front(), results)))
      return failure();
    hidden = results[0];
  }
  layer = -1;
  for (BlockArgument argument : callee.getArguments())
    values.erase(argument);
  values[op.getResult()] = hidden;
  return success();
}

LogicalResult Interpreter::define(Operation *op, unsigned result, Datum datum) {
  if (datum.elementType.isF32())
    if (int64_t bad = firstNonFinite(datum.as<float>(), size_t(datum.elements()));
        bad != allFinite) {
      int64_t columns = datum.shape.size() > 1 ? datum.shape[1] : 1;
      InFlightDiagnostic error = op->emitOpError();
      error << "result " << result << " is NaN or infinite at channel " << bad % columns
            << ", position " << start + bad / columns;
      if (layer >= 0)
        error << ", layer " << layer;
      return error << "; the values before it are out of range";
    }
  if (tap)
    tap({op, result, layer, datum.elementType, datum.shape,
         std::span<const char>(datum.buffer->data(), datum.bytes())});
  values[op->getResult(result)] = std::move(datum);
  return success();
}

} // namespace llmc::evaluate
