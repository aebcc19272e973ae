// A device whose kernels are blobs of another instruction set, run under an emulator of user
// programs on this machine. Regions are copied to memory that both share when they are attached,
// operands before each dispatch, and back what it may have written.
#ifndef LLMC_TEST_GUEST_DEVICE_H
#define LLMC_TEST_GUEST_DEVICE_H

#include <string>
#include <vector>

#include "llmc/target_plugin.h"

namespace llmc::guest {

struct GuestTarget {
  std::string backend;              ///< As plans name it.
  uint32_t abi = 0;                 ///< Of its variants.
  std::vector<std::string> command; ///< The emulator, its options and the runner.
};

/// As llmc_target.open_device; refuses where there is no such emulator.
int openDevice(const llmc_target_call *call, const GuestTarget &target, const char *variant,
               llmc_opened_device *device);

} // namespace llmc::guest

#endif
