#include "targets/Llvm/Layout/FusedShape.h"

#include "targets/Llvm/Layout/AttentionRules.h"

#include <fmt/format.h>

namespace llmc::target {

namespace {

constexpr unsigned lanes = 16;

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
  error = refusalOf(attention);
  if (error.empty())
    error = attentionOperandsRefusal(operands);
  if (!error.empty())
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
