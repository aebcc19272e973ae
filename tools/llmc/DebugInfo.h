// What the debug segment of a plan says: names, facts about the model, on-chip memory.
#pragma once

#include "runtime/drivers/host/plan_file.h"

#include <nlohmann/json.hpp>
#include <string>

namespace llmc {

/// A plan may also hold names and facts itself, and need not have a debug segment.
class DebugInfo {
public:
  /// Throws InputError where the segment is malformed.
  explicit DebugInfo(const rt::host::PlanFile &file);

  /// Empty where nothing names the kernel.
  std::string kernelName(uint32_t kernel) const;
  /// Texts by their keys.
  nlohmann::ordered_json metadata() const;
  /// {"entries": […]}, as compiler/Emit/EmitDebug.h says. Throws InputError where there is none.
  nlohmann::ordered_json memoryMap() const;

private:
  const rt::Plan &plan;
  nlohmann::ordered_json document; ///< Null where the plan has no debug segment.
};

} // namespace llmc
