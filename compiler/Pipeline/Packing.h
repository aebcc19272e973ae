// What the passes are told of packed layouts and of products, which targets alone know.
#pragma once

#include "compiler/Emit/PlanDevices.h"
#include "dialects/Npu/Npu.h"

#include "mlir/IR/BuiltinOps.h"

namespace llmc {

/// The sizes of every matrix of the quantized program and of the rows that its linear layers read,
/// for the chunks and heads of the plan, and what of the products that tiling may make of them
/// is refused; all as said by the device that placeWeights() chose. Null where it takes a matrix in
/// no layout: an error at the operation that reads it.
npu::PackingAttr packingOf(mlir::ModuleOp module, const PlanDevices &devices);

} // namespace llmc
