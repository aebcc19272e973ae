// What is examined, and what it is examined with.
#pragma once

#include "targets/Interface/Target.h"
#include "tools/conformance/Cases.h"
#include "tools/conformance/Result.h"
#include "tools/llmc/Device.h"

#include <functional>
#include <string>
#include <vector>

namespace llmc {
class Compiler;
}

namespace llmc::conformance {

struct Subject {
  const target::Target &target;
  const target::Machine &machine;
  const target::TargetRegistry &targets; ///< It and those it may fall back on.
  const DeviceRegistry &devices;
  const Compiler &compiler;
  bool withDevice = true;
  uint64_t seed = 1;
  std::string fallback; ///< Machine for what it does not support of whole models; empty: none.
  /// Cases that ended the process when they were checked, and are not checked again.
  std::vector<Failure> deaths = {};
  /// Hears what is checked next: a case, a model. Who is asked with it may end the process.
  std::function<void(const std::string &)> note = [](const std::string &) {};

  CaseSizes sizes() const {
    return {target.rowGranule(machine),
            machine.prefillChunks.empty() ? 1 : machine.prefillChunks.front(), machine.headRows,
            machine.vector.maxSteps, seed};
  }
};

} // namespace llmc::conformance
