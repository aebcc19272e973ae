// A machine whose kernels are data, run by the reference: it supports what a test says.
#pragma once

#include "runtime/plan/plan.h"
#include "targets/Interface/Target.h"

#include <deque>
#include <functional>

namespace llmc::test {

/// Empty where the machine has such a kernel, else the reason.
using Claims = std::function<std::string(const target::KernelWork &)>;

class InterpretedTarget final : public target::Target {
public:
  /// A machine with the memories and rates of `like`. With `packs`, linear layers of several rows
  /// read packed ones.
  InterpretedTarget(const target::Machine &like, Claims claims, bool packs);

  const std::string &name() const override { return backend; }
  const std::vector<target::Machine> &machines() const { return all; }
  std::vector<target::MachineText> descriptions() const override { return {}; }
  target::Legalization legalization(const target::Machine &) const override { return {}; }
  target::Verdict supports(const target::Machine &machine,
                           const target::KernelWork &work) const override;
  uint64_t cycles(const target::Machine &, const target::KernelWork &work) const override {
    return std::holds_alternative<target::Matmul>(work) ? 100 : 10;
  }
  uint64_t dmaCycles(const target::Machine &, target::Space, uint64_t, uint64_t,
                     bool) const override {
    return 0;
  }
  uint32_t rowGranule(const target::Machine &) const override { return 1; }
  bool readsRowRecords() const override { return false; }
  uint64_t packedBytes(const target::Machine &, const target::WeightFormat &format, uint32_t rows,
                       uint32_t columns) const override;
  uint64_t packedRowsBytes(const target::Machine &, const target::PackRows &pack) const override;
  void pack(const target::Machine &, const target::WeightRows &rows,
            std::vector<uint8_t> &out) const override;
  std::optional<std::vector<uint8_t>> emit(const target::Machine &, const target::Program &,
                                           std::string &error) const override;
  std::optional<target::Blob> emitKernels(const target::Machine &, const target::Variant &,
                                          const std::vector<target::KernelRequest> &kernels,
                                          const target::HostServices &,
                                          std::string &error) const override;
  std::string disassemble(const std::vector<uint8_t> &, std::string &) const override { return ""; }

  /// Those of the last plan; a kernel's entry is its index.
  mutable std::vector<target::KernelRequest> emitted;

private:
  std::string backend = "interpreted";
  std::vector<target::Machine> all;
  Claims claims;
  bool packs;
};

/// Runs such kernels as late as it may: when it is asked whether they are done.
class LateDevice {
public:
  LateDevice(const rt::Plan &plan, const InterpretedTarget &target);

  const llmc_device &table() const { return device; }

  uint64_t kernels = 0; ///< That it ran.

private:
  struct Submission {
    uint32_t kernel = 0, tag = 0;
    std::vector<uint8_t *> memory;
    std::vector<uint32_t> params;
  };

  static llmc_status submit(void *context, const llmc_dispatch *dispatch);
  static llmc_status poll(void *context, uint32_t queue, uint32_t tag);
  void run(const Submission &submission);

  const rt::Plan &plan;
  const InterpretedTarget &target;
  std::deque<Submission> waiting;
  llmc_device device = {};
};

} // namespace llmc::test
