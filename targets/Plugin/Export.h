// Targets of C++ as the tables of a plugin: how those of this tree are registered.
#pragma once

#include "targets/Interface/Target.h"
#include "targets/Plugin/llmc/target_plugin.h"

#include <memory>

namespace llmc::target {

class ExportedTarget;

/// The tables of one target, valid as long as this object.
class ExportedPlugin {
public:
  explicit ExportedPlugin(std::unique_ptr<Target> target);
  ~ExportedPlugin();
  ExportedPlugin(const ExportedPlugin &) = delete;
  ExportedPlugin &operator=(const ExportedPlugin &) = delete;

  const llmc_plugin &table() const { return plain; }

private:
  std::unique_ptr<ExportedTarget> target;
  const llmc_target *targets[1];
  llmc_plugin plain;
};

} // namespace llmc::target
