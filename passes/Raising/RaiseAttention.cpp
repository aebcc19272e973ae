// Pass llmc-raise-attention: attention from its decompositions.
//
// Found at Softmax. No match where
//   1. the softmax is not over the last axis, or goes elsewhere than into a product with the
//   values;
//   2. the scores are no product, or the way from it to the softmax is not scale and mask;
//   3. the mask is not causal: exactly 0 on visible positions, -10000 or less on others;
//   4. keys or values are no cache extended by a raised layer, repeated over the heads of a group;
//   5. queries are no [1, heads, tokens, dim] view of a raised layer;
//   6. the result is not put back together as [1, tokens, heads * dim];
//   7. an extended cache is no result of the model.
#include "passes/Raising/RaiseAttention.h"

#include "passes/Raising/AttentionState.h"
#include "passes/Raising/Layout.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_RAISEATTENTIONPASS
#include "passes/Raising/RaiseAttention.h.inc"

namespace {

/// Additive masks of this value or less switch a position off.
constexpr float maskedBelow = -10000.0F;

/// A softmax attention and where its operands come from.
struct Candidate {
  lm::OpaqueOp softmax, scores, values; ///< `scores` and `values` are the two products.
  Value queries, keys, cachedValues;    ///< Operands of the products.
  CachePair keyCache, valueCache;
  Value queryRows, keyRows, valueRows; ///< Raised [1, tokens, channels].
  Value result;                        ///< [1, tokens, heads * dim].
  AttentionShape shape;
  float scale = 1;
};

class AttentionRaiser {
public:
  AttentionRaiser(RaiseStep &step, int64_t context)
      : step(step), probes(probeAll(step.program)), emitter(step, context) {}

  LogicalResult run() {
    for (lm::OpaqueOp node : step.nodes()) {
      if (!asNode(node, "Softmax"))
        continue;
      Attempt attempt;
      bool matched = raise(node, attempt);
      conclude(step.report, "attention", node, matched, attempt);
    }
    return success();
  }

private:
  bool raise(lm::OpaqueOp softmax, Attempt &attempt) {
    Candidate candidate;
    candidate.softmax = softmax;
    if (!matchProducts(candidate, attempt) || !matchCaches(candidate, attempt) ||
        !matchShapes(candidate, attempt) || !matchScores(candidate, attempt) ||
        !matchLayouts(candidate, attempt) || !matchResult(candidate, attempt) ||
        !emitter.check(candidate.shape, attempt) ||
        !checkCache(step, candidate.keyCache, attempt) ||
        !checkCache(step, candidate.valueCache, attempt))
      return false;
    emit(candidate);
    return true;
  }

  /// Where(IsNaN(p), 0, p): rows without a visible position. Causal masks have none.
  Value withoutGuard(Value p) {
    lm::OpaqueOp select, test;
    for (Operation *user : p.getUsers()) {
      if (auto node = asNode(user, "Where"))
        select = node;
      else if (auto node = asNode(user, "IsNaN"))
        test = node;
      else
        return p;
    }
    bool guard = select && test && select.getInputs()[0] == test.getResult(0) &&
                 select.getInputs()[2] == p && test.getResult(0).hasOneUse() &&
                 scalarConstant(probes, select.getInputs()[1]) == std::optional(0.0F);
    return guard ? select.getResult(0) : p;
  }

  bool matchProducts(Candidate &candidate, Attempt &attempt) {
    Value p = candidate.softmax.getResult(0);
    // Before version 13 the default was another.
    int64_t axis = intAttribute(candidate.softmax, "axis",
                                int64_t(candidate.softmax.getVersion()) < 13 ? 1 : -1);
    const HostTensor *shape = probes[0].find(p);
    if (!attempt.require(shape && shape->rank() == 4,
                         "its shape is not [1, heads, tokens, total]") ||
        !attempt.require(axis == -1 || axis == 3, "it is not over the last axis"))
      return false;
    p = withoutGuard(p);
    candidate.values = asNode(soleUser(p), "MatMul");
    if (!attempt.require(candidate.values && candidate.values.getInputs()[0] == p,
                         "it goes elsewhere than into a product with the values"))
      return false;
    auto isProduct = [](Value value) { return bool(definingNode(value, "MatMul")); };
    Value scores = walkBack(probes[0], candidate.softmax.getInputs()[0], isProduct);
    candidate.scores = scores ? definingNode(scores, "MatMul") : lm::OpaqueOp();
    if (!attempt.require(bool(candidate.scores), "its input is no product with scale and mask"))
      return false;
    candidate.queries = candidate.scores.getInputs()[0];
    candidate.keys = candidate.scores.getInputs()[1];
    candidate.cachedValues = candidate.values.getInputs()[1];
    return true;
  }

  /// Concat(past, new) along the positions.
  static bool isExtendedCache(Value value) {
    lm::OpaqueOp concat = definingNode(value, "Concat");
    return concat && concat.getInputs().size() == 2 && roleOf(concat.getInputs()[0]) == Role::Past;
  }

