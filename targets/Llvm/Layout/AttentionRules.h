// Which attention kernels can be code, whatever the instruction set.
#pragma once

#include "targets/Interface/Kernel.h"

#include <string>
#include <vector>

namespace llmc::target {

/// Why its numbers fit together in no kernel; empty where they do.
std::string refusalOf(const Attention &attention);

/// Why these operands are none of an attention kernel; empty where they are.
std::string attentionOperandsRefusal(const std::vector<KernelOperand> &operands);

/// Operands that are, for questions where nothing else is known of them.
std::vector<KernelOperand> attentionOperands();

/// Why a kernel that keeps one row of scores at a time leaves its stack; empty where it does not.
std::string rowStackRefusal(const Attention &attention, uint64_t stackBytes);

} // namespace llmc::target
