// The plan dialect: attributes and operations.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Plan/PlanDialect.h.inc"
#include "dialects/Plan/PlanEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Plan/PlanAttributes.h.inc"
#define GET_OP_CLASSES
#include "dialects/Plan/PlanOps.h.inc"

namespace llmc::plan {

// What a runtime holds in fixed memory; files beyond it are refused.
inline constexpr unsigned maxTargets = 8, maxRegions = 16, maxQueues = 8, maxParams = 32,
                          maxArgs = 32, maxLoopDepth = 4, maxEntries = 64;

/// Bits of one element.
unsigned bitsOf(DType type);

/// The npu.program, or whatever a target encodes, that `kernel` names in the module around its
/// file; null where there is none.
mlir::Operation *programOf(KernelOp kernel);

} // namespace llmc::plan
