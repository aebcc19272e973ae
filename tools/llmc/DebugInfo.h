// What the debug segment of a plan says: names, facts about the model, on-chip memory.
#pragma once

#include "runtime/drivers/host/plan_file.h"

#include <nlohmann/json.hpp>
#include <string>

namespace llmc {

/// A plan need not have one.
class DebugInfo {
public:
  /// Throws InputError where the segment is malformed.
  explicit DebugInfo(const rt::host::PlanFile &file);

  /// Empty where nothing names the kernel.
  std::string kernelName(uint32_t kernel) const;
  /// Of one call of an entry; 0 where nothing says it.
  uint64_t estimatedCycles(uint32_t entry) const;
  /// Bytes of a region that an entry uses: the `whole` of it where nothing says less.
  uint64_t peakBytes(uint32_t entry, const std::string &region, uint64_t whole) const;
  /// Texts by their keys.
  nlohmann::ordered_json metadata() const;
  /// {"entries": […]}, as compiler/Emit/EmitDebug.h says. Throws InputError where there is none.
  nlohmann::ordered_json memoryMap() const;

private:
  nlohmann::ordered_json figures(uint32_t entry) const;

  const rt::Plan &plan;
  nlohmann::ordered_json document; ///< Null where the plan has no debug segment.
};

} // namespace llmc
