// Registration of the npu dialect.
#include "dialects/Npu/Fallback.h"
#include "dialects/Npu/LeftOut.h"
#include "dialects/Npu/Npu.h"
#include "dialects/Npu/NpuAccess.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialects/Npu/NpuDialect.cpp.inc"
#include "dialects/Npu/NpuEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Npu/NpuTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Npu/NpuAttributes.cpp.inc"

using namespace mlir;

namespace llmc::npu {

void NpuDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Npu/NpuTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Npu/NpuAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Npu/NpuOps.cpp.inc"
      >();
}

LogicalResult NpuDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (name == TargetAttr::moduleAttributeName) {
    if (isa<ModuleOp>(op) && isa<TargetAttr>(attribute.getValue()))
      return success();
    return op->emitError() << "'" << name << "' must be a #npu.target on a module";
  }
  if (name == PackingAttr::moduleAttributeName) {
    if (isa<ModuleOp>(op) && isa<PackingAttr>(attribute.getValue()))
      return success();
    return op->emitError() << "'" << name << "' must be a #npu.packing on a module";
  }
  if (name == chunkRowsAttributeName) {
    auto rows = dyn_cast<IntegerAttr>(attribute.getValue());
    if (isa<ModuleOp>(op) && rows && rows.getType().isInteger(64) && rows.getInt() > 0)
      return success();
    return op->emitError() << "'" << name << "' must be a positive i64 on a module";
  }
  if (name == leftOutAttributeName) {
    auto all = dyn_cast<DictionaryAttr>(attribute.getValue());
    if (isa<ModuleOp>(op) && all &&
        llvm::all_of(all, [](NamedAttribute entry) { return isa<StringAttr>(entry.getValue()); }))
      return success();
    return op->emitError() << "'" << name << "' must map names to texts on a module";
  }
  if (name == fallbackAttributeName) {
    bool places = isa<lm::QuantizedLinearOp, lm::QuantizedEmbedOp, ConstantOp>(op) ||
                  (isCommand(op) && !isa<DmaOp>(op));
    if (places && isa<StringAttr>(attribute.getValue()))
      return success();
    return op->emitError() << "'" << name << "' must be a text on an operation with weights, a "
                           << "constant or a kernel";
  }
  return op->emitError() << "unknown attribute '" << name << "'; the npu dialect knows '"
                         << TargetAttr::moduleAttributeName << "', '"
                         << PackingAttr::moduleAttributeName << "', '" << chunkRowsAttributeName
                         << "' and '" << leftOutAttributeName << "' on modules, and '"
                         << fallbackAttributeName << "'";
}

std::optional<int64_t> NpuDialect::chunkRowsOf(ModuleOp module) {
  auto rows = module->getAttrOfType<IntegerAttr>(chunkRowsAttributeName);
  return rows ? std::optional(rows.getInt()) : std::nullopt;
}

void NpuDialect::setChunkRows(ModuleOp module, int64_t rows) {
  module->setAttr(chunkRowsAttributeName, Builder(module).getI64IntegerAttr(rows));
}

TargetAttr TargetAttr::of(ModuleOp module) {
  return module->getAttrOfType<TargetAttr>(moduleAttributeName);
}

PackingAttr PackingAttr::of(ModuleOp module) {
  return module->getAttrOfType<PackingAttr>(moduleAttributeName);
}

bool PackingAttr::isOwnLayout(ModuleOp module) {
  TargetAttr target = TargetAttr::of(module);
  return target && !target.getDirect() && PackingAttr::of(module);
}

int64_t PackingAttr::rowsGroupFor(lm::FormatAttr format) {
  return format.getScale() == lm::ScaleKind::Multiplier ? 0 : int64_t(format.getGroup());
}

std::optional<int64_t> PackingAttr::weightsBytes(lm::FormatAttr format, int64_t rows,
                                                 int64_t columns, bool fallback) const {
  for (PackedWeightsAttr entry : getWeights())
    if (entry.getFormat() == format && entry.getRows() == rows && entry.getColumns() == columns &&
        entry.getFallback() == fallback)
      return entry.getBytes();
  return std::nullopt;
}

std::optional<int64_t> PackingAttr::rowBytes(lm::FormatAttr format, int64_t columns,
                                             bool fallback) const {
  for (PackedWeightsAttr entry : getWeights())
    if (entry.getFormat() == format && entry.getColumns() == columns &&
        entry.getFallback() == fallback)
      return entry.getBytes() / entry.getRows();
  return std::nullopt;
}

std::optional<int64_t> PackingAttr::rowsBytes(int64_t rows, int64_t columns, int64_t group,
                                              bool fallback) const {
  for (PackedRowsAttr entry : getRows())
    if (entry.getRows() == rows && entry.getColumns() == columns && entry.getGroup() == group &&
        entry.getFallback() == fallback)
      return entry.getBytes();
  return std::nullopt;
}

bool PackingAttr::takes(ProductAttr product) const {
  return !llvm::is_contained(getRefused(), product);
}

} // namespace llmc::npu
