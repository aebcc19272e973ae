// The rnpu's answers to the compiler. Everything it says comes from the machine and the laws of
// Timing.h.
#include "targets/Rnpu/RnpuTarget.h"

#include "targets/Rnpu/Assembly.h"
#include "targets/Rnpu/Encoding.h"
#include "targets/Rnpu/MachineRules.h"
#include "targets/Rnpu/Simulator/SimulatorDevice.h"
#include "targets/Rnpu/Timing.h"

#include "embedded/rnpuMachines.h"

#include <fmt/format.h>

namespace llmc::rnpu {

using namespace target;

namespace {

/// Output rows that the tensor engine's array computes at once.
constexpr uint32_t tileRowGranule = 16;

class RnpuTarget final : public Target {
public:
  const std::string &name() const override { return targetName; }
  std::vector<MachineText> descriptions() const override {
    return machineTexts(embedded::rnpuMachines());
  }
  std::string machineRefusal(const Machine &machine) const override {
    if (machine.dispatch == DispatchKind::Stream)
      return {};
    return fmt::format("machine '{}': an rnpu runs command streams; its description must not say "
                       "\"dispatch\": \"kernel\"",
                       machine.name);
  }

  Verdict supports(const Machine &machine, const KernelWork &work) const override {
    if (const auto *matmul = std::get_if<Matmul>(&work))
      return verdictOf(unsupported(*matmul));
    if (const auto *chain = std::get_if<VectorChain>(&work))
      return verdictOf(unsupported(machine, *chain));
    return {false, "its command streams are made of matrix multiplications and vector chains"};
  }

  uint64_t cycles(const Machine &machine, const KernelWork &work) const override {
    if (const auto *matmul = std::get_if<Matmul>(&work))
      return cyclesOf(machine, shapeOf(*matmul));
    if (const auto *chain = std::get_if<VectorChain>(&work))
      return cyclesOf(machine, shapeOf(*chain));
    return 0; // Refused by supports().
  }
  uint64_t dmaCycles(const Machine &machine, Space offChip, uint64_t bytes, uint64_t runs,
                     bool isLoad) const override {
    uint64_t run = runs ? (bytes + runs - 1) / runs : 0;
    return cyclesOf(machine, DmaShape{offChip, isLoad, run, runs}).total();
  }

  uint32_t rowGranule(const Machine &) const override { return tileRowGranule; }

  std::optional<std::vector<uint8_t>> emit(const Machine &machine, const Program &program,
                                           std::string &error) const override {
    Image image{machine.digest, program};
    std::optional<std::vector<uint8_t>> blob = encode(image, error);
    if (!blob)
      return std::nullopt;
    if (std::optional<std::string> broken = checkMachine(machine, program)) {
      error = fmt::format("rnpu program '{}' on {}: {}", program.entry, machine.name, *broken);
      return std::nullopt;
    }
    return blob;
  }

  std::string disassemble(const std::vector<uint8_t> &blob, std::string &error) const override {
    std::optional<Image> image = decode(blob.data(), blob.size(), error);
    return image ? printAssembly(*image) : std::string();
  }

  bool hasDevice() const override { return true; }
  std::unique_ptr<TargetDevice> openDevice(const Machine &machine, const std::string &,
                                           std::string &) const override {
    return openSimulator(machine);
  }

private:
  std::string targetName = "rnpu";

  static Verdict verdictOf(std::optional<std::string> reason) {
    return reason ? Verdict{false, *reason} : Verdict{};
  }
};

} // namespace

std::unique_ptr<Target> createTarget() { return std::make_unique<RnpuTarget>(); }

} // namespace llmc::rnpu
