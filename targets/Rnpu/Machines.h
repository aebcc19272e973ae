// The machine descriptions that are built in: targets/Rnpu/machines/*.json.
#pragma once

#include "targets/Interface/Machine.h"

#include <string>
#include <vector>

namespace llmc::rnpu {

/// In the order to list them. Empty, with the error set, where an embedded file is malformed.
std::vector<target::Machine> builtinMachines(std::string &error);

} // namespace llmc::rnpu
