// Pass llmc-raise-rope: rotary position embedding.
//
// Found at the concatenation of a negated half with the other. No match where
//   1. the concatenation is not (-second half, first half) of one value's last axis;
//   2. it is not multiplied by a table and added to the product of that value with another, alone;
//   3. the value is no [1, heads, tokens, dim] or [1, tokens, heads, dim] view of raised rows;
//   4. the tables depend on more than the position, differ between heads or between the halves;
//   5. the rows of the tables at a later position are not those of the whole context.
#include "passes/Raising/RaiseRope.h"

#include "passes/Raising/Layout.h"
#include "passes/Raising/RopeTable.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_RAISEROPEPASS
#include "passes/Raising/RaiseRope.h.inc"

namespace {

/// x * cosine + rotate_half(x) * sine.
struct Rotation {
  lm::OpaqueOp sum;
  Value x, cosine, sine;
  Value rows; ///< The raised [1, tokens, heads * dim] that x is a view of.
  HeadLayout layout;
  bool headsFirst = true;
};

class RopeRaiser {
public:
  RopeRaiser(RaiseStep &step, int64_t context)
      : step(step), context(std::max<int64_t>(context, 2)), // one position turns by no base
        probes(probeAll(step.program)), emitter(step) {}

  LogicalResult run() {
    for (lm::OpaqueOp node : step.nodes()) {
      if (!asNode(node, "Concat") || node.getInputs().size() != 2 ||
          !definingNode(node.getInputs()[0], "Neg"))
        continue;
      Attempt attempt;
      bool matched = raise(node, attempt);
      conclude(step.report, "rope", node, matched, attempt);
    }
    return success();
  }

private:
  bool raise(lm::OpaqueOp rotated, Attempt &attempt) {
    Rotation rotation;
    if (!matchHalves(rotated, rotation, attempt) || !matchSum(rotated, rotation, attempt) ||
        !matchLayout(rotation, attempt))
      return false;
    std::optional<RopeTable> table = tableOf(rotation, attempt);
    if (!table)
      return false;
    emit(rotation, *table, rotated.getNodeName());
    return true;
  }

  bool matchHalves(lm::OpaqueOp rotated, Rotation &rotation, Attempt &attempt) {
    Operation *half = rotated.getInputs()[1].getDefiningOp();
    if (!attempt.require(asNode(half, "Slice") || asNode(half, "Split"),
                         "the other part is no Slice or Split"))
      return false;
    rotation.x = half->getOperand(0);
    for (const Probe &probe : probes)
      if (!attempt.require(isRotateHalf(probe, rotation.x, rotated.getResult(0)),
                           "it is not (-second half, first half) of the last axis of " +
                               describe(rotation.x)))
        return false;
    return true;
  }

  static bool isRotateHalf(const Probe &probe, Value x, Value rotated) {
    const HostTensor *shape = probe.find(x);
    if (!shape || shape->rank() != 4 || shape->shape[3] < 2 || shape->shape[3] % 2 != 0 ||
        !probe.hasShape(rotated, shape->shape))
      return false;
    std::vector<float> seed(shape->size());
    for (size_t i = 0; i < seed.size(); ++i)
      seed[i] = float(i + 1);
    auto result = probe.evaluateFrom(x, HostTensor::ofFloats(shape->shape, seed), rotated);
    if (!result || !result->hasData)
      return false;
    int64_t dim = shape->shape[3], half = dim / 2;
    for (int64_t i = 0; i < result->size(); ++i) {
      float wanted = i % dim < half ? -seed[i + half] : seed[i - half];
      if (result->floats[i] != wanted)
        return false;
    }
    return true;
  }

  /// Tables are known to the probes, activations are not.
  bool isTable(Value value) const { return probes[0].findData(value) != nullptr; }

  bool matchSum(lm::OpaqueOp rotated, Rotation &rotation, Attempt &attempt) {
    lm::OpaqueOp product = asNode(soleUser(rotated.getResult(0)), "Mul");
    lm::OpaqueOp sum = product ? asNode(soleUser(product.getResult(0)), "Add") : lm::OpaqueOp();
    if (!attempt.require(bool(sum), "it is not multiplied and then added, alone"))
      return false;
    auto table = [&](Value value) { return isTable(value); };
    auto sine = matchCommutative(product.getResult(0), "Mul", table);
    Value other =
        sum.getInputs()[0] == product.getResult(0) ? sum.getInputs()[1] : sum.getInputs()[0];
    auto cosine = matchCommutative(other, "Mul", table);
    if (!attempt.require(sine.has_value(), "its factor is no table that positions determine") ||
        !attempt.require(cosine && cosine->second == rotation.x,
                         "the other term is not the same value times a table"))
      return false;
    rotation.sum = sum;
    rotation.sine = sine->first;
    rotation.cosine = cosine->first;
    return true;
  }

  bool matchLayout(Rotation &rotation, Attempt &attempt) {
    auto raised = [](Value value) { return rowsBehind(value) != nullptr; };
    rotation.rows = walkBack(probes[0], rotation.x, raised);
    if (!attempt.require(bool(rotation.rows), "its heads do not come from one raised layer"))
      return false;
    HeadLayout &layout = rotation.layout;
    layout.dim = probes[0].find(rotation.x)->shape[3];
    layout.heads = channelsOf(probes, rotation.rows) / layout.dim;
    for (bool headsFirst : {true, false}) {
      rotation.headsFirst = headsFirst;
      if (llvm::all_of(probes, [&](const Probe &probe) { return hasLayout(probe, rotation); }))
        return true;
    }
    return attempt.require(false, "it is no view [1, heads, tokens, dim] or [1, tokens, heads, "
                                  "dim] of a raised layer");
  }

