// Pass llmc-finish-program: the canonical signature, order and names.
#include "passes/Raising/FinishProgram.h"

#include "passes/Raising/AttentionState.h"
#include "passes/Raising/RaisePass.h"
#include "passes/Raising/WeightNames.h"
#include "passes/Raising/WidenHalves.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_FINISHPROGRAMPASS
#include "passes/Raising/FinishProgram.h.inc"

namespace {

/// One result: the rows behind the logits.
LogicalResult setResult(RaiseStep &step) {
  Operation *terminator = step.program.getBody().front().getTerminator();
  if (terminator->getNumOperands() != 1) {
    InFlightDiagnostic error = step.program.emitError("the model has ")
                               << terminator->getNumOperands()
                               << " results besides its caches, there must be one, the logits:";
    for (unsigned i = 0; i < terminator->getNumOperands(); ++i)
      error << " '" << resultName(step.program, i) << "'";
    return error;
  }
  Value rows = rowsBehind(terminator->getOperand(0));
  if (!rows)
    return step.program.emitError("the model's result '")
           << resultName(step.program, 0) << "' is not computed by a raised layer but by "
           << describe(terminator->getOperand(0));
  terminator->setOperand(0, rows);
  step.program.setResultAttrs(0, ArrayRef<NamedAttribute>());
  return success();
}

/// Two arguments: token ids and position.
LogicalResult setArguments(func::FuncOp program) {
  constexpr unsigned kept = 2;
  for (unsigned i = program.getNumArguments(); i-- > kept;) {
    if (!program.getArgument(i).use_empty())
      return program.emitError("input '") << argumentName(program, i) << "' is still read, by "
                                          << program.getArgument(i).user_begin()->getName();
    if (failed(program.eraseArgument(i)))
      return failure();
  }
  for (unsigned i = 0; i < kept; ++i)
    program.setArgAttrs(i, ArrayRef<NamedAttribute>());
  return success();
}

/// The residual stream is the first operand of a sum.
void orderSums(func::FuncOp program) {
  auto isLinear = [](Value value) {
    Operation *op = value.getDefiningOp();
    return isa_and_nonnull<lm::LinearOp, lm::QuantizedLinearOp>(op);
  };
  for (auto sum : program.getBody().front().getOps<lm::AddOp>())
    if (isLinear(sum.getLhs()) && !isLinear(sum.getRhs())) {
      Value residual = sum.getRhs();
      sum.getRhsMutable().assign(sum.getLhs());
      sum.getLhsMutable().assign(residual);
    }
}

/// Operations in the order of a depth-first walk from the terminator along operands.
SmallVector<Operation *> depthFirst(Operation *terminator) {
  llvm::SetVector<Operation *> done;
  llvm::DenseSet<Operation *> entered{terminator};
  SmallVector<std::pair<Operation *, unsigned>> stack{{terminator, 0}};
  while (!stack.empty()) {
    auto &[op, next] = stack.back();
    if (next == op->getNumOperands()) {
      done.insert(op);
      stack.pop_back();
      continue;
    }
    Operation *operand = op->getOperand(next++).getDefiningOp();
    if (operand && entered.insert(operand).second)
      stack.push_back({operand, 0});
  }
  return done.takeVector();
}

/// Puts the operations in canonical order and erases what the logits do not need.
void orderOperations(func::FuncOp program) {
  Block &block = program.getBody().front();
  Operation *terminator = block.getTerminator();
  SmallVector<Operation *> order = depthFirst(terminator);
  for (Operation *op : order)
    if (op != terminator)
      op->moveBefore(terminator);
  llvm::DenseSet<Operation *> needed(order.begin(), order.end());
  SmallVector<Operation *> unneeded;
  for (Operation &op : block)
    if (!needed.contains(&op))
      unneeded.push_back(&op);
  for (Operation *op : llvm::reverse(unneeded)) {
    op->dropAllUses();
    op->erase();
  }
}

LogicalResult numberLayers(RaiseStep &step) {
  int64_t layer = 0;
  for (auto attention : step.program.getBody().front().getOps<lm::AttentionOp>()) {
    OpBuilder builder(attention);
    Operation *old = attention.getLayer().getDefiningOp();
    Value index = arith::ConstantIndexOp::create(builder, attention.getLoc(), layer++);
    attention.getLayerMutable().assign(index);
    if (old && old->use_empty())
      old->erase();
  }
  auto state = step.module.lookupSymbol<lm::KvStateOp>(kvStateName);
  if (state && int64_t(state.getLayers()) != layer)
    return step.program.emitError("the logits depend on ")
           << layer << " of " << state.getLayers() << " attention layers";
  return success();
}

LogicalResult finishProgram(RaiseStep &step) {
  if (failed(setResult(step)))
    return failure();
  eraseDeadNodes(step.program);
  if (failed(setArguments(step.program)))
    return failure();
  Operation *terminator = step.program.getBody().front().getTerminator();
  step.program.setFunctionType(FunctionType::get(
      step.program.getContext(), step.program.getArgumentTypes(), terminator->getOperandTypes()));
  step.program.setSymName("main");
  step.module->removeAttr(widenedFromAttribute);
  mergeEqualWeights(step.module, step.program);
  orderSums(step.program);
  IRRewriter rewriter(step.program.getContext());
  DominanceInfo dominance(step.program);
  eliminateCommonSubExpressions(rewriter, dominance, step.program);
  orderOperations(step.program);
  if (failed(numberLayers(step)))
    return failure();
  nameWeights(step.module, step.program);
  if (auto state = step.module.lookupSymbol<lm::KvStateOp>(kvStateName))
    state->moveBefore(step.program);
  return success();
}

struct FinishProgramPass : impl::FinishProgramPassBase<FinishProgramPass>, Reporting {
  void runOnOperation() override {
    if (failed(runStep(getOperation(), *report, finishProgram)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createFinishProgramPass(std::shared_ptr<RaiseReport> report) {
  return withReport<FinishProgramPass>(std::move(report));
}

} // namespace llmc::passes
