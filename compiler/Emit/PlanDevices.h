// The devices that a plan is for.
#pragma once

#include "dialects/Npu/Fallback.h"
#include "targets/Interface/Target.h"

#include <optional>

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
      : own{&target, &machine} {}
  PlanDevices(const PlanDevice &own, const std::optional<PlanDevice> &fallback = {})
      : own(own), fallback(fallback) {}

  /// What runs `op`, or packs it. Nothing is marked for a fallback that is not there.
  const PlanDevice &of(mlir::Operation *op) const { return npu::fallbackOf(op) ? *fallback : own; }

  PlanDevice own;
  std::optional<PlanDevice> fallback;
};

} // namespace llmc
