// Attention over the whole cache in one kernel.
//
// A part walks its rows of every KV head, a block of them at a time: queries become fp32; keys
// become panels [16 positions][k][16], which every row of the block meets; scores of the block lie
// on the stack and turn into weights in place. Keys and values of a chunk's blocks are
// widened to fp32 once; the few rows of one token meet keys in fp16 and values as they are cached.
// A row stops at its last visible position everywhere.
#pragma once

#include "targets/Llvm/Lower.h"

#include <string>

namespace llvm {
class Module;
}

namespace llmc::target {

/// Adds the function of an Attention. Errors: operands that are not those of one, heads that KV
/// heads do not divide, a missing position, a scale that is not finite, a cache so long that the
/// scores of one row do not fit kKernelStackBytes.
bool emitFusedAttention(llvm::Module &module, const IsaTable &isa, const std::string &name,
                        const Attention &attention, const std::vector<KernelOperand> &operands,
                        std::string &error);

} // namespace llmc::target
