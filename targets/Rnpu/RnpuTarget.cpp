// The rnpu's answers to the compiler. Everything it says comes from the machine and the laws of
// Timing.h.
#include "targets/Rnpu/RnpuTarget.h"

#include "targets/Rnpu/Assembly.h"
#include "targets/Rnpu/Encoding.h"
#include "targets/Rnpu/MachineRules.h"
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
  explicit RnpuTarget(std::vector<Machine> machines) : all(std::move(machines)) {}

  const std::string &name() const override { return targetName; }
  const std::vector<Machine> &machines() const override { return all; }
  Legalization legalization(const Machine &) const override { return {}; }

  Verdict supports(const Machine &machine, const KernelWork &work) const override {
    if (const auto *matmul = std::get_if<Matmul>(&work))
      return verdictOf(unsupported(*matmul));
    if (const auto *chain = std::get_if<VectorChain>(&work))
      return verdictOf(unsupported(machine, *chain));
    return {false, "its command streams are made of matrix multiplications and vector chains"};
  }

  uint64_t cycles(const Machine &machine, const Matmul &matmul) const override {
    return cyclesOf(machine, shapeOf(matmul));
  }
  uint64_t cycles(const Machine &machine, const VectorChain &chain) const override {
    return cyclesOf(machine, shapeOf(chain));
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

private:
  std::string targetName = "rnpu";
  std::vector<Machine> all;

  static Verdict verdictOf(std::optional<std::string> reason) {
    return reason ? Verdict{false, *reason} : Verdict{};
  }
};

} // namespace

std::unique_ptr<Target> createTarget(const std::vector<std::string> &machineFiles,
                                     std::string &error) {
  std::optional<std::vector<Machine>> machines =
      machinesOf("rnpu", embedded::rnpuMachines(), machineFiles, error);
  if (!machines)
    return nullptr;
  for (const Machine &machine : *machines)
    if (machine.dispatch != DispatchKind::Stream) {
      error = fmt::format("machine '{}': an rnpu runs command streams; its description must not "
                          "say \"dispatch\": \"kernel\"",
                          machine.name);
      return nullptr;
    }
  return std::make_unique<RnpuTarget>(std::move(*machines));
}

} // namespace llmc::rnpu
