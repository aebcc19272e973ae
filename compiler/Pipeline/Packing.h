// What the passes are told of a direct machine's packed layouts, which its target alone knows.
#pragma once

#include "dialects/Npu/Npu.h"
#include "targets/Interface/Target.h"

#include "mlir/IR/BuiltinOps.h"

namespace llmc {

/// The sizes of every matrix of the quantized program and of the rows that its linear layers read,
/// for the chunks and heads of the machine. Null where the target takes a matrix in no layout: an
/// error at the operation that reads it.
npu::PackingAttr packingOf(mlir::ModuleOp module, const target::Target &target,
                           const target::Machine &machine);

} // namespace llmc
