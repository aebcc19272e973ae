// The targets that a command knows: those of this program, those of plugins, and the machines that
// description files add.
#pragma once

#include "targets/Interface/Target.h"
#include "tools/llmc/Isolation.h"

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace llmc {

struct Toolbox;

/// What --plugin and --machine give.
struct TargetFiles {
  std::vector<std::string> plugins, machines;
};

struct PluginFile {
  std::string path;
  bool inFolder = false; ///< Of LLMC_PLUGIN_PATH: if it cannot be used, that is a warning.
};

/// Fills the registries of `tools`: the built-in plugins, those of --plugin, and those in the
/// folders of LLMC_PLUGIN_PATH, of which unusable ones are warned about. InputError where a file is
/// unreadable, malformed, for no target, or takes a name that there is already. Where there are
/// plugins and they are isolated, returns in the child alone; to be called before there are
/// threads.
void openTargets(Toolbox &tools, const IsolationOptions &isolation);

/// For commands that go on where a plugin ends its process. True where plugins are to be isolated;
/// if not, the registries are filled.
bool findTargets(Toolbox &tools, const IsolationOptions &isolation);
/// Then, as often as there is work left: nothing in the child, whose registries are filled; here
/// how the child ended.
std::optional<ChildEnd> openInChild(Toolbox &tools, const IsolationOptions &isolation);

/// The machine that runs what the target does not support: this host's, beside a target whose plans
/// this program runs, since the two share its memory. Empty for others, whose plans run where there
/// may be no such CPU.
std::string fallbackBeside(const target::Target &target, const Toolbox &tools);

/// Adds --plugin=FILE, which may be given several times.
void addPluginOption(CLI::App &command, Toolbox &tools);
/// Adds --plugin=FILE and --machine=FILE, which may be given several times.
void addTargetOptions(CLI::App &command, Toolbox &tools);

} // namespace llmc
