// The simulator of the reference NPU as a device of `llmc`.
#pragma once

#include "tools/llmc/Device.h"

namespace llmc {

std::unique_ptr<Device> createSimulatedNpu(const target::Machine &machine);

} // namespace llmc
