#include "targets/Llvm/Layout/AttentionRules.h"

#include <cmath>
#include <fmt/format.h>

namespace llmc::target {

std::string refusalOf(const Attention &attention) {
  if (attention.heads == 0 || attention.kvHeads == 0 || attention.heads % attention.kvHeads != 0)
    return fmt::format("attention: {} heads cannot share {} KV heads evenly", attention.heads,
                       attention.kvHeads);
  if (attention.headDim == 0 || attention.capacity == 0)
    return "attention: headDim and capacity must be at least 1";
  if (!std::isfinite(attention.scale))
    return "attention: the scale must be finite";
  if (attention.positionArgument < 0)
    return "attention: needs the position argument";
  if (attention.tokens.value > attention.capacity)
    return fmt::format("attention: {} tokens do not fit a cache of {}", attention.tokens.value,
                       attention.capacity);
  return "";
}

std::vector<KernelOperand> attentionOperands() {
  std::vector<KernelOperand> operands(4);
  for (KernelOperand &operand : operands)
    operand.type = ElementType::F16;
  operands[attention::Out].type = ElementType::F32;
  return operands;
}

std::string attentionOperandsRefusal(const std::vector<KernelOperand> &operands) {
  const std::vector<KernelOperand> wanted = attentionOperands();
  if (operands.size() != wanted.size())
    return fmt::format("attention: {} operands, not {}", operands.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i)
    if (operands[i].type != wanted[i].type)
      return "attention: queries, keys and values must be f16, out f32";
  return "";
}

std::string rowStackRefusal(const Attention &attention, uint64_t stackBytes) {
  constexpr uint64_t frameBytes = 1024, lanes = 16; // the stack for all else; scores of a vector
  const uint64_t scores = (uint64_t(attention.capacity) + lanes - 1) / lanes * lanes,
                 needed = (uint64_t(attention.headDim) + scores) * 4;
  if (needed + frameBytes <= stackBytes)
    return "";
  return fmt::format("attention: one row over {} positions with headDim {} takes {} bytes of "
                     "stack, {} are left of {}; use a shorter context",
                     attention.capacity, attention.headDim, needed, stackBytes - frameBytes,
                     stackBytes);
}

} // namespace llmc::target
