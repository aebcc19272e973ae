// Pass llmc-raise-rms-norm: RMSNorm from its decompositions.
//
// The decomposed form is found at the mean of squares. No match where
//   1. the mean is not over the last axis alone, or does not keep it;
//   2. what is squared is no activation [1, tokens, channels];
//   3. no constant is added to the mean;
//   4. the square root of the sum neither divides the activation nor multiplies it inverted;
//   5. the result is not multiplied by a constant of `channels` elements.
#include "passes/Raising/RaiseRmsNorm.h"

#include "dialects/Lm/LmWeights.h"
#include "passes/Raising/RaisePass.h"
#include "passes/Raising/WeightViews.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_RAISERMSNORMPASS
#include "passes/Raising/RaiseRmsNorm.h.inc"

namespace {

struct Norm {
  Value input, weight;
  float epsilon = 0;
  int64_t channels = 0;
};

class RmsNormRaiser {
public:
  explicit RmsNormRaiser(RaiseStep &step) : step(step), probes(probeAll(step.program)) {}

  LogicalResult run() {
    for (lm::OpaqueOp node : step.nodes()) {
      Attempt attempt;
      if (asNode(node, "ReduceMean") && squared(node.getInputs()[0]))
        conclude(step.report, "rms_norm", node, raiseDecomposed(node, attempt), attempt);
      else if (asNode(node, "SimplifiedLayerNormalization") || asNode(node, "RMSNormalization"))
        conclude(step.report, "rms_norm", node, raiseFused(node, attempt), attempt);
      else if (asNode(node, "SkipSimplifiedLayerNormalization", microsoftDomain))
        conclude(step.report, "add + rms_norm", node, raiseSkip(node, attempt), attempt);
    }
    return success();
  }

private:
  /// x where the value is x * x or x^2.
  Value squared(Value value) {
    if (lm::OpaqueOp pow = definingNode(value, "Pow"))
      if (scalarConstant(probes, pow.getInputs()[1]) == std::optional(2.0F))
        return pow.getInputs()[0];
    lm::OpaqueOp mul = definingNode(value, "Mul");
    return mul && mul.getInputs()[0] == mul.getInputs()[1] ? mul.getInputs()[0] : Value();
  }

  /// The other factor or term where `value` is used once, in a commutative node of this type.
  std::pair<lm::OpaqueOp, Value> soleUse(Value value, StringRef type) {
    lm::OpaqueOp user = asNode(soleUser(value), type);
    if (!user)
      return {};
    return {user, user.getInputs()[0] == value ? user.getInputs()[1] : user.getInputs()[0]};
  }

  /// x / root, x * (1 / root) in any spelling; the node that computes it.
  lm::OpaqueOp normalized(Value root, Value x) {
    lm::OpaqueOp user = soleUser(root);
    if (asNode(user, "Div") && user.getInputs()[0] == x && user.getInputs()[1] == root)
      return user;
    bool inverts = asNode(user, "Reciprocal") ||
                   (asNode(user, "Div") && user.getInputs()[1] == root &&
                    scalarConstant(probes, user.getInputs()[0]) == std::optional(1.0F));
    if (!inverts)
      return {};
    auto [mul, other] = soleUse(user.getResult(0), "Mul");
    return mul && other == x ? mul : lm::OpaqueOp();
  }

  bool isScale(Value value, int64_t channels) {
    lm::WeightOp weight = lm::weightOf(value);
    return weight && weight.tensorType().getElementType().isF32() &&
           weight.tensorType().getShape() == ArrayRef<int64_t>{channels};
  }

  bool meanOverLastAxis(lm::OpaqueOp mean, int64_t channels) {
    for (const Probe &probe : probes)
      if (!probe.hasShape(mean.getResult(0), {1, probe.point().tokens, 1}))
        return false;
    return channels > 1;
  }

