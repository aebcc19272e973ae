// Cuts a vector chain into loops over its columns.
//
// A reduction needs its whole row before a later step can use it, so a row is walked once per
// phase: loop 0, then what needs a result of loop 0, and so on. A value of an earlier phase that is
// needed again is computed again from its loads, exactly, unless it is kept in a row buffer.
#pragma once

#include "targets/Interface/Chain.h"

#include <optional>
#include <string>
#include <vector>

namespace llmc::target {

struct ChainPhases {
  struct Info {
    bool vector = false;   ///< The result is a row; else one number, or none.
    bool buffered = false; ///< Kept in a row buffer, filled in the loop of `phase`.
    uint32_t phase =
        0; ///< First loop (of a scalar: the point before this loop) where it can be had.
  };
  std::vector<Info> steps;
  uint32_t loops = 0; ///< Scalars may stand behind the last one.
};

/// Checks the chain and its operands, and cuts it.
/// Errors: an input that is no earlier result or of the wrong kind, an operand that does not exist
/// or of a type the step does not take, an operand loaded after it was stored, a missing position,
/// a bad group, row buffers beyond the stack.
std::optional<ChainPhases> cutChain(const VectorChain &chain,
                                    const std::vector<KernelOperand> &operands, std::string &error,
                                    uint64_t stackBytes = kKernelStackBytes);

} // namespace llmc::target
