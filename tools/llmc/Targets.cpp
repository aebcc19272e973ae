#include "tools/llmc/Targets.h"

#include "runtime/drivers/cpu/cpu_features.h"
#include "runtime/drivers/cpu/kernel_abi.h"
#include "targets/Plugin/LoadPlugin.h"
#include "targets/Plugin/PluginTarget.h"
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/Errors.h"
#include "tools/llmc/TargetDevice.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <set>

namespace llmc {

namespace {

const target::Machine *findMachine(const target::TargetRegistry &targets,
                                   const target::Target &target, const std::string &name,
                                   std::string &error) {
  for (const auto &[owner, machine] : targets.machines())
    if (owner == &target && machine->name == name)
      return machine;
  error = fmt::format("the plan was compiled for machine '{}', which is not built in; give its "
                      "description with --machine=FILE, as for the compilation",
                      name);
  return nullptr;
}

void warn(const std::string &text) { fmt::print(stderr, "warning: {}\n", text); }

class TargetLoader {
public:
  explicit TargetLoader(Toolbox &tools)
      : tools(tools), hasWarned(tools.record && tools.record->read().loaded) {
    for (const std::string &path : tools.files.machines)
      machineFiles[machineFileTarget(path)].push_back(path);
  }

  void load() {
    for (const llmc_plugin *plugin : tools.builtIn)
      add(*plugin, ours);
    for (const PluginFile &file : tools.plugins)
      file.inFolder ? addOptional(file.path) : addFile(file.path);
    checkMachineFiles();
  }

  /// Of what could not be used.
  ~TargetLoader() {
    for (const std::string &warning : warnings)
      if (!hasWarned)
        warn(warning);
  }
  TargetLoader(const TargetLoader &) = delete;
  TargetLoader &operator=(const TargetLoader &) = delete;

private:
  static constexpr const char *ours = "llmc";

  struct Loaded {
    std::unique_ptr<target::Target> target;
    std::vector<target::Machine> machines;
  };

  static std::string machineFileTarget(const std::string &path) {
    std::string error;
    const std::optional<target::Machine> machine = target::loadMachine(path, error);
    if (!machine)
      throw InputError(error);
    return machine->target;
  }

  void addFile(const std::string &path) {
    std::error_code failed;
    const std::filesystem::path place = std::filesystem::canonical(path, failed);
    if (!failed && !places.insert(place).second)
      return;
    std::string error;
    const llmc_plugin *plugin = target::loadPlugin(path, tools.watch(), error);
    if (!plugin)
      throw InputError(error);
    add(*plugin, path);
  }

  /// All of its targets, or none.
  void add(const llmc_plugin &plugin, const std::string &origin) {
    const bool isOurs = origin == ours;
    target::PluginWatch &watch = isOurs ? target::nobodyWatches() : tools.watch();
    std::vector<Loaded> loaded;
    std::set<std::string> newMachines;
    for (uint32_t i = 0; i < plugin.n_targets; ++i) {
      auto target = std::make_unique<target::PluginTarget>(origin, *plugin.targets[i], watch);
      if (const auto known = origins.find(target->name()); known != origins.end())
        throw InputError(fmt::format("plugin '{}': a target named '{}' exists already, of {}; give "
                                     "one of them another name",
                                     origin, target->name(), known->second));
      loaded.push_back({std::move(target), {}});
      loaded.back().machines = machinesOf(*loaded.back().target, newMachines);
    }
    for (Loaded &entry : loaded) {
      origins[entry.target->name()] = isOurs ? "llmc itself" : fmt::format("plugin '{}'", origin);
      addDevice(*entry.target);
      tools.targets.add(std::move(entry.target), std::move(entry.machines));
    }
    machineNames.merge(newMachines);
  }

  std::vector<target::Machine> machinesOf(const target::Target &target,
                                          std::set<std::string> &newMachines) const {
    std::string error;
    const auto files = machineFiles.find(target.name());
    auto machines = target::machinesOf(
        target, files == machineFiles.end() ? std::vector<std::string>() : files->second, error);
    if (!machines)
      throw InputError(error);
    for (const target::Machine &machine : *machines)
      if (machineNames.count(machine.name) || !newMachines.insert(machine.name).second)
        throw InputError(fmt::format("two machines are named '{}', one of target '{}'; give that "
                                     "one another name",
                                     machine.name, target.name()));
    return std::move(*machines);
  }

  void addDevice(const target::Target &target) {
    if (target.hasDevice())
      tools.devices.add(target.name(), [this_ = &tools,
                                        &target](const rt::Plan &plan, uint32_t number,
                                                 const DeviceOptions &options, std::string &error) {
        const llmc_target_info info = plan.target(number);
        const target::Machine *machine =
            findMachine(this_->targets, target, {info.device, info.device_size}, error);
        return machine ? createTargetDevice(target, *machine, plan, number, options, error)
                       : nullptr;
      });
  }

