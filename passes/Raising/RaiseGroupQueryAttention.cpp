// Pass llmc-raise-group-query-attention: com.microsoft::GroupQueryAttention.
//
// No match where
//   1. it has a window, a soft cap, sinks, a bias, position ids, norms or a quantized cache;
//   2. its sequence lengths are not those of one sequence without padding;
//   3. queries, keys and values are no raised layers (one packed layer or three);
//   4. its rotation is interleaved, or its tables are no constants for the whole context;
//   5. a cache is no argument that comes back as a result.
#include "passes/Raising/RaiseGroupQueryAttention.h"

#include "dialects/Lm/LmWeights.h"
#include "passes/Raising/AttentionState.h"
#include "passes/Raising/RopeTable.h"
#include "passes/Raising/WeightViews.h"

#include "llvm/ADT/StringSet.h"

#include <cmath>

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_RAISEGROUPQUERYATTENTIONPASS
#include "passes/Raising/RaiseGroupQueryAttention.h.inc"

namespace {

/// Outputs `begin ... begin + count` of a linear layer, as a layer of their own on views of its
/// weight. Null where the rows are no linear layer.
Value sliceOfLinear(OpBuilder &builder, Location loc, Value rows, int64_t begin, int64_t count) {
  auto part = [&](Value weight) {
    lm::WeightOp source = weight ? lm::weightOf(weight) : lm::WeightOp();
    return source ? readWeight(builder, loc, rowsOfWeight(source, begin, count)) : Value();
  };
  auto type = RankedTensorType::get({ShapedType::kDynamic, count}, builder.getF32Type());
  if (auto linear = rows.getDefiningOp<lm::LinearOp>())
    return lm::LinearOp::create(builder, loc, type, linear.getInput(), part(linear.getWeight()),
                                part(linear.getBias()));
  if (auto linear = rows.getDefiningOp<lm::QuantizedLinearOp>())
    return lm::QuantizedLinearOp::create(builder, loc, type, linear.getInput(),
                                         linear.getInputScales(), part(linear.getWeight()),
                                         part(linear.getScales()), part(linear.getMultipliers()),
                                         part(linear.getBias()), linear.getFormat());
  return {};
}

/// More would be a broken file.
constexpr int64_t mostHeads = 1 << 16;

class GroupQueryRaiser {
public:
  GroupQueryRaiser(RaiseStep &step, int64_t context)
      : step(step), context(context), probes(probeAll(step.program)), emitter(step, context),
        ropes(step) {}

  LogicalResult run() {
    for (lm::OpaqueOp node : step.nodes()) {
      if (!asNode(node, "GroupQueryAttention", microsoftDomain))
        continue;
      Attempt attempt;
      bool matched = raise(node, attempt);
      conclude(step.report, "attention", node, matched, attempt);
    }
    return success();
  }

private:
  struct Operands {
    Value q, k, v; ///< Rows; for a packed layer all three are the layer.
    bool packed = false;
    AttentionShape shape;
    CachePair keys, values;
  };

  bool raise(lm::OpaqueOp node, Attempt &attempt) {
    Operands operands;
    if (!checkPlain(node, attempt) || !checkLengths(node, attempt) ||
        !matchOperands(node, operands, attempt) || !emitter.check(operands.shape, attempt) ||
        !checkCache(step, operands.keys, attempt) || !checkCache(step, operands.values, attempt))
      return false;
    std::optional<RopeTable> table;
    bool rotates = intAttribute(node, "do_rotary", 0) != 0;
    if (rotates && !(table = tableOf(node, operands.shape, attempt)))
      return false;
    emit(node, operands, table);
    return true;
  }

