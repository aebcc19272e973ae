// What targets have in common whose kernels are machine code, dispatched one by one.
#pragma once

#include "targets/Interface/Target.h"

namespace llmc::target {

/// Why a chain cannot run as one kernel with that much stack for its rows; empty where it can.
std::string refusalOf(const Machine &machine, const VectorChain &chain, uint64_t stackBytes);

/// Why a machine's kernels are not dispatched one by one, else empty. `what` the machine is: "a
/// CPU".
std::string dispatchRefusal(const Machine &machine, const std::string &what);

class KernelTarget : public Target {
public:
  KernelTarget(std::string name, std::vector<MachineText> machines)
      : targetName(std::move(name)), machines(std::move(machines)) {}

  const std::string &name() const override { return targetName; }
  std::vector<MachineText> descriptions() const override { return machines; }

  bool readsRowRecords() const override { return false; }
  uint64_t cycles(const Machine &machine, const KernelWork &work) const override;
  uint64_t dmaCycles(const Machine &machine, Space offChip, uint64_t bytes, uint64_t runs,
                     bool isLoad) const override;

protected:
  static Verdict verdictOf(const std::string &refusal) { return {refusal.empty(), refusal}; }

private:
  std::string targetName;
  std::vector<MachineText> machines;
};

} // namespace llmc::target
