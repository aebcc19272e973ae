// Registration of the npu dialect.
#include "dialects/Npu/Npu.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialects/Npu/NpuDialect.cpp.inc"
#include "dialects/Npu/NpuEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Npu/NpuTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Npu/NpuAttributes.cpp.inc"

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

} // namespace llmc::npu
