// The answers of microcontrollers to the compiler: layouts and estimates of targets/Llvm/Layout,
// code by the host's lowering.
#include "targets/Mcu/McuTarget.h"

#include "targets/Llvm/Layout/ChainPhases.h"
#include "targets/Llvm/Layout/KernelEstimate.h"
#include "targets/Llvm/Layout/RowWeightLayout.h"
#include "targets/Mcu/McuIsa.h"

#include "embedded/mcuMachines.h"

#include <cmath>
#include <fmt/format.h>

namespace llmc::mcu {

using namespace target;

namespace {

constexpr const char *backend = "mcu";

const IsaTable *isaNamed(const std::string &name) {
  for (const IsaTable *isa : mcuInstructionSets())
    if (isa->name == name)
      return isa;
  return nullptr;
}

std::string isaNames() {
  std::string names;
  for (const IsaTable *isa : mcuInstructionSets())
    names += (names.empty() ? "" : ", ") + isa->name;
  return names;
}

/// Why a kernel cannot run; empty where it can.
std::string refusalOf(const Matmul &matmul) {
  if (matmul.kind != MatmulKind::Linear)
    return "scores and values are parts of an attention kernel here";
  if (matmul.subRows == 0)
    return "subRows must be at least 1";
  if (matmul.n.argument >= 0 || matmul.k.argument >= 0)
    return "linear: n and k must be numbers";
  if (matmul.accumulate || matmul.scale != 1.0f)
    return "linear: takes no scale and does not accumulate";
  if (matmul.epilogue == Epilogue::SiluMul && matmul.n.value % 2 != 0)
    return fmt::format("linear: gates and ups are {} rows, an odd number", matmul.n.value);
  std::string reason;
  return RowWeightLayout::of(matmul.format, matmul.k.value, reason) ? "" : "linear: " + reason;
}

std::string refusalOf(const Machine &machine, const VectorChain &chain) {
  if (chain.steps.size() > machine.vector.maxSteps)
    return fmt::format("chain of {} steps, {} runs at most {} in one kernel", chain.steps.size(),
                       machine.name, machine.vector.maxSteps);
  std::string reason;
  const uint64_t stack = isaNamed(machine.isa)->stackBytes;
  return cutChain(chain, plainOperands(chain), reason, stack) ? "" : reason;
}

class McuTarget final : public Target {
public:
  explicit McuTarget(std::vector<Machine> machines) : all(std::move(machines)) {}

  const std::string &name() const override { return targetName; }
  const std::vector<Machine> &machines() const override { return all; }
  Legalization legalization(const Machine &) const override { return {}; }

  Verdict supports(const Machine &, const Matmul &matmul) const override {
    return verdictOf(refusalOf(matmul));
  }
  Verdict supports(const Machine &machine, const VectorChain &chain) const override {
    return verdictOf(refusalOf(machine, chain));
  }

  uint64_t cycles(const Machine &machine, const Matmul &matmul) const override {
    return cyclesOf(machine, matmul, packedBytes(matmul.format, matmul.n.value, matmul.k.value));
  }
  uint64_t cycles(const Machine &machine, const VectorChain &chain) const override {
    return cyclesOf(machine, chain);
  }
  uint64_t dmaCycles(const Machine &machine, Space offChip, uint64_t bytes, uint64_t runs,
                     bool isLoad) const override {
    return copyCycles(machine, offChip, bytes, runs, isLoad);
  }

  uint32_t rowGranule(const Machine &) const override { return 1; }
  uint64_t packedBytes(const WeightFormat &format, uint32_t rows, uint32_t columns) const override {
    std::string ignored;
    const auto layout = RowWeightLayout::of(format, columns, ignored);
    return layout ? layout->bytes(rows) : 0;
  }
  uint64_t packedRowsBytes(const Machine &, const PackRows &pack) const override {
    return packedRowBytes(pack);
  }
  void pack(const WeightRows &rows, std::vector<uint8_t> &out) const override {
    std::string ignored;
    if (const auto layout = RowWeightLayout::of(rows.format, rows.columns, ignored))
      packRows(*layout, rows, out);
  }

  std::optional<std::vector<uint8_t>> emit(const Machine &machine, const Program &program,
                                           std::string &error) const override {
    error = fmt::format("program '{}': machine '{}' has no command streams, its kernels are "
                        "dispatched one by one",
                        program.entry, machine.name);
    return std::nullopt;
  }

  std::vector<Variant> variants(const Machine &machine) const override {
    return {{machine.isa, kernelAbi, driverMin, isaNamed(machine.isa)->stackBytes}};
  }
  std::optional<Blob> emitKernels(const Machine &machine, const Variant &,
                                  const std::vector<KernelRequest> &kernels,
                                  const HostServices &host, std::string &error) const override {
    return host.lowerLlvm(kernels, *isaNamed(machine.isa), error);
  }

  std::string disassemble(const std::vector<uint8_t> &, std::string &error) const override {
    error = "kernels of microcontrollers are machine code, which llmc does not list: cut the "
            "segment out of the plan at the offset that `llmc inspect --json` gives, and use "
            "objdump with -D -b binary";
    return {};
  }

private:
  /// As runtime/drivers/baremetal/baremetal.h has them.
  static constexpr uint32_t kernelAbi = 1, driverMin = 1;

  std::string targetName = backend;
  std::vector<Machine> all;

  static Verdict verdictOf(const std::string &refusal) { return {refusal.empty(), refusal}; }
};

} // namespace

std::unique_ptr<Target> createTarget(const std::vector<std::string> &machineFiles,
                                     std::string &error) {
  std::optional<std::vector<Machine>> machines =
      machinesOf(backend, embedded::mcuMachines(), machineFiles, error);
  if (!machines)
    return nullptr;
  for (const Machine &machine : *machines) {
    if (machine.dispatch != DispatchKind::Kernel)
      error = fmt::format("machine '{}': a microcontroller runs kernels one by one; its "
                          "description must say \"dispatch\": \"kernel\"",
                          machine.name);
    else if (!isaNamed(machine.isa))
      error = fmt::format("machine '{}': instruction set '{}' is not known; \"isa\" is one of {}",
                          machine.name, machine.isa, isaNames());
    else
      continue;
    return nullptr;
  }
  return std::make_unique<McuTarget>(std::move(*machines));
}

} // namespace llmc::mcu
