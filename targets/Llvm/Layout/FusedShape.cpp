#include "targets/Llvm/Layout/FusedShape.h"

#include <cmath>
#include <fmt/format.h>

namespace llmc::target {

namespace {

constexpr unsigned lanes = 16;

bool checkOperands(const std::vector<KernelOperand> &operands, std::string &error) {
  const ElementType types[] = {ElementType::F16, ElementType::F16, ElementType::F16,
                               ElementType::F32};
  if (operands.size() != std::size(types)) {
    error = fmt::format("attention: {} operands, not {}", operands.size(), std::size(types));
    return false;
  }
  for (size_t i = 0; i < std::size(types); ++i)
    if (operands[i].type != types[i]) {
      error = "attention: queries, keys and values must be f16, out f32";
      return false;
    }
  return true;
}

bool checkRequest(const Attention &attention, const std::vector<KernelOperand> &operands,
                  std::string &error) {
  error.clear();
  if (attention.heads == 0 || attention.kvHeads == 0 || attention.heads % attention.kvHeads != 0)
    error = fmt::format("attention: {} heads cannot share {} KV heads evenly", attention.heads,
                        attention.kvHeads);
  else if (attention.headDim == 0 || attention.capacity == 0)
    error = "attention: headDim and capacity must be at least 1";
  else if (!std::isfinite(attention.scale))
    error = "attention: the scale must be finite";
  else if (attention.positionArgument < 0)
    error = "attention: needs the position argument";
  else if (attention.tokens.value > attention.capacity)
    error = fmt::format("attention: {} tokens do not fit a cache of {}", attention.tokens.value,
                        attention.capacity);
  return error.empty() && checkOperands(operands, error);
}

unsigned lowHeightOf(uint32_t subRows) {
  if (subRows <= 4)
    return subRows;
  return subRows % 4 == 0 ? 4 : 3;
}

} // namespace

uint64_t FusedShape::arenaBytes() const {
  const uint64_t taken = panelBytes + frame;
  return taken < kKernelStackBytes ? (kKernelStackBytes - taken) / 64 * 64 : 0;
}

std::optional<FusedShape> FusedShape::of(const Attention &attention,
                                         const std::vector<KernelOperand> &operands,
                                         const IsaTable &isa, std::string &error) {
  if (!checkRequest(attention, operands, error))
    return std::nullopt;
  const uint64_t dim = (uint64_t(attention.headDim) + lanes - 1) / lanes * lanes;
  FusedShape shape;
  shape.vectors = isa.vectorBits >= 512 ? 4 : 1;
  shape.subRows = attention.heads / attention.kvHeads;
  shape.headDim = attention.headDim;
  shape.lowHeight = lowHeightOf(shape.subRows);
  shape.inverse = dim * 4;
  shape.scores = shape.inverse + 64;
  shape.groupBytes = dim * lanes * 2;
  shape.panelBytes = shape.vectors * shape.groupBytes;
  const uint64_t needed = shape.recordBytes(attention.capacity), all = shape.arenaBytes();
  if (needed <= all)
    return shape;
  error = fmt::format("attention: one row over {} positions with headDim {} takes {} bytes of "
                      "stack, {} are left of {}; use a shorter context",
                      attention.capacity, attention.headDim, needed, all, kKernelStackBytes);
  return std::nullopt;
}

} // namespace llmc::target
