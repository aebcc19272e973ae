// Kernels by the letter of targets/Interface/Kernel.h and docs/numerics.md: scalar code, in the
// order that the text has, shared by no target.
#pragma once

#include "targets/Interface/Target.h"

#include <cstdint>
#include <span>

namespace llmc::target {

/// A kernel with its memory and the values of its arguments.
struct KernelCall {
  const KernelWork &work;
  std::span<const KernelOperand> operands; ///< In the order of the work.
  std::span<uint8_t *const> memory;        ///< Of each operand; null where it is not used.
  /// Of a linear layer or an embedding table, whose packed operand is never read.
  const WeightRows *weights = nullptr;
  std::span<const uint32_t> arguments;

  uint32_t valueOf(const Extent &extent) const {
    return extent.argument < 0 ? extent.value : arguments[size_t(extent.argument)];
  }
  /// Where row (token, sub) of an operand begins.
  uint8_t *row(unsigned operand, uint64_t token, uint64_t sub) const;
};

/// Runs the kernel. A linear layer reads its activations as rows, never packed: what PackRows
/// writes is a target's own, so there is nothing to run of it.
void runReference(const KernelCall &call);

/// Element `index` of memory that begins at `row`, as fp32.
float elementOf(ElementType type, const uint8_t *row, size_t index);
/// The same, the other way round, rounded as StoreMatrix says.
void storeElement(ElementType type, float value, uint8_t *row, size_t index);

} // namespace llmc::target
