// The device of a C++ target as the table of a plugin.
#pragma once

#include "targets/Interface/Device.h"
#include "targets/Plugin/llmc/target_plugin.h"

#include <memory>

namespace llmc::target {

/// `to` owns the device until its close is called.
void exportDevice(std::unique_ptr<TargetDevice> device, llmc_opened_device &to);

} // namespace llmc::target
