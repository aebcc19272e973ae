// Registration and attributes of the plan dialect.
#include "dialects/Plan/Plan.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialects/Plan/PlanDialect.cpp.inc"
#include "dialects/Plan/PlanEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Plan/PlanAttributes.cpp.inc"

using namespace mlir;

namespace llmc::plan {

void PlanDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Plan/PlanAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Plan/PlanOps.cpp.inc"
      >();
}

LogicalResult PlanDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() != PlacementAttr::moduleAttributeName)
    return op->emitError() << "unknown attribute '" << attribute.getName().getValue()
                           << "'; the plan dialect knows '" << PlacementAttr::moduleAttributeName
                           << "' on modules";
  if (!isa<ModuleOp>(op) || !isa<PlacementAttr>(attribute.getValue()))
    return op->emitError() << "'" << PlacementAttr::moduleAttributeName
                           << "' must be a #plan.placement on a module";
  return success();
}

PlacementAttr PlacementAttr::of(ModuleOp module) {
  return module->getAttrOfType<PlacementAttr>(moduleAttributeName);
}

unsigned bitsOf(DType type) {
  switch (type) {
  case DType::F32:
  case DType::I32:
    return 32;
  case DType::F16:
  case DType::I16:
    return 16;
  case DType::I8:
  case DType::U8:
    return 8;
  case DType::I4:
  case DType::U4:
    return 4;
  }
  llvm_unreachable("all element types are listed");
}

Operation *programOf(KernelOp kernel) {
  // The file is a symbol table of its own, and an entry in it may have the program's name.
  Operation *file = kernel->getParentOp();
  Operation *around = file ? file->getParentOp() : nullptr;
  return around ? SymbolTable::lookupNearestSymbolFrom(around, kernel.getProgramAttr()) : nullptr;
}

} // namespace llmc::plan
