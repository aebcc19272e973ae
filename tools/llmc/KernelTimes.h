// Where the time of a plan goes, kernel by kernel, by the runtime's trace.
#pragma once

#include "runtime/base/device.h"
#include "runtime/drivers/host/plan_file.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace llmc {

/// Means something where a kernel is done when its dispatch returns, as on the host's CPU.
class KernelTimes {
public:
  struct Entry {
    std::string name; ///< Of the kernel, its entry included: "decode.linear"; "other steps" of the
                      ///< runtime's own.
    uint64_t calls = 0;
    double seconds = 0;
  };

  KernelTimes();
  KernelTimes(const KernelTimes &) = delete;
  KernelTimes &operator=(const KernelTimes &) = delete;

  /// To be given to bind.
  const llmc_trace &table() const { return trace; }
  /// What the steps of the plan are, before the first of them runs.
  void attach(const rt::host::PlanFile &file);
  /// Forgets what was measured; the next step begins now.
  void start();
  /// The next step begins now.
  void resume() { last = Clock::now(); }
  /// The kernels that ran, the longest first.
  std::vector<Entry> entries() const;

private:
  using Clock = std::chrono::steady_clock;
  void record(uint32_t step);

  llmc_trace trace = {};
  const rt::Plan *plan = nullptr;
  std::vector<Entry> kernels; ///< By their index in the plan; then the other steps.
  Clock::time_point last;
};

} // namespace llmc
