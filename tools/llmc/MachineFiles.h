// --machine: descriptions of machines besides those that are built in.
#pragma once

#include "targets/Interface/Target.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace llmc {

struct Toolbox;

/// A target that can be made with machines of its own and those of description files.
struct Backend {
  std::string name; ///< "target" in a description.
  std::function<std::unique_ptr<target::Target>(const std::vector<std::string> &machineFiles,
                                                std::string &error)>
      create;
};

/// Every backend, with the machines of `files` at the ones they name. InputError where a file is
/// unreadable, malformed, for no backend, or takes a name that a machine has already.
target::TargetRegistry createTargets(const std::vector<Backend> &backends,
                                     const std::vector<std::string> &files);

/// Adds --machine=FILE, which may be given several times, before the command's callback runs.
void addMachineOption(CLI::App &command, Toolbox &tools);

} // namespace llmc