  static bool hasLayout(const Probe &probe, const Rotation &rotation) {
    HeadLayout layout = rotation.layout;
    int64_t tokens = probe.point().tokens;
    SmallVector<int64_t, 4> shape = {1, layout.heads, tokens, layout.dim};
    if (!rotation.headsFirst)
      std::swap(shape[1], shape[2]);
    return uniformFactor(probe, rotation.rows, rotation.x, shape, [&](ArrayRef<int64_t> index) {
             return rotation.headsFirst ? layout.headsFirst(index) : layout.tokensFirst(index);
           }) == std::optional(1.0F);
  }

  /// Entry `element` of the table's row for token `token`.
  static float entry(const Rotation &rotation, const HostTensor &table, int64_t token,
                     int64_t element) {
    SmallVector<int64_t, 4> index = {0, 0, token, element};
    if (!rotation.headsFirst)
      std::swap(index[1], index[2]);
    return table.floats[broadcastIndex(table.shape, index)];
  }

  bool checkTable(const Rotation &rotation, const Probe &probe, Value value, Attempt &attempt) {
    const HostTensor *table = probe.findData(value);
    if (!attempt.require(table && table->isFloat(), "the table depends on more than positions"))
      return false;
    const HostTensor *x = probes[0].find(rotation.x);
    SmallVector<int64_t, 4> full(x->shape);
    full[rotation.headsFirst ? 2 : 1] = probe.point().tokens;
    int64_t headAxis = table->rank() - (rotation.headsFirst ? 3 : 2);
    auto common = broadcastShape(full, table->shape);
    return attempt.require(common && ArrayRef<int64_t>(*common) == ArrayRef<int64_t>(full),
                           "the table's shape is not that of the heads") &&
           attempt.require(headAxis < 0 || table->shape[headAxis] == 1,
                           "the table differs between heads");
  }

  std::optional<RopeTable> tableOf(const Rotation &rotation, Attempt &attempt) {
    Probe whole(step.program, {context, 0}, {rotation.cosine, rotation.sine}, pathElements);
    RopeTable table;
    table.positions = context;
    table.half = rotation.layout.dim / 2;
    for (auto [value, into] :
         {std::pair(rotation.cosine, &table.cosines), std::pair(rotation.sine, &table.sines)}) {
      if (!checkTable(rotation, whole, value, attempt))
        return std::nullopt;
      const HostTensor &tensor = *whole.findData(value);
      for (int64_t position = 0; position < context; ++position)
        for (int64_t pair = 0; pair < table.half; ++pair) {
          into->push_back(entry(rotation, tensor, position, pair));
          if (!attempt.require(entry(rotation, tensor, position, pair + table.half) == into->back(),
                               "the halves of the table differ at position " + Twine(position)))
            return std::nullopt;
        }
      if (!checkLaterRows(rotation, value, *into, attempt))
        return std::nullopt;
    }
    return table;
  }

  /// The rows at every probe are those of the same positions in the whole table.
  bool checkLaterRows(const Rotation &rotation, Value value, ArrayRef<float> whole,
                      Attempt &attempt) {
    int64_t half = rotation.layout.dim / 2;
    for (const Probe &probe : probes) {
      if (!checkTable(rotation, probe, value, attempt))
        return false;
      for (int64_t token = 0; token < probe.point().tokens; ++token) {
        int64_t position = probe.point().past + token;
        for (int64_t pair = 0; pair < half && position < context; ++pair)
          if (!attempt.require(entry(rotation, *probe.findData(value), token, pair) ==
                                   whole[position * half + pair],
                               "the table's row for position " + Twine(position) +
                                   " depends on the size of the cache"))
            return false;
      }
    }
    return true;
  }

  /// Rotates the rows, and takes the heads from them as they were taken from the layer.
  void emit(Rotation rotation, const RopeTable &table, StringRef node) {
    OpBuilder builder(rotation.sum);
    Location loc = rotation.sum.getLoc();
    Value rope =
        emitter.emit(builder, loc, rowsBehind(rotation.rows), rotation.layout.heads, table, node);
    Value batched = addBatch(builder, loc, rope, rotation.rows.getType());
    adopt(batched, rotation.rows);
    IRMapping mapping;
    mapping.map(rotation.rows, batched);
    for (Operation *op : pathBetween(rotation.rows, rotation.x)) {
      Operation *copy = builder.clone(*op, mapping);
      for (auto [now, before] : llvm::zip(copy->getResults(), op->getResults()))
        adopt(now, before);
    }
    rotation.sum.getResult(0).replaceAllUsesWith(mapping.lookup(rotation.x));
  }

  void adopt(Value value, Value old) {
    for (Probe &probe : probes)
      probe.adopt(value, old);
  }

  RaiseStep &step;
  int64_t context;
  SmallVector<Probe> probes;
  RopeEmitter emitter;
};

struct RaiseRopePass : impl::RaiseRopePassBase<RaiseRopePass>, Reporting {
  using RaiseRopePassBase::RaiseRopePassBase;
  void runOnOperation() override {
    FailureOr<int64_t> positions = contextOf(getOperation(), context);
    auto step = [&](RaiseStep &state) { return RopeRaiser(state, *positions).run(); };
    if (failed(positions) || failed(runStep(getOperation(), *report, step)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createRaiseRopePass(std::shared_ptr<RaiseReport> report, int64_t context) {
  RaiseRopePassOptions options;
  options.context = context;
  return withReport<RaiseRopePass>(std::move(report), options);
}

} // namespace llmc::passes
