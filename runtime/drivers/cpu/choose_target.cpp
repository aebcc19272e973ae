#include "runtime/drivers/cpu/cpu_device.h"

namespace llmc::rt::cpu {

namespace {

/// The plan's target for each variant; none32 where it has none.
struct CpuTargets {
  uint32_t of[std::size(allIsas)];
  std::string names; // best first

  explicit CpuTargets(const Plan &plan) {
    for (size_t i = std::size(allIsas); i-- > 0;) {
      of[i] = find(plan, nameOf(allIsas[i]));
      if (of[i] != none32)
        names += (names.empty() ? "" : ", ") + std::string(nameOf(allIsas[i]));
    }
  }

  static uint32_t find(const Plan &plan, std::string_view variant) {
    for (uint32_t t = 0; t < plan.nTargets(); ++t) {
      const llmc_target_info info = plan.target(t);
      if (std::string_view(info.backend, info.backend_size) == LLMC_CPU_BACKEND &&
          std::string_view(info.variant, info.variant_size) == variant)
        return t;
    }
    return none32;
  }
};

} // namespace

std::optional<uint32_t> chooseTarget(const Plan &plan, std::optional<Isa> wanted,
                                     const CpuProbe &probe, std::string &error) {
  const CpuTargets targets(plan);
  if (targets.names.empty()) {
    error = "the plan has no target of '" LLMC_CPU_BACKEND "' for any of " + isaNames();
    return std::nullopt;
  }
  if (wanted && targets.of[size_t(*wanted)] == none32) {
    error = std::string("the plan has no code for ") + nameOf(*wanted) + "; it has it for " +
            targets.names;
    return std::nullopt;
  }
  std::string reasons; // of the least demanding one last
  for (size_t i = std::size(allIsas); i-- > 0;) {
    if (targets.of[i] == none32 || (wanted && allIsas[i] != *wanted))
      continue;
    const std::string missing = missingFor(allIsas[i], probe);
    if (missing.empty())
      return targets.of[i];
    reasons +=
        (reasons.empty() ? "" : "; ") + std::string(nameOf(allIsas[i])) + " needs " + missing;
  }
  error = "this machine cannot run the plan's code: " + reasons;
  return std::nullopt;
}

} // namespace llmc::rt::cpu
