#include "passes/Raising/AttentionState.h"

#include "passes/Raising/WidenHalves.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/bit.h"

#include <cmath>

using namespace mlir;

namespace llmc::passes {

static lm::KvStateOp stateOf(ModuleOp module) {
  return module.lookupSymbol<lm::KvStateOp>(kvStateName);
}

bool AttentionEmitter::check(const AttentionShape &shape, Attempt &attempt) {
  lm::KvStateOp state = stateOf(step.module);
  return attempt.require(shape.kvHeads > 0 && shape.headDim > 0 && shape.heads % shape.kvHeads == 0,
                         "the heads are no multiple of the key/value heads") &&
         attempt.require(!state || (int64_t(state.getKvHeads()) == shape.kvHeads &&
                                    int64_t(state.getHeadDim()) == shape.headDim),
                         "its cache has another shape than that of the layers before");
}

Value AttentionEmitter::emit(OpBuilder &builder, Location loc, Value q, Value k, Value v,
                             const AttentionShape &shape, float scale) {
  lm::KvStateOp state = stateOf(step.module);
  int64_t layer = state ? int64_t(state.getLayers()) : 0;
  if (state) {
    state.setLayers(layer + 1);
  } else {
    OpBuilder atModule(step.program);
    lm::KvStateOp::create(atModule, step.program.getLoc(), kvStateName, 1, shape.kvHeads,
                          shape.headDim, capacity, builder.getF32Type());
  }
  Value index = arith::ConstantIndexOp::create(builder, loc, layer);
  auto type = RankedTensorType::get({ShapedType::kDynamic, shape.heads * shape.headDim},
                                    builder.getF32Type());
  return lm::AttentionOp::create(builder, loc, type, q, k, v,
                                 argumentOf(step.program, Role::Position), index, kvStateName,
                                 shape.heads, llvm::APFloat(scale));
}

/// The result of the function that returns this value, or nothing.
static std::optional<unsigned> returnedAs(func::FuncOp program, Value value) {
  Operation *terminator = program.getBody().front().getTerminator();
  for (OpOperand &operand : terminator->getOpOperands())
    if (operand.get() == value)
      return operand.getOperandNumber();
  return std::nullopt;
}

/// Layer number and kind in a cache's name: "past_key_values.3.key" and "present.3.key" agree.
static std::pair<StringRef, StringRef> cacheIdentity(StringRef name) {
  size_t begin = name.find_first_of("0123456789");
  if (begin == StringRef::npos)
    return {"", name.contains("value") ? "value" : "key"};
  StringRef tail = name.drop_front(begin);
  StringRef digits = tail.take_while([](char c) { return c >= '0' && c <= '9'; });
  return {digits, tail.drop_front(digits.size())};
}

bool checkCache(RaiseStep &step, const CachePair &cache, Attempt &attempt) {
  auto argument = dyn_cast<BlockArgument>(cache.past);
  if (!attempt.require(argument && roleOf(cache.past) == Role::Past,
                       "what it continues is no cache of the model's inputs"))
    return false;
  std::optional<unsigned> result = returnedAs(step.program, cache.present);
  if (!attempt.require(result.has_value(), "the extended cache is no result of the model"))
    return false;
  StringRef past = argumentName(step.program, argument.getArgNumber());
  StringRef present = resultName(step.program, *result);
  return attempt.require(past.empty() || present.empty() ||
                             cacheIdentity(past) == cacheIdentity(present),
                         "input '" + past + "' comes back as '" + present + "'");
}

void dropCacheResult(RaiseStep &step, const CachePair &cache) {
  std::optional<unsigned> result = returnedAs(step.program, cache.present);
  step.program.getBody().front().getTerminator()->eraseOperand(*result);
  [[maybe_unused]] LogicalResult erased = step.program.eraseResult(*result);
  assert(succeeded(erased) && "functions have erasable results");
}

float snapScale(RaiseStep &step, float scale, int64_t headDim, StringRef node) {
  auto canonical = float(1.0 / std::sqrt(double(headDim)));
  int64_t distance = std::abs(int64_t(llvm::bit_cast<int32_t>(scale)) -
                              int64_t(llvm::bit_cast<int32_t>(canonical)));
  const int64_t ulps = int64_t(2) << lostBits(step.module);
  if (distance > ulps)
    return scale;
  if (distance > 0) {
    RaiseReport::Snap snap;
    snap.what = "attention scale to 1/sqrt(" + std::to_string(headDim) + ")";
    snap.node = node.str();
    snap.largestDifference = double(distance);
    snap.tolerance = ulps;
    snap.unit = "ulp";
    step.report.addSnap(std::move(snap));
  }
  return canonical;
}

} // namespace llmc::passes