  bool matchCache(Value operand, CachePair &cache, Value &rows, StringRef what, Attempt &attempt) {
    Value present = walkBack(probes[0], operand, isExtendedCache);
    lm::OpaqueOp concat = present ? definingNode(present, "Concat") : lm::OpaqueOp();
    if (!attempt.require(bool(concat), "its " + what + " are no cache with new rows appended"))
      return false;
    int64_t axis = intAttribute(concat, "axis", 0);
    if (!attempt.require(axis == 2 || axis == -2,
                         "its " + what + " are not appended along the positions"))
      return false;
    cache = {concat.getInputs()[0], present};
    auto raised = [](Value value) { return rowsBehind(value) != nullptr; };
    rows = walkBack(probes[0], concat.getInputs()[1], raised);
    return attempt.require(bool(rows), "its new " + what + " do not come from a raised layer");
  }

  bool matchCaches(Candidate &candidate, Attempt &attempt) {
    auto raised = [](Value value) { return rowsBehind(value) != nullptr; };
    candidate.queryRows = walkBack(probes[0], candidate.queries, raised);
    return attempt.require(bool(candidate.queryRows),
                           "its queries do not come from a raised layer") &&
           matchCache(candidate.keys, candidate.keyCache, candidate.keyRows, "keys", attempt) &&
           matchCache(candidate.cachedValues, candidate.valueCache, candidate.valueRows, "values",
                      attempt);
  }

  bool matchShapes(Candidate &candidate, Attempt &attempt) {
    const HostTensor *queries = probes[0].find(candidate.queries);
    const HostTensor *cache = probes[0].find(candidate.keyCache.past);
    if (!attempt.require(queries && queries->rank() == 4 && cache && cache->rank() == 4,
                         "the shape of its queries or of its cache is not known"))
      return false;
    candidate.shape = {queries->shape[1], cache->shape[1], cache->shape[3]};
    return attempt.require(candidate.shape.kvHeads > 0 && candidate.shape.headDim > 0,
                           "its cache is empty") &&
           attempt.require(queries->shape[3] == candidate.shape.headDim,
                           "queries have heads of " + Twine(queries->shape[3]) +
                               " elements, the cache of " + Twine(candidate.shape.headDim)) &&
           attempt.require(candidate.shape.heads % candidate.shape.kvHeads == 0,
                           "the heads are no multiple of the key/value heads");
  }

  /// Seeding the scores with zeros shows the mask, seeding them with numbers the scale.
  bool matchScores(Candidate &candidate, Attempt &attempt) {
    Value scores = candidate.scores.getResult(0), input = candidate.softmax.getInputs()[0];
    for (const Probe &probe : probes) {
      int64_t tokens = probe.point().tokens, past = probe.point().past;
      SmallVector<int64_t, 4> shape = {1, candidate.shape.heads, tokens, past + tokens};
      if (!attempt.require(probe.hasShape(scores, shape) && probe.hasShape(input, shape),
                           "the scores are not [1, heads, tokens, past + tokens]"))
        return false;
      std::vector<float> zeros(probe.find(scores)->size(), 0.0F), ones(zeros.size(), 1.0F);
      auto mask = probe.evaluateFrom(scores, HostTensor::ofFloats(shape, zeros), input);
      auto scaled = probe.evaluateFrom(scores, HostTensor::ofFloats(shape, ones), input);
      if (!attempt.require(mask && mask->hasData && scaled && scaled->hasData,
                           "scale or mask depend on more than positions"))
        return false;
      if (!checkMask(probe, *mask, *scaled, candidate, attempt))
        return false;
    }
    return true;
  }

  bool checkMask(const Probe &probe, const HostTensor &mask, const HostTensor &scaled,
                 Candidate &candidate, Attempt &attempt) {
    int64_t past = probe.point().past;
    bool good = true;
    candidate.scale = scaled.floats[0];
    forEachIndex(mask.shape, [&](ArrayRef<int64_t> index, int64_t linear) {
      bool visible = index[3] <= past + index[2];
      float value = mask.floats[linear];
      good = good &&
             attempt.require(visible ? value == 0.0F : value <= maskedBelow,
                             "the mask is not causal: with " + Twine(past) +
                                 " cached positions, token " + Twine(index[2]) + " sees position " +
                                 Twine(index[3]) + " with " + std::to_string(value));
      good = good && (!visible || attempt.require(scaled.floats[linear] == candidate.scale,
                                                  "the scale differs between scores"));
    });
    return good;
  }

  /// Heads of keys or values as a product reads them: those of the queries, or a single one, which
  /// the product repeats itself. 0 where it is something else.
  int64_t factorHeads(Value value, const AttentionShape &shape) const {
    const HostTensor *tensor = probes[0].find(value);
    int64_t heads = tensor && tensor->rank() == 4 ? tensor->shape[1] : 0;
    return heads == shape.heads || (heads == 1 && shape.kvHeads == 1) ? heads : 0;
  }

