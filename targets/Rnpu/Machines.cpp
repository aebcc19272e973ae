// The embedded machine descriptions.
#include "targets/Rnpu/Machines.h"

#include "embedded/rnpuMachines.h"

namespace llmc::rnpu {

using namespace target;

std::vector<Machine> builtinMachines(std::string &error) {
  std::vector<Machine> machines;
  for (const auto &[file, text] : embedded::rnpuMachines()) {
    std::optional<Machine> machine = parseMachine(std::string(text), std::string(file), error);
    if (!machine)
      return {};
    machines.push_back(std::move(*machine));
  }
  return machines;
}

} // namespace llmc::rnpu