  /// Inputs and attributes that canonical attention has no room for.
  static bool checkPlain(lm::OpaqueOp node, Attempt &attempt) {
    constexpr unsigned firstExtra = 9;
    for (unsigned i = firstExtra; i < node.getInputs().size(); ++i)
      if (!attempt.require(!inputOf(node, i), "input " + Twine(i) +
                                                  " (position ids, bias, sink, "
                                                  "scale or norm) is given"))
        return false;
    if (!attempt.require(node.getInputs().size() >= 7 && node.getNumResults() == 3,
                         "it must have the inputs up to total_sequence_length and three results") ||
        !attempt.require(intAttribute(node, "local_window_size", -1) == -1, "it has a window") ||
        !attempt.require(floatAttribute(node, "softcap", 0) == 0, "it has a soft cap") ||
        !attempt.require(intAttribute(node, "smooth_softmax", 0) <= 0, "its softmax is smooth"))
      return false;
    static const llvm::StringSet<> known = {
        "num_heads",          "kv_num_heads",      "scale",         "softcap", "do_rotary",
        "rotary_interleaved", "local_window_size", "smooth_softmax"};
    for (NamedAttribute attribute : node.getNodeAttributes())
      if (!known.contains(attribute.getName().getValue()) &&
          !attempt.require(isDefault(attribute.getValue()),
                           "attribute '" + attribute.getName().getValue() + "' is not understood"))
        return false;
    return true;
  }

  static bool isDefault(Attribute value) {
    if (auto integer = dyn_cast<IntegerAttr>(value))
      return integer.getValue().isZero();
    if (auto text = dyn_cast<StringAttr>(value))
      return text.getValue().empty() || text.getValue() == "NONE";
    return false;
  }

  /// seqlens_k is the last position, total_sequence_length the number of positions.
  bool checkLengths(lm::OpaqueOp node, Attempt &attempt) {
    for (const Probe &probe : probes) {
      int64_t total = probe.point().past + probe.point().tokens;
      auto holds = [&](unsigned index, int64_t wanted) {
        Value value = inputOf(node, index);
        const HostTensor *tensor = value ? probe.findData(value) : nullptr;
        return tensor && tensor->isInteger() && tensor->size() == 1 && tensor->ints[0] == wanted;
      };
      if (!attempt.require(holds(5, total - 1), "seqlens_k is not the number of positions - 1") ||
          !attempt.require(holds(6, total), "total_sequence_length is not the number of positions"))
        return false;
    }
    return true;
  }

  bool matchOperands(lm::OpaqueOp node, Operands &operands, Attempt &attempt) {
    AttentionShape &shape = operands.shape;
    shape.heads = intAttribute(node, "num_heads", 0);
    shape.kvHeads = intAttribute(node, "kv_num_heads", 0);
    operands.packed = !inputOf(node, 1) && !inputOf(node, 2);
    operands.q = rowsBehind(node.getInputs()[0]);
    operands.k =
        operands.packed ? operands.q : (inputOf(node, 1) ? rowsBehind(inputOf(node, 1)) : Value());
    operands.v =
        operands.packed ? operands.q : (inputOf(node, 2) ? rowsBehind(inputOf(node, 2)) : Value());
    operands.keys = {inputOf(node, 3), node.getResult(1)};
    operands.values = {inputOf(node, 4), node.getResult(2)};
    if (!attempt.require(operands.q && operands.k && operands.v,
                         "queries, keys or values do not come from a raised layer") ||
        !attempt.require(operands.keys.past && operands.values.past, "it has no cache") ||
        !attempt.require(shape.heads > 0 && shape.kvHeads > 0 && shape.heads <= mostHeads &&
                             shape.kvHeads <= mostHeads,
                         "num_heads and kv_num_heads must be from 1 to " + Twine(mostHeads)))
      return false;
    int64_t channels = cast<RankedTensorType>(operands.q.getType()).getDimSize(1);
    int64_t slices = operands.packed ? shape.heads + 2 * shape.kvHeads : shape.heads;
    shape.headDim = channels / slices;
    bool linear = operands.q.getDefiningOp<lm::LinearOp>() ||
                  operands.q.getDefiningOp<lm::QuantizedLinearOp>();
    return attempt.require(channels % slices == 0 && shape.headDim > 0,
                           "its " + Twine(channels) + " channels do not divide into " +
                               Twine(slices) + " heads") &&
           attempt.require(!operands.packed || linear, "its packed input is no linear layer");
  }

