// What a plugin must look like before anything of it is called.
#pragma once

#include "targets/Plugin/llmc/target_plugin.h"

#include <string>
#include <string_view>

namespace llmc::target {

/// Whether a target may be called so: 1 to 64 letters, digits, '-', '_' and '.'.
bool isTargetName(std::string_view name);

/// What is wrong with the tables of a plugin, as the rest of a sentence that begins with its name,
/// and what to do; empty where nothing is.
std::string pluginProblem(const llmc_plugin *plugin);

} // namespace llmc::target
