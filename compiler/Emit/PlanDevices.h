// The devices that a plan is for.
#pragma once

#include "dialects/Npu/Fallback.h"
#include "targets/Interface/Target.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace llmc {

/// A machine, and the target that knows it.
struct PlanDevice {
  const target::Target *target = nullptr;
  const target::Machine *machine = nullptr;
};

/// The machine that a plan is compiled for and, where there is one, another whose kernels do what
/// it does not support. Both see the same memory.
struct PlanDevices {
  PlanDevices(const target::Target &target, const target::Machine &machine)
      : PlanDevices(PlanDevice{&target, &machine}) {}
  explicit PlanDevices(const PlanDevice &own, const std::optional<PlanDevice> &fallback = {})
      : own(own), fallback(fallback), chunks(own.machine->prefillChunks) {}

  /// What runs `op`, or packs it. Nothing is marked for a fallback that is not there.
  const PlanDevice &of(mlir::Operation *op) const { return npu::fallbackOf(op) ? *fallback : own; }

  /// No prompt is longer than the context, so a longer chunk would only keep memory. Kernels that
  /// are dispatched one by one take any number of tokens; programs have the sizes that their
  /// machine names, and pad.
  void cutChunks(uint32_t context) {
    constexpr uint32_t step = 16; // rows of a tile of matrix engines
    if (own.machine->dispatch != target::DispatchKind::Kernel)
      return;
    for (uint32_t &rows : chunks)
      rows = uint32_t(std::min<uint64_t>(rows, (uint64_t(context) + step - 1) / step * step));
    chunks.erase(std::unique(chunks.begin(), chunks.end()), chunks.end());
  }

  PlanDevice own;
  std::optional<PlanDevice> fallback;
  std::vector<uint32_t> chunks; ///< Rows of the prefill entries, descending.
};

} // namespace llmc
