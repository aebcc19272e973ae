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

std::optional<std::vector<Machine>> machinesOf(const std::string &target,
                                               std::span<const MachineText> builtIn,
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
  for (const auto &[file, text] : builtIn)
    if (!add(parseMachine(std::string(text), std::string(file), error), std::string(file)))
      return std::nullopt;
  for (const std::string &path : files)
    if (!add(loadMachine(path, error), path))
      return std::nullopt;
  return machines;
}

} // namespace llmc::target