  bool raiseDecomposed(lm::OpaqueOp mean, Attempt &attempt) {
    Norm norm;
    norm.input = squared(mean.getInputs()[0]);
    norm.channels = channelsOf(probes, norm.input);
    if (!attempt.require(norm.channels > 0, "what is squared is no activation") ||
        !attempt.require(meanOverLastAxis(mean, norm.channels),
                         "the mean must be over the last axis and keep it"))
      return false;
    auto [sum, epsilon] = soleUse(mean.getResult(0), "Add");
    std::optional<float> constant = sum ? scalarConstant(probes, epsilon) : std::nullopt;
    if (!attempt.require(constant.has_value(), "no constant epsilon is added to the mean"))
      return false;
    norm.epsilon = *constant;
    lm::OpaqueOp root = asNode(soleUser(sum.getResult(0)), "Sqrt");
    lm::OpaqueOp scaled = root ? normalized(root.getResult(0), norm.input) : lm::OpaqueOp();
    if (!attempt.require(bool(root), "mean + epsilon goes to no square root alone") ||
        !attempt.require(bool(scaled), "the root neither divides the activation nor multiplies it "
                                       "inverted"))
      return false;
    auto [last, weight] = soleUse(scaled.getResult(0), "Mul");
    if (!attempt.require(last && isScale(weight, norm.channels),
                         "the result is not multiplied by a constant of " + Twine(norm.channels) +
                             " elements"))
      return false;
    norm.weight = weight;
    emit(last, last.getResult(0), norm, Value());
    return true;
  }

  bool checkFused(lm::OpaqueOp node, Norm &norm, unsigned weightIndex, Attempt &attempt) {
    norm.input = node.getInputs()[0];
    norm.weight = inputOf(node, weightIndex);
    norm.channels = channelsOf(probes, norm.input);
    norm.epsilon = float(floatAttribute(node, "epsilon", 1e-5));
    int64_t axis = intAttribute(node, "axis", -1);
    return attempt.require(norm.channels > 0, "the input is no activation") &&
           attempt.require(axis == -1 || axis == 2, "the axis must be the last") &&
           attempt.require(norm.weight && isScale(norm.weight, norm.channels),
                           "the scale must be a constant of " + Twine(norm.channels) + " elements");
  }

  bool unused(lm::OpaqueOp node, ArrayRef<unsigned> results) {
    return llvm::all_of(results, [&](unsigned index) {
      return index >= node.getNumResults() || node.getResult(index).use_empty();
    });
  }

  bool raiseFused(lm::OpaqueOp node, Attempt &attempt) {
    Norm norm;
    if (!checkFused(node, norm, 1, attempt) ||
        !attempt.require(unused(node, {1}), "the second result (inverse deviation) is used"))
      return false;
    emit(node, node.getResult(0), norm, Value());
    return true;
  }

  bool raiseSkip(lm::OpaqueOp node, Attempt &attempt) {
    Norm norm;
    if (!checkFused(node, norm, 2, attempt) ||
        !attempt.require(!inputOf(node, 3), "it has a bias") ||
        !attempt.require(channelsOf(probes, node.getInputs()[1]) == norm.channels,
                         "input and skip must have one shape") ||
        !attempt.require(unused(node, {1, 2}), "mean or inverse deviation is used"))
      return false;
    emit(node, node.getResult(0), norm, node.getInputs()[1]);
    return true;
  }

  /// Replaces `result` by the norm; with `skip`, of the sum, which is the node's result 3.
  void emit(lm::OpaqueOp at, Value result, const Norm &norm, Value skip) {
    OpBuilder builder(at);
    Location loc = at.getLoc();
    Value rows = dropBatch(builder, loc, norm.input, norm.channels);
    if (skip) {
      Value other = dropBatch(builder, loc, skip, norm.channels);
      rows = lm::AddOp::create(builder, loc, rows.getType(), rows, other);
      if (at.getNumResults() > 3)
        replaceByRows(probes, builder, at.getResult(3), rows);
    }
    Value norms = lm::RmsNormOp::create(builder, loc, rows.getType(), rows, norm.weight,
                                        builder.getF32FloatAttr(norm.epsilon));
    replaceByRows(probes, builder, result, norms);
  }

  RaiseStep &step;
  SmallVector<Probe> probes;
};

struct RaiseRmsNormPass : impl::RaiseRmsNormPassBase<RaiseRmsNormPass>, Reporting {
  void runOnOperation() override {
    auto step = [](RaiseStep &state) { return RmsNormRaiser(state).run(); };
    if (failed(runStep(getOperation(), *report, step)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createRaiseRmsNormPass(std::shared_ptr<RaiseReport> report) {
  return withReport<RaiseRmsNormPass>(std::move(report));
}

} // namespace llmc::passes
