// What targets have in common whose kernels are machine code, dispatched one by one.
#pragma once

#include "targets/Interface/Target.h"

namespace llmc::target {

/// Why a chain cannot run as one kernel with that much stack for its rows; empty where it can.
std::string refusalOf(const Machine &machine, const VectorChain &chain, uint64_t stackBytes);

/// False, with the error set, where a machine's kernels are not dispatched one by one. `what` the
/// machines are: "a CPU".
bool checkDispatch(const std::vector<Machine> &machines, const std::string &what,
                   std::string &error);

class KernelTarget : public Target {
public:
  KernelTarget(std::string name, std::vector<Machine> machines)
      : targetName(std::move(name)), all(std::move(machines)) {}

  const std::string &name() const override { return targetName; }
  const std::vector<Machine> &machines() const override { return all; }
  Legalization legalization(const Machine &) const override { return {}; }

  uint64_t cycles(const Machine &machine, const Matmul &matmul) const override;
  uint64_t cycles(const Machine &machine, const VectorChain &chain) const override;
  uint64_t dmaCycles(const Machine &machine, Space offChip, uint64_t bytes, uint64_t runs,
                     bool isLoad) const override;

  /// Always refuses: there are no command streams.
  std::optional<std::vector<uint8_t>> emit(const Machine &machine, const Program &program,
                                           std::string &error) const override;

protected:
  static Verdict verdictOf(const std::string &refusal) { return {refusal.empty(), refusal}; }

private:
  std::string targetName;
  std::vector<Machine> all;
};

} // namespace llmc::target
