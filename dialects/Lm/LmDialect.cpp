// Registration and attributes of the lm dialect.
#include "dialects/Lm/Lm.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialects/Lm/LmDialect.cpp.inc"
#include "dialects/Lm/LmEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Lm/LmAttributes.cpp.inc"

using namespace mlir;

namespace llmc::lm {

void LmDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Lm/LmAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Lm/LmOps.cpp.inc"
      >();
}

LogicalResult LmDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() != EntryAttr::functionAttributeName)
    return success();
  if (!isa<func::FuncOp>(op) || !isa<EntryAttr>(attribute.getValue()))
    return op->emitError() << "'" << EntryAttr::functionAttributeName
                           << "' must be a #lm.entry on a function";
  return success();
}

EntryAttr EntryAttr::of(Operation *function) {
  return function->getAttrOfType<EntryAttr>(functionAttributeName);
}

LogicalResult EntryAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, EntryKind kind,
                                int64_t rows) {
  if (rows < 1)
    return emitError() << "entry: " << rows << " rows are not positive";
  if (kind == EntryKind::Decode && rows != 1)
    return emitError() << "entry: decode has one row, not " << rows;
  return success();
}

LogicalResult FormatAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                                 ElementKind element, uint32_t group, ScaleKind scale) {
  if (scale == ScaleKind::Multiplier && group == 0)
    return emitError() << "format: integer multipliers need a group size";
  if (scale == ScaleKind::Multiplier && element == ElementKind::I8)
    return emitError() << "format: integer multipliers need elements narrower than i8, since "
                          "multiplier times element must fit int8";
  return success();
}

bool FormatAttr::decodesToInt8() const {
  return getScale() == ScaleKind::Multiplier || (getGroup() == 0 && getScale() == ScaleKind::F32);
}

int64_t FormatAttr::groupsPerRow(int64_t columns) const {
  return getGroup() == 0 ? 1 : (columns + getGroup() - 1) / getGroup();
}

unsigned FormatAttr::elementBits() const {
  switch (getElement()) {
  case ElementKind::I8:
  case ElementKind::E4M3:
  case ElementKind::E5M2:
    return 8;
  case ElementKind::I4:
  case ElementKind::Table16:
  case ElementKind::E2M1:
    return 4;
  case ElementKind::I3:
    return 3;
  case ElementKind::I2:
  case ElementKind::Ternary:
    return 2;
  }
  llvm_unreachable("all element kinds are listed");
}

} // namespace llmc::lm
