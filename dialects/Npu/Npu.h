// The npu dialect: types, attributes and operations.
#pragma once

#include "dialects/Lm/Lm.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Npu/NpuDialect.h.inc"
#include "dialects/Npu/NpuEnums.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Npu/NpuTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Npu/NpuAttributes.h.inc"
#define GET_OP_CLASSES
#include "dialects/Npu/NpuOps.h.inc"
