// Pass llmc-raise-inputs: gives the program its arguments: token ids and position.
#include "passes/Raising/RaiseInputs.h"

#include "passes/Raising/RaisePass.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_RAISEINPUTSPASS
#include "passes/Raising/RaiseInputs.h.inc"

namespace {

/// The role that name and type of an input speak for.
Role roleByName(StringRef name, RankedTensorType type) {
  bool integers = type.getElementType().isInteger(64) || type.getElementType().isInteger(32);
  if (type.getRank() == 4 && type.getElementType().isF32())
    return Role::Past;
  if (type.getRank() != 2 || !integers)
    return Role::None;
  if (name.contains("mask"))
    return Role::Mask;
  if (name.contains("position"))
    return Role::Positions;
  return name.contains("ids") || name.contains("tokens") ? Role::Ids : Role::None;
}

LogicalResult assignRole(func::FuncOp program, unsigned index) {
  StringRef name = argumentName(program, index);
  auto type = dyn_cast<RankedTensorType>(program.getArgument(index).getType());
  Role role = type ? roleByName(name, type) : Role::None;
  if (role == Role::None)
    return program.emitError("input '")
           << name << "' (" << program.getArgument(index).getType()
           << ") has no known role; known are token ids, attention mask and position ids ([batch, "
              "tokens], integers) and caches ([batch, heads, past, head_dim], f32)";
  if (!type.isDynamicDim(0) && type.getDimSize(0) != 1)
    return program.emitError("input '") << name << "' has batch " << type.getDimSize(0)
                                        << "; only batch 1 can be compiled, export with batch 1 or "
                                           "a dynamic batch";
  bool unique = role != Role::Past;
  if (unique && argumentOf(program, role))
    return program.emitError("input '") << name << "' has the role of an earlier input";
  setRole(program, index, role);
  return success();
}

LogicalResult raiseInputs(RaiseStep &step) {
  func::FuncOp program = step.program;
  for (unsigned index = 0, count = program.getNumArguments(); index < count; ++index)
    if (failed(assignRole(program, index)))
      return failure();
  if (!argumentOf(program, Role::Ids))
    return program.emitError("no input holds token ids ([batch, tokens], integers, a name with "
                             "'ids' or 'tokens')");
  Builder builder(program.getContext());
  Type ids = RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type());
  if (failed(program.insertArgument(0, ids, {}, program.getLoc())) ||
      failed(program.insertArgument(1, builder.getI32Type(), {}, program.getLoc())))
    return failure();
  setRole(program, 0, Role::Tokens);
  setRole(program, 1, Role::Position);
  return success();
}

struct RaiseInputsPass : impl::RaiseInputsPassBase<RaiseInputsPass>, Reporting {
  void runOnOperation() override {
    if (failed(runStep(getOperation(), *report, raiseInputs)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createRaiseInputsPass(std::shared_ptr<RaiseReport> report) {
  return withReport<RaiseInputsPass>(std::move(report));
}

} // namespace llmc::passes
