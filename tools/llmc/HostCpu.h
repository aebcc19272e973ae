// The CPU of this host as a device of `llmc`.
#pragma once

#include "tools/llmc/Device.h"

namespace llmc {

/// For one of the plan's CPU targets, as the options and the machine say. Null with one sentence in
/// `error`.
std::unique_ptr<Device> createHostCpu(const rt::Plan &plan, const DeviceOptions &options,
                                      std::string &error);

} // namespace llmc
