// The answers of x86-64 to the compiler: layouts and estimates of targets/Llvm/Layout, code by the
// host's lowering.
#include "targets/X86/X86Target.h"

#include "targets/Llvm/Layout/AttentionRules.h"
#include "targets/Llvm/Layout/FusedShape.h"
#include "targets/Llvm/Layout/KernelTarget.h"
#include "targets/Llvm/Layout/X86PackedRows.h"
#include "targets/Llvm/Layout/X86WeightLayout.h"
#include "targets/X86/X86Isa.h"

#include "embedded/x86Machines.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace llmc::x86 {

using namespace target;

namespace {

/// The least demanding first.
std::array<const IsaTable *, 3> instructionSets() { return {&x86Avx2(), &x86Avx512(), &x86Amx()}; }

/// None for what supports() refuses.
std::optional<X86WeightLayout> layoutOf(const WeightFormat &format, uint32_t columns) {
  std::string ignored;
  return X86WeightLayout::of(format, columns, ignored);
}

/// Why a kernel cannot run; empty where it can.
std::string refusalOf(const Machine &, const Matmul &matmul) {
  if (matmul.subRows == 0)
    return "subRows must be at least 1";
  if (matmul.epilogue != Epilogue::Store && matmul.kind != MatmulKind::Linear)
    return "only a linear layer has an epilogue";
  std::string reason;
  switch (matmul.kind) {
  case MatmulKind::Linear:
    if (matmul.n.argument >= 0 || matmul.k.argument >= 0)
      return "linear: n and k must be numbers";
    if (matmul.accumulate || matmul.scale != 1.0f)
      return "linear: takes no scale and does not accumulate";
    if (!X86WeightLayout::of(matmul.format, matmul.k.value, reason))
      return "linear: " + reason;
    if (matmul.epilogue == Epilogue::SiluMul && matmul.n.value % 32 != 0)
      return fmt::format("linear: gates and ups are {} rows, not a multiple of 32", matmul.n.value);
    return "";
  case MatmulKind::Scores:
    return matmul.accumulate || !std::isfinite(matmul.scale)
               ? "scores: has a finite scale and does not accumulate"
               : "";
  case MatmulKind::Values:
    return matmul.scale != 1.0f ? "values: takes no scale" : "";
  }
  return fmt::format("unknown matmul kind {}", unsigned(matmul.kind));
}

std::string refusalOf(const Machine &machine, const VectorChain &chain) {
  return target::refusalOf(machine, chain, kKernelStackBytes);
}

std::string refusalOf(const Machine &, const PackRows &pack) {
  std::string reason;
  const WeightFormat format{ElementType::I8, pack.group ? ScaleKind::F32Group : ScaleKind::F32Row,
                            pack.group};
  if (!X86WeightLayout::of(format, pack.columns, reason))
    return "packing rows: " + reason;
  return pack.subRows == 0 ? "packing rows: subRows must be at least 1" : "";
}

std::string refusalOf(const Machine &, const EmbedRows &rows) {
  std::string reason;
  if (!X86WeightLayout::of(rows.format, rows.columns, reason))
    return "embedding: " + reason;
  return rows.gathered ? "embedding: rows are gathered from the table in memory alone" : "";
}

/// One that every variant has the stack for.
std::string refusalOf(const Machine &, const Attention &attention) {
  std::string reason;
  for (const IsaTable *isa : instructionSets())
    if (!FusedShape::of(attention, attentionOperands(), *isa, reason))
      return reason;
  return "";
}

/// What a PackRows writes depends on the instruction set; the compiler reserves for all of them.
bool checkPackedRows(const KernelRequest &kernel, const IsaTable &isa, std::string &error) {
  const auto *pack = std::get_if<PackRows>(&kernel.work);
  if (!pack || kernel.operands.size() <= packrows::Packed)
    return true;
  const uint64_t needed = packedRowsBytes(isa, *pack);
  const uint64_t given = kernel.operands[packrows::Packed].bytes;
  if (given >= needed)
    return true;
  error = fmt::format("kernel '{}' for '{}': {} rows of {} columns take {} bytes packed, its "
                      "operand has {}",
                      kernel.name, isa.name, uint64_t(pack->tokens.value) * pack->subRows,
                      pack->columns, needed, given);
  return false;
}

class X86Target final : public KernelTarget {
public:
  X86Target() : KernelTarget("x86-64", machineTexts(embedded::x86Machines())) {}

  std::string machineRefusal(const Machine &machine) const override {
    return dispatchRefusal(machine, "a CPU");
  }

  Verdict supports(const Machine &machine, const KernelWork &work) const override {
    return std::visit(
        [&](const auto &kernel) { return verdictOf(x86::refusalOf(machine, kernel)); }, work);
  }

  uint32_t rowGranule(const Machine &) const override { return X86WeightLayout::blockRows; }
  uint64_t packedBytes(const Machine &, const WeightFormat &format, uint32_t rows,
                       uint32_t columns) const override {
    const auto layout = layoutOf(format, columns);
    return layout ? layout->bytes(rows) : 0;
  }
  uint64_t packedRowsBytes(const Machine &, const PackRows &pack) const override {
    uint64_t most = 0;
    for (const IsaTable *isa : instructionSets())
      most = std::max(most, target::packedRowsBytes(*isa, pack));
    return most;
  }
  void pack(const Machine &, const WeightRows &rows, std::vector<uint8_t> &out) const override {
    if (const auto layout = layoutOf(rows.format, rows.columns))
      packX86(*layout, rows, out);
  }

  std::vector<Variant> variants(const Machine &) const override {
    std::vector<Variant> result;
    for (const IsaTable *isa : instructionSets())
      result.push_back({isa->name, kernelAbi, driverMin, uint32_t(kKernelStackBytes)});
    return result;
  }

  std::optional<Blob> emitKernels(const Machine &, const Variant &variant,
                                  const std::vector<KernelRequest> &kernels,
                                  const HostServices &host, std::string &error) const override {
    std::string known;
    for (const IsaTable *isa : instructionSets()) {
      if (isa->name == variant.name) {
        for (const KernelRequest &kernel : kernels)
          if (!checkPackedRows(kernel, *isa, error))
            return std::nullopt;
        return host.lowerLlvm(kernels, *isa, error);
      }
      known += (known.empty() ? "" : ", ") + isa->name;
    }
    error = fmt::format("{} has no variant '{}'; it has {}", name(), variant.name, known);
    return std::nullopt;
  }

  std::string disassemble(const std::vector<uint8_t> &, std::string &error) const override {
    error = "kernels of x86-64 are machine code, which llmc does not list: cut the segment out of "
            "the plan at the offset that `llmc inspect --json` gives, and use `objdump -D -b "
            "binary -m i386:x86-64`";
    return {};
  }

private:
  /// As runtime/drivers/cpu/kernel_abi.h has them.
  static constexpr uint32_t kernelAbi = 1, driverMin = 1;
};

} // namespace

std::unique_ptr<Target> createTarget() { return std::make_unique<X86Target>(); }

} // namespace llmc::x86
