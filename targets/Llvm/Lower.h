// The host service: kernels as plain data to one blob of one instruction set.
#pragma once

#include "targets/Interface/Kernel.h"
#include "targets/Llvm/Blob.h"
#include "targets/Llvm/IsaTable.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace llmc::target {

/// An operand as far as code depends on it; addresses are aligned to the element. Bytes, as
/// everywhere.
struct KernelOperand {
  ElementType type = ElementType::F32;
  uint32_t tokenStride = 0, subStride = 0;
};

/// Brings int8 activations into the order that a Linear of more than one row reads; once for all
/// layers that share them. Operands: the rows (I8, columns beside each other, values within +-127),
/// the packed rows (packedRowsBytes(), aligned to 64).
struct PackRows {
  Extent tokens;
  uint32_t subRows = 1;
  uint32_t columns = 0;
  uint32_t group = 0; ///< Of weights with a scale per group; else 0.
};
uint64_t packedRowsBytes(const IsaTable &isa, const PackRows &pack);

/// One entry of the blob. Its function is
///
///     void(void *const *operands, const uint32_t *params, uint32_t part, uint32_t parts)
///
/// with operands in the order given here and arguments of extents read from params[argument]. part
/// < parts divides the work, never a sum, so that results do not depend on it: parts may run in any
/// order, at once or on one thread. An operand that is written shares no byte with another, unless
/// both are the same elements at the same place and the written one is no wider.
///
/// A Linear has the operands of matmul::Operand, its weights packed as X86WeightLayout says and
/// aligned to 64. With at most one row, A is that row (I8); with more, A is what PackRows of the
/// same rows, columns and group wrote (U8, no strides). Its parts take blocks of 16 outputs, those
/// of everything else take rows. Scores and Values leave AScale unused.
struct KernelRequest {
  std::string name;
  std::variant<VectorChain, Matmul, PackRows> work;
  std::vector<KernelOperand> operands;
};

/// Stack a kernel may take for itself, in bytes.
constexpr uint64_t kKernelStackBytes = 256 * 1024;

/// Errors: a kernel that breaks a rule of targets/Interface/Kernel.h or that this instruction set
/// has no code for, each with the kernel's name; what targetMachine() and linkBlob() report.
std::optional<Blob> lowerLlvm(const std::vector<KernelRequest> &kernels, const IsaTable &isa,
                              std::string &error);

} // namespace llmc::target
