// The host service: kernels as plain data to one blob of one instruction set.
#pragma once

#include "targets/Interface/Blob.h"
#include "targets/Interface/IsaTable.h"
#include "targets/Interface/Kernel.h"

#include <optional>
#include <string>
#include <vector>

namespace llmc::target {

/// Every request becomes one entry of the blob, in their order. Its function is
///
///     void(void *const *operands, const uint32_t *params, uint32_t part, uint32_t parts)
///
/// with operands in the order of the request and arguments of extents read from params[argument].
/// part < parts divides the work, never a sum, so that results do not depend on it: parts may run
/// in any order, at once or on one thread. An operand that is written shares no byte with another,
/// unless both are the same elements at the same place and the written one is no wider.
///
/// A Linear has the operands of matmul::Operand, its weights aligned to 64 and packed as the
/// instruction set's products ask for: RowWeightLayout for DotKind::None, Vmladava and
/// Described, else
/// X86WeightLayout. With at most one row, A is that row (I8); with more, A is what PackRows of the
/// same rows, columns and group wrote (U8, no strides). Its parts take outputs or blocks of 16,
/// those of everything else take rows, of an Attention so many that each part sees about as many
/// positions as any other. Scores and Values leave AScale unused.
///
/// Errors: a kernel that breaks a rule of targets/Interface/Kernel.h or that this instruction set
/// has no code for, each with the kernel's name; what targetMachine() and linkBlob() report.
std::optional<Blob> lowerLlvm(const std::vector<KernelRequest> &kernels, const IsaTable &isa,
                              std::string &error);

} // namespace llmc::target
