// The embedded machine descriptions.
#include "targets/Rnpu/Machines.h"

#include "embedded/rnpuMachines.h"

namespace llmc::rnpu {

using namespace target;

std::vector<Machine> builtinMachines(std::string &error) {
  return machinesOf("rnpu", machineTexts(embedded::rnpuMachines()), {}, error)
      .value_or(std::vector<Machine>());
}

} // namespace llmc::rnpu
