#include "targets/Llvm/Layout/FusedShape.h"

#include "targets/Llvm/Layout/AttentionRules.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::target {

namespace {

constexpr unsigned lanes = 16;
constexpr uint32_t wideRun = 128; ///< Positions of values that stay in a first-level cache.

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

uint32_t FusedShape::paddedDim() const { return (headDim + lanes - 1) / lanes * lanes; }

void FusedShape::dividePanel(bool isWide) {
  wide = isWide;
  groupBytes = uint64_t(paddedDim()) * lanes * (wide ? 4 : 2);
  panelBytes = vectors * groupBytes;
  valueRun = wide ? wideRun : 256;
  if (wide)
    panelBytes = std::max(panelBytes, uint64_t(wideRun) * paddedDim() * 4);
}

std::optional<FusedShape> FusedShape::of(const Attention &attention,
                                         const std::vector<KernelOperand> &operands,
                                         const IsaTable &isa, std::string &error) {
  error = refusalOf(attention);
  if (error.empty())
    error = attentionOperandsRefusal(operands);
  if (!error.empty())
    return std::nullopt;
  FusedShape shape;
  shape.vectors = isa.vectorBits >= 512 ? 4 : 1;
  shape.subRows = attention.heads / attention.kvHeads;
  shape.headDim = attention.headDim;
  shape.lowHeight = lowHeightOf(shape.subRows);
  shape.partials = uint64_t(shape.paddedDim()) * 4;
  shape.out = shape.partials + 64;
  shape.scores = shape.out + 64;
  // Few rows meet a position too rarely, and the longest caches leave no room.
  const uint64_t rows = uint64_t(attention.tokens.value) * shape.subRows;
  shape.dividePanel(rows >= 4 * height);
  if (shape.wide && shape.recordBytes(attention.capacity) > shape.arenaBytes())
    shape.dividePanel(false);
  const uint64_t needed = shape.recordBytes(attention.capacity), all = shape.arenaBytes();
  if (needed <= all)
    return shape;
  error = fmt::format("attention: one row over {} positions with headDim {} takes {} bytes of "
                      "stack, {} are left of {}; use a shorter context",
                      attention.capacity, attention.headDim, needed, all, kKernelStackBytes);
  return std::nullopt;
}

} // namespace llmc::target