  bool matchLayouts(Candidate &candidate, Attempt &attempt) {
    const AttentionShape &shape = candidate.shape;
    int64_t dim = shape.headDim;
    int64_t keyHeads = factorHeads(candidate.keys, shape);
    int64_t valueHeads = factorHeads(candidate.cachedValues, shape);
    if (!attempt.require(keyHeads > 0 && valueHeads > 0,
                         "keys or values have other heads than the queries or the cache"))
      return false;
    int64_t keyGroup = keyHeads / shape.kvHeads, valueGroup = valueHeads / shape.kvHeads;
    HeadLayout queries{shape.heads, dim}, cache{shape.kvHeads, dim};
    float queryScale = 1, keyScale = 1;
    for (const Probe &probe : probes) {
      int64_t tokens = probe.point().tokens, total = tokens + probe.point().past;
      auto q = uniformFactor(probe, candidate.queryRows, candidate.queries,
                             {1, shape.heads, tokens, dim},
                             [&](ArrayRef<int64_t> index) { return queries.headsFirst(index); });
      auto k = uniformFactor(probe, candidate.keyCache.present, candidate.keys,
                             {1, keyHeads, dim, total}, [&](ArrayRef<int64_t> index) {
                               return (index[1] / keyGroup * total + index[3]) * dim + index[2];
                             });
      auto v = uniformFactor(probe, candidate.valueCache.present, candidate.cachedValues,
                             {1, valueHeads, total, dim}, [&](ArrayRef<int64_t> index) {
                               return (index[1] / valueGroup * total + index[2]) * dim + index[3];
                             });
      if (!attempt.require(q.has_value(), "its queries are no heads of one layer, in order") ||
          !attempt.require(k.has_value(), "its keys are not the cache repeated over each group") ||
          !attempt.require(v == std::optional(1.0F),
                           "its values are not the cache repeated over each group") ||
          !matchNewRows(probe, candidate, cache, attempt))
        return false;
      queryScale = *q;
      keyScale = *k;
    }
    candidate.scale = float(double(queryScale) * double(keyScale) * double(candidate.scale));
    return true;
  }

  bool matchNewRows(const Probe &probe, Candidate &candidate, HeadLayout layout, Attempt &attempt) {
    SmallVector<int64_t, 4> shape = {1, layout.heads, probe.point().tokens, layout.dim};
    for (auto [cache, rows] : {std::pair(candidate.keyCache, candidate.keyRows),
                               std::pair(candidate.valueCache, candidate.valueRows)}) {
      Value appended = definingNode(cache.present, "Concat").getInputs()[1];
      auto factor = uniformFactor(probe, rows, appended, shape, [&](ArrayRef<int64_t> index) {
        return layout.headsFirst(index);
      });
      if (!attempt.require(factor == std::optional(1.0F),
                           "what it appends to the cache are no heads of one layer, in order"))
        return false;
    }
    return true;
  }

  /// Follows the product until heads stand side by side.
  bool matchResult(Candidate &candidate, Attempt &attempt) {
    constexpr int longestChain = 4;
    HeadLayout layout{candidate.shape.heads, candidate.shape.headDim};
    Value root = candidate.values.getResult(0), value = root;
    for (int i = 0; i < longestChain; ++i) {
      lm::OpaqueOp user = soleUser(value);
      if (!user || user.getNumResults() != 1)
        break;
      value = user.getResult(0);
      bool joined = llvm::all_of(probes, [&](const Probe &probe) {
        int64_t tokens = probe.point().tokens;
        return uniformFactor(probe, root, value, {1, tokens, layout.heads * layout.dim},
                             [&](ArrayRef<int64_t> index) {
                               int64_t head = index[2] / layout.dim;
                               return (head * tokens + index[1]) * layout.dim +
                                      index[2] % layout.dim;
                             }) == std::optional(1.0F);
      });
      if (joined) {
        candidate.result = value;
        return true;
      }
    }
    return attempt.require(false, "its result is not put together as [1, tokens, heads * dim]");
  }

  void emit(Candidate &candidate) {
    OpBuilder builder(candidate.result.getDefiningOp());
    float scale =
        snapScale(step, candidate.scale, candidate.shape.headDim, candidate.softmax.getNodeName());
    Value rows = emitter.emit(builder, candidate.softmax.getLoc(), rowsBehind(candidate.queryRows),
                              rowsBehind(candidate.keyRows), rowsBehind(candidate.valueRows),
                              candidate.shape, scale);
    replaceByRows(probes, builder, candidate.result, rows);
    dropCacheResult(step, candidate.keyCache);
    dropCacheResult(step, candidate.valueCache);
  }

  RaiseStep &step;
  SmallVector<Probe> probes;
  AttentionEmitter emitter;
};

struct RaiseAttentionPass : impl::RaiseAttentionPassBase<RaiseAttentionPass>, Reporting {
  using RaiseAttentionPassBase::RaiseAttentionPassBase;
  void runOnOperation() override {
    FailureOr<int64_t> positions = contextOf(getOperation(), context);
    auto step = [&](RaiseStep &state) { return AttentionRaiser(state, *positions).run(); };
    if (failed(positions) || failed(runStep(getOperation(), *report, step)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createRaiseAttentionPass(std::shared_ptr<RaiseReport> report,
                                               int64_t context) {
  RaiseAttentionPassOptions options;
  options.context = context;
  return withReport<RaiseAttentionPass>(std::move(report), options);
}

} // namespace llmc::passes
