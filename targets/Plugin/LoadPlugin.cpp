#include "targets/Plugin/LoadPlugin.h"

#include "targets/Plugin/CheckPlugin.h"

#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>

namespace llmc::target {

const llmc_plugin *loadPlugin(const std::string &path, PluginWatch &watch, std::string &error) {
  const std::string owner = fmt::format("plugin '{}'", path);
  std::error_code unreadable;
  if (!std::filesystem::is_regular_file(path, unreadable)) {
    error = fmt::format("{}: {}", owner, unreadable ? unreadable.message() : "is no file");
    return nullptr;
  }
  // A path without a slash would be searched for. Never closed: tables and code stay in use.
  const std::string place = std::filesystem::absolute(path).string();
  void *library = nullptr;
  callPlugin(watch, owner, "its constructors", [&] {
    library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    return 1;
  });
  if (!library) {
    error = fmt::format("{}: cannot be loaded: {}", owner, printable(dlerror()));
    return nullptr;
  }
  auto *entry =
      reinterpret_cast<llmc_target_plugin_entry *>(dlsym(library, LLMC_TARGET_PLUGIN_ENTRY));
  if (!entry) {
    error = fmt::format("{}: has no function '{}'; export one of type llmc_target_plugin_entry "
                        "with C linkage (LLMC_PLUGIN_EXPORT)",
                        owner, LLMC_TARGET_PLUGIN_ENTRY);
    return nullptr;
  }
  const llmc_plugin *plugin = nullptr;
  callPlugin(watch, owner, LLMC_TARGET_PLUGIN_ENTRY, [&] {
    plugin = entry();
    return 1;
  });
  if (const std::string problem = pluginProblem(plugin); !problem.empty()) {
    error = fmt::format("{} {}", owner, problem);
    return nullptr;
  }
  return plugin;
}

} // namespace llmc::target
