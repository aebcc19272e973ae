// The simulator of the reference NPU as a device of `llmc`.
#pragma once

#include "tools/llmc/Device.h"

namespace llmc {

/// For target `target` of a plan. Null with `error` set where the options are not for a simulator.
std::unique_ptr<Device> createSimulatedNpu(const target::Machine &machine, uint32_t target,
                                           const DeviceOptions &options, std::string &error);

} // namespace llmc
