// Plugins in shared objects.
#pragma once

#include "targets/Plugin/PluginCall.h"

#include <string>

namespace llmc::target {

/// Loads a plugin until exit and checks its tables. Null with one sentence in `error`: an
/// unreadable file, one that is no shared object or no plugin, one that was built for another
/// interface.
const llmc_plugin *loadPlugin(const std::string &path, PluginWatch &watch, std::string &error);

} // namespace llmc::target
