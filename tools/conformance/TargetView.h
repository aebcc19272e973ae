// A target seen through: its answers are counted.
#pragma once

#include "targets/Interface/Target.h"

#include <optional>
#include <string>
#include <vector>

namespace llmc::conformance {

/// What a target said while something was compiled for it.
struct Answers {
  uint64_t supported = 0, refused = 0;
  std::string emitFailure; ///< Of code for kernels that it had said to support.
};

class TargetView : public target::Target {
public:
  TargetView(const target::Target &inner, Answers &answers) : inner(inner), answers(answers) {}

  const std::string &name() const override { return inner.name(); }
  std::vector<target::MachineText> descriptions() const override { return inner.descriptions(); }
  std::string machineRefusal(const target::Machine &machine) const override {
    return inner.machineRefusal(machine);
  }
  target::Legalization legalization(const target::Machine &machine) const override;
  target::Verdict supports(const target::Machine &machine,
                           const target::KernelWork &work) const override;
  uint64_t cycles(const target::Machine &machine, const target::KernelWork &work) const override;
  uint64_t dmaCycles(const target::Machine &machine, target::Space offChip, uint64_t bytes,
                     uint64_t runs, bool isLoad) const override;
  uint32_t rowGranule(const target::Machine &machine) const override;
  bool readsRowRecords() const override;
  uint64_t packedBytes(const target::Machine &machine, const target::WeightFormat &format,
                       uint32_t rows, uint32_t columns) const override;
  uint64_t packedRowsBytes(const target::Machine &machine,
                           const target::PackRows &pack) const override;
  void pack(const target::Machine &machine, const target::WeightRows &rows,
            std::vector<uint8_t> &out) const override;
  std::optional<std::vector<uint8_t>> emit(const target::Machine &machine,
                                           const target::Program &program,
                                           std::string &error) const override;
  std::vector<target::Variant> variants(const target::Machine &machine) const override;
  std::optional<target::Blob> emitKernels(const target::Machine &machine,
                                          const target::Variant &variant,
                                          const std::vector<target::KernelRequest> &kernels,
                                          const target::HostServices &host,
                                          std::string &error) const override;
  std::string disassemble(const std::vector<uint8_t> &blob, std::string &error) const override;

protected:
  const target::Target &inner;

private:
  Answers &answers;
};

/// Every target of `targets`, seen through. Answers are those of `watched`, among whose machines
/// `machine`, where given, takes the place of the one of its name. The others only stand by: of the
/// variants for CPUs as this one, they have the best that it runs.
target::TargetRegistry viewsOf(const target::TargetRegistry &targets, const target::Target &watched,
                               const target::Machine *machine, Answers &answers);

} // namespace llmc::conformance