  std::optional<RopeTable> tableOf(lm::OpaqueOp node, const AttentionShape &shape,
                                   Attempt &attempt) {
    Value cosines = inputOf(node, 7), sines = inputOf(node, 8);
    auto cosine = cosines ? constantOf(cosines, pathElements) : std::nullopt;
    auto sine = sines ? constantOf(sines, pathElements) : std::nullopt;
    if (!attempt.require(intAttribute(node, "rotary_interleaved", 0) == 0,
                         "its rotation is interleaved") ||
        !attempt.require(cosine && sine && cosine->hasData && sine->hasData && cosine->isFloat() &&
                             sine->isFloat() && cosine->rank() == 2 && cosine->shape == sine->shape,
                         "its cos and sin caches are no constants of one shape") ||
        !attempt.require(cosine->shape[0] >= context,
                         "its cos cache has " + Twine(cosine->shape[0]) +
                             " positions, the context has " + Twine(context)) ||
        !attempt.require(2 * cosine->shape[1] <= shape.headDim,
                         "its cos cache rotates more than a head has"))
      return std::nullopt;
    RopeTable table;
    // One position turns by no base: the file's second one tells it.
    table.positions = std::min(cosine->shape[0], std::max<int64_t>(context, 2));
    table.half = cosine->shape[1];
    table.cosines.assign(cosine->floats.begin(),
                         cosine->floats.begin() + table.positions * table.half);
    table.sines.assign(sine->floats.begin(), sine->floats.begin() + table.positions * table.half);
    return table;
  }

  void emit(lm::OpaqueOp node, Operands operands, const std::optional<RopeTable> &table) {
    OpBuilder builder(node);
    Location loc = node.getLoc();
    const AttentionShape &shape = operands.shape;
    if (operands.packed) {
      int64_t queries = shape.heads * shape.headDim, keys = shape.kvHeads * shape.headDim;
      Value layer = operands.q;
      operands.q = sliceOfLinear(builder, loc, layer, 0, queries);
      operands.k = sliceOfLinear(builder, loc, layer, queries, keys);
      operands.v = sliceOfLinear(builder, loc, layer, queries + keys, keys);
    }
    if (table) {
      operands.q = ropes.emit(builder, loc, operands.q, shape.heads, *table, node.getNodeName());
      operands.k = ropes.emit(builder, loc, operands.k, shape.kvHeads, *table, node.getNodeName());
    }
    double scale = floatAttribute(node, "scale", 0);
    scale = scale == 0 ? 1.0 / std::sqrt(double(shape.headDim)) : scale;
    Value rows = emitter.emit(builder, loc, operands.q, operands.k, operands.v, shape,
                              snapScale(step, float(scale), shape.headDim, node.getNodeName()));
    replaceByRows(probes, builder, node.getResult(0), rows);
    dropCacheResult(step, operands.keys);
    dropCacheResult(step, operands.values);
  }

  RaiseStep &step;
  int64_t context;
  SmallVector<Probe> probes;
  AttentionEmitter emitter;
  RopeEmitter ropes;
};

struct RaiseGroupQueryAttentionPass
    : impl::RaiseGroupQueryAttentionPassBase<RaiseGroupQueryAttentionPass>,
      Reporting {
  using RaiseGroupQueryAttentionPassBase::RaiseGroupQueryAttentionPassBase;
  void runOnOperation() override {
    FailureOr<int64_t> positions = contextOf(getOperation(), context);
    auto step = [&](RaiseStep &state) { return GroupQueryRaiser(state, *positions).run(); };
    if (failed(positions) || failed(runStep(getOperation(), *report, step)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createRaiseGroupQueryAttentionPass(std::shared_ptr<RaiseReport> report,
                                                         int64_t context) {
  RaiseGroupQueryAttentionPassOptions options;
  options.context = context;
  return withReport<RaiseGroupQueryAttentionPass>(std::move(report), options);
}

} // namespace llmc::passes
