#include "tools/llmc/MachineFiles.h"

#include "tools/llmc/CommandLine.h"
#include "tools/llmc/Errors.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace llmc {

namespace {

/// The files of each backend.
std::map<std::string, std::vector<std::string>>
sortByBackend(const std::vector<Backend> &backends, const std::vector<std::string> &files) {
  std::map<std::string, std::vector<std::string>> sorted;
  std::string known;
  for (const Backend &backend : backends) {
    sorted[backend.name];
    known += (known.empty() ? "" : ", ") + backend.name;
  }
  for (const std::string &path : files) {
    std::string error;
    const std::optional<target::Machine> machine = target::loadMachine(path, error);
    if (!machine)
      throw InputError(error);
    const auto found = sorted.find(machine->target);
    if (found == sorted.end())
      throw InputError(fmt::format("machine description {}: unknown target '{}'; \"target\" must "
                                   "be one of: {}",
                                   path, machine->target, known));
    found->second.push_back(path);
  }
  return sorted;
}

} // namespace

target::TargetRegistry createTargets(const std::vector<Backend> &backends,
                                     const std::vector<std::string> &files) {
  const auto sorted = sortByBackend(backends, files);
  target::TargetRegistry targets;
  std::set<std::string> names;
  for (const Backend &backend : backends) {
    std::string error;
    std::unique_ptr<target::Target> target = backend.create(sorted.at(backend.name), error);
    if (!target)
      throw InputError(error);
    for (const target::Machine &machine : target->machines())
      if (!names.insert(machine.name).second)
        throw InputError(fmt::format("two machines are named '{}', one of target '{}'; give the "
                                     "one of --machine another name",
                                     machine.name, backend.name));
    targets.add(std::move(target));
  }
  return targets;
}

void addMachineOption(CLI::App &command, Toolbox &tools) {
  command
      .add_option_function<std::vector<std::string>>(
          "--machine",
          [&tools](const std::vector<std::string> &files) {
            tools.targets = createTargets(tools.backends, files);
          },
          "Description of one more machine (JSON); may be given several times")
      ->allow_extra_args(false)
      ->type_name("FILE");
}

} // namespace llmc
