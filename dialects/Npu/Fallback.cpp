#include "dialects/Npu/Fallback.h"

using namespace mlir;

namespace llmc::npu {

StringAttr fallbackOf(Operation *op) {
  return op->getAttrOfType<StringAttr>(fallbackAttributeName);
}

void setFallback(Operation *op, StringAttr reason) {
  if (reason)
    op->setAttr(fallbackAttributeName, reason);
}

} // namespace llmc::npu
