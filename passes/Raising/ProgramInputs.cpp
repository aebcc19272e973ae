#include "passes/Raising/ProgramInputs.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace llmc::passes {

static StringRef spelling(Role role) {
  switch (role) {
  case Role::None:
    return "none";
  case Role::Tokens:
    return "tokens";
  case Role::Position:
    return "position";
  case Role::Ids:
    return "ids";
  case Role::Mask:
    return "mask";
  case Role::Positions:
    return "positions";
  case Role::Past:
    return "past";
  }
  llvm_unreachable("all roles are listed");
}

Role roleOf(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto function = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : nullptr;
  if (!function)
    return Role::None;
  auto text = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), roleAttribute);
  if (text)
    for (Role role :
         {Role::Tokens, Role::Position, Role::Ids, Role::Mask, Role::Positions, Role::Past})
      if (text.getValue() == spelling(role))
        return role;
  return Role::None;
}

void setRole(func::FuncOp function, unsigned argument, Role role) {
  function.setArgAttr(argument, roleAttribute,
                      StringAttr::get(function.getContext(), spelling(role)));
}

Value argumentOf(func::FuncOp function, Role role) {
  for (Value argument : function.getArguments())
    if (roleOf(argument) == role)
      return argument;
  return {};
}

StringRef argumentName(func::FuncOp function, unsigned argument) {
  auto name = function.getArgAttrOfType<StringAttr>(argument, nameAttribute);
  return name ? name.getValue() : StringRef();
}

StringRef resultName(func::FuncOp function, unsigned result) {
  auto name = function.getResultAttrOfType<StringAttr>(result, nameAttribute);
  return name ? name.getValue() : StringRef();
}

func::FuncOp programOf(ModuleOp module) {
  func::FuncOp program;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isDeclaration())
      continue;
    if (program) {
      function.emitError("a model has one function, this is a second one beside @")
          << program.getSymName();
      return {};
    }
    program = function;
  }
  if (!program)
    module.emitError("a model has one function, this module has none");
  else if (!program.getBody().hasOneBlock()) {
    program.emitError("a model's function has one block");
    return {};
  }
  return program;
}

FailureOr<int64_t> contextOf(ModuleOp module, int64_t option) {
  if (option > 0)
    return option;
  auto value = module->getAttrOfType<IntegerAttr>(contextAttribute);
  if (value && value.getInt() > 0)
    return value.getInt();
  return module.emitError("the context length is not known: the module has no attribute '")
         << contextAttribute << "'; give the option 'context'";
}

Value rowsBehind(Value value) {
  auto bridge = value.getDefiningOp<UnrealizedConversionCastOp>();
  if (!bridge || bridge.getInputs().size() != 1)
    return {};
  auto type = dyn_cast<RankedTensorType>(bridge.getInputs()[0].getType());
  return type && type.getRank() == 2 ? bridge.getInputs()[0] : Value();
}

Value dropBatch(OpBuilder &builder, Location loc, Value value, int64_t channels) {
  if (Value rows = rowsBehind(value))
    return rows;
  auto type = RankedTensorType::get({ShapedType::kDynamic, channels}, builder.getF32Type());
  return UnrealizedConversionCastOp::create(builder, loc, type, value).getResult(0);
}

Value addBatch(OpBuilder &builder, Location loc, Value value, Type type) {
  return UnrealizedConversionCastOp::create(builder, loc, type, value).getResult(0);
}

void foldBatchBridges(func::FuncOp program) {
  for (auto bridge : program.getBody().front().getOps<UnrealizedConversionCastOp>()) {
    Value rows = bridge.getInputs().size() == 1 ? rowsBehind(bridge.getInputs()[0]) : Value();
    if (rows && rows.getType() == bridge.getResult(0).getType())
      bridge.getResult(0).replaceAllUsesWith(rows);
  }
}

} // namespace llmc::passes
