// The answers of microcontrollers to the compiler: layouts and estimates of targets/Llvm/Layout,
// code by the host's lowering.
#include "targets/Mcu/McuTarget.h"

#include "targets/Llvm/Layout/KernelTarget.h"
#include "targets/Llvm/Layout/RowRules.h"
#include "targets/Mcu/McuIsa.h"

#include "embedded/mcuMachines.h"

#include <fmt/format.h>

namespace llmc::mcu {

using namespace target;

namespace {

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

class McuTarget final : public KernelTarget {
public:
  McuTarget() : KernelTarget("mcu", machineTexts(embedded::mcuMachines())) {}

  std::string machineRefusal(const Machine &machine) const override {
    if (!isaNamed(machine.isa))
      return fmt::format("machine '{}': instruction set '{}' is not known; \"isa\" is one of {}",
                         machine.name, machine.isa, isaNames());
    return dispatchRefusal(machine, "a microcontroller");
  }

  Verdict supports(const Machine &machine, const KernelWork &work) const override {
    return verdictOf(rowRefusal(machine, *isaNamed(machine.isa), work));
  }

  uint32_t rowGranule(const Machine &) const override { return 1; }
  uint64_t packedBytes(const Machine &, const WeightFormat &format, uint32_t rows,
                       uint32_t columns) const override {
    std::string ignored;
    const auto layout = RowWeightLayout::of(format, columns, ignored);
    return layout ? layout->bytes(rows) : 0;
  }
  uint64_t packedRowsBytes(const Machine &, const PackRows &pack) const override {
    return packedRowBytes(pack);
  }
  void pack(const Machine &, const WeightRows &rows, std::vector<uint8_t> &out) const override {
    std::string ignored;
    if (const auto layout = RowWeightLayout::of(rows.format, rows.columns, ignored))
      packRows(*layout, rows, out);
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
};

} // namespace

std::unique_ptr<Target> createTarget() { return std::make_unique<McuTarget>(); }

} // namespace llmc::mcu
