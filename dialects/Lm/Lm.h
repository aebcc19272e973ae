// The lm dialect: types, attributes and operations.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Lm/LmDialect.h.inc"
#include "dialects/Lm/LmEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Lm/LmAttributes.h.inc"
#define GET_OP_CLASSES
#include "dialects/Lm/LmOps.h.inc"
