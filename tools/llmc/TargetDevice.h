// Devices that targets bring, simulated or real, as devices of `llmc`.
#pragma once

#include "tools/llmc/Device.h"

#include "targets/Interface/Target.h"

namespace llmc {

/// The device of `target` for a plan whose target `number` is the first of that name. Null with
/// `error` set where the options are not for such a device, or it cannot be opened.
std::unique_ptr<Device> createTargetDevice(const target::Target &target,
                                           const target::Machine &machine, const rt::Plan &plan,
                                           uint32_t number, const DeviceOptions &options,
                                           std::string &error);

} // namespace llmc
