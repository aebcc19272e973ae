// Machine descriptions in files, and those that are built in.
#include "targets/Interface/Machine.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace llmc::target {

std::optional<Machine> loadMachine(const std::string &path, std::string &error) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // An empty file gives nothing either, but no errno.
  if (!file || (!(text << file.rdbuf()) && errno != 0)) {
    error = fmt::format("machine description {}: cannot be read: {}", path, std::strerror(errno));
    return std::nullopt;
  }
  return parseMachine(text.str(), path, error);
}

std::vector<MachineText>
machineTexts(std::span<const std::pair<std::string_view, std::string_view>> builtIn) {
  std::vector<MachineText> texts;
  for (const auto &[file, text] : builtIn)
    texts.push_back({std::string(file), std::string(text)});
  return texts;
}

std::optional<std::vector<Machine>> machinesOf(const std::string &target,
                                               const std::vector<MachineText> &brought,
                                               const std::vector<std::string> &files,
                                               std::string &error) {
  std::vector<Machine> machines;
  const auto add = [&](std::optional<Machine> machine, const std::string &origin) {
    if (!machine)
      return false;
    if (machine->target != target)
      error = fmt::format("machine description {}: for target '{}', not '{}'", origin,
                          machine->target, target);
    else
      for (const Machine &known : machines)
        if (known.name == machine->name)
          error = fmt::format("machine description {}: a machine named '{}' exists already; give "
                              "this one another name",
                              origin, machine->name);
    if (error.empty())
      machines.push_back(std::move(*machine));
    return error.empty();
  };
  error.clear();
  for (const MachineText &machine : brought)
    if (!add(parseMachine(machine.text, machine.origin, error), machine.origin))
      return std::nullopt;
  for (const std::string &path : files)
    if (!add(loadMachine(path, error), path))
      return std::nullopt;
  return machines;
}

} // namespace llmc::target