  void addOptional(const std::string &path) {
    try {
      addFile(path);
    } catch (const InputError &unusable) {
      warnings.push_back(unusable.what());
    } catch (const target::PluginError &broken) {
      warnings.push_back(broken.what());
    }
  }

  void checkMachineFiles() const {
    std::string known;
    for (const auto &[target, origin] : origins)
      known += (known.empty() ? "" : ", ") + target;
    for (const auto &[target, files] : machineFiles)
      if (!origins.count(target))
        throw InputError(fmt::format("machine description {}: unknown target '{}'; \"target\" must "
                                     "be one of: {}",
                                     files.front(), target, known));
  }

  Toolbox &tools;
  const bool hasWarned;                                         ///< In an earlier child.
  std::map<std::string, std::vector<std::string>> machineFiles; ///< By target.
  std::map<std::string, std::string> origins;                   ///< Of targets, for messages.
  std::set<std::string> machineNames;
  std::set<std::filesystem::path> places;
  std::vector<std::string> warnings;
};

void addFolder(const std::string &folder, std::vector<PluginFile> &plugins) {
  std::error_code failed;
  std::vector<std::string> files;
  for (std::filesystem::directory_iterator item(folder, failed), end; !failed && item != end;
       item.increment(failed))
    if (item->path().extension() == ".so")
      files.push_back(item->path().string());
  if (failed)
    return warn(fmt::format("LLMC_PLUGIN_PATH: '{}': {}", folder, failed.message()));
  std::sort(files.begin(), files.end());
  for (const std::string &file : files)
    plugins.push_back({file, /*inFolder=*/true});
}

/// No code of theirs runs.
std::vector<PluginFile> findPlugins(const TargetFiles &files) {
  std::vector<PluginFile> plugins;
  for (const std::string &path : files.plugins)
    plugins.push_back({path, /*inFolder=*/false});
  if (const char *folders = std::getenv("LLMC_PLUGIN_PATH"))
    for (const std::string &folder : CLI::detail::split(folders, ':'))
      if (!folder.empty())
        addFolder(folder, plugins);
  return plugins;
}

void loadTargets(Toolbox &tools) {
  TargetLoader(tools).load();
  for (const auto &[target, machine] : tools.targets.machines())
    if (rt::cpu::hostProbe().x86 && target->name() == LLMC_CPU_BACKEND && tools.hostMachine.empty())
      tools.hostMachine = machine->name;
  if (!tools.record)
    return;
  std::vector<std::string> paths;
  for (const PluginFile &plugin : tools.plugins)
    paths.push_back(plugin.path);
  tools.record->setLoaded(paths);
}

/// Whether the child can be started anew without a plugin of a folder that ended it.
bool leaveOut(const PluginDeath &death, std::vector<PluginFile> &plugins) {
  const auto isIt = [&](const PluginFile &plugin) {
    return plugin.inFolder && death.owner.starts_with(fmt::format("plugin '{}'", plugin.path));
  };
  const auto found = std::find_if(plugins.begin(), plugins.end(), isIt);
  if (!death.loading || death.isInternal || found == plugins.end())
    return false;
  warn(death.message());
  plugins.erase(found);
  return true;
}

void addFilesOption(CLI::App &command, const std::string &name, std::vector<std::string> &files,
                    const std::string &description) {
  command.add_option(name, files, description + "; may be given several times")
      ->allow_extra_args(false)
      ->type_name("FILE");
}

} // namespace

bool findTargets(Toolbox &tools, const IsolationOptions &isolation) {
  tools.plugins = findPlugins(tools.files);
  const bool isolated = isolation.on && !tools.plugins.empty();
  if (!isolated)
    loadTargets(tools);
  return isolated;
}

std::string fallbackBeside(const target::Target &target, const Toolbox &tools) {
  std::string error;
  const auto host = tools.targets.find(tools.hostMachine, error);
  return host && host->first != &target && tools.devices.runs(target.name()) ? tools.hostMachine
                                                                             : "";
}

std::optional<ChildEnd> openInChild(Toolbox &tools, const IsolationOptions &isolation) {
  if (!tools.record)
    tools.record = std::make_shared<CallRecord>();
  for (;;) {
    const std::optional<ChildEnd> end = runInChild(*tools.record, isolation);
    if (!end)
      loadTargets(tools);
    if (!end || !end->death || !leaveOut(*end->death, tools.plugins))
      return end;
  }
}

void openTargets(Toolbox &tools, const IsolationOptions &isolation) {
  if (!findTargets(tools, isolation))
    return;
  if (const auto end = openInChild(tools, isolation))
    endLike(*end);
}

target::PluginWatch &Toolbox::watch() const { return record ? *record : target::nobodyWatches(); }

void addPluginOption(CLI::App &command, Toolbox &tools) {
  addFilesOption(command, "--plugin", tools.files.plugins, "Plugin with more targets");
}

void addTargetOptions(CLI::App &command, Toolbox &tools) {
  addPluginOption(command, tools);
  addFilesOption(command, "--machine", tools.files.machines,
                 "Description of one more machine (JSON)");
}

} // namespace llmc
