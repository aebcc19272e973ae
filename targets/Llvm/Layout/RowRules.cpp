#include "targets/Llvm/Layout/RowRules.h"

#include "targets/Llvm/Layout/AttentionRules.h"
#include "targets/Llvm/Layout/FusedShape.h"
#include "targets/Llvm/Layout/KernelTarget.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::target {

namespace {

std::string describedRefusal(const RowWeightLayout &layout, const IsaTable &isa) {
  const uint32_t lanes = isa.products.lanes;
  if (lanes < 4 || lanes > kMostDotLanes || (lanes & (lanes - 1)) != 0)
    return fmt::format("products of {} sums at once: 4, 8, 16 and {} are possible", lanes,
                       kMostDotLanes);
  const uint64_t needed = storedSumBytes(layout, lanes);
  if (needed + kDescribedFrame <= isa.stackBytes)
    return "";
  return fmt::format(
      "{} columns in groups take {} bytes of stack, {} are left of {}", layout.columns, needed,
      isa.stackBytes - std::min<uint64_t>(kDescribedFrame, isa.stackBytes), isa.stackBytes);
}

struct Refusal {
  const Machine &machine;
  const IsaTable &isa;

  std::string operator()(const Matmul &matmul) const { return rowRefusal(isa, matmul); }

  std::string operator()(const VectorChain &chain) const {
    return refusalOf(machine, chain, isa.stackBytes);
  }

  std::string operator()(const PackRows &pack) const {
    return pack.subRows == 0 || pack.columns == 0
               ? "packing rows: subRows and columns must be at least 1"
               : "";
  }

  std::string operator()(const EmbedRows &rows) const {
    std::string reason;
    return RowWeightLayout::of(rows.format, rows.columns, reason) ? "" : "embedding: " + reason;
  }

  std::string operator()(const Attention &attention) const {
    std::string reason = refusalOf(attention);
    if (!reason.empty())
      return reason;
    if (isa.dot == DotKind::Described && isa.stackBytes >= kKernelStackBytes)
      return FusedShape::of(attention, attentionOperands(), isa, reason) ? "" : reason;
    return rowStackRefusal(attention, isa.stackBytes);
  }
};

} // namespace

std::string rowRefusal(const Machine &machine, const IsaTable &isa, const KernelWork &work) {
  return std::visit(Refusal{machine, isa}, work);
}

std::string rowRefusal(const IsaTable &isa, const Matmul &matmul) {
  if (matmul.kind != MatmulKind::Linear)
    return "scores and values are parts of an attention kernel here";
  if (matmul.subRows == 0)
    return "linear: subRows must be at least 1";
  if (matmul.n.argument >= 0 || matmul.k.argument >= 0)
    return "linear: n and k must be numbers";
  if (matmul.accumulate || matmul.scale != 1.0f)
    return "linear: takes no scale and does not accumulate";
  if (matmul.epilogue == Epilogue::SiluMul && matmul.n.value % 2 != 0)
    return fmt::format("linear: gates and ups are {} rows, an odd number", matmul.n.value);
  std::string reason;
  const auto layout = RowWeightLayout::of(matmul.format, matmul.k.value, reason);
  if (layout && isa.dot == DotKind::Described)
    reason = describedRefusal(*layout, isa);
  return reason.empty() ? "" : "linear: " + reason;
}

uint64_t storedSumBytes(const RowWeightLayout &layout, uint32_t lanes) {
  if (!layout.scaledByGroup() || layout.groups == 1)
    return 0;
  const uint64_t chunk = uint64_t(lanes) * 8, chunks = (layout.columns + chunk - 1) / chunk;
  return chunks * lanes * 4 * (joinsHalves(layout) ? 1 : 2);
}

} // namespace llmc::target
