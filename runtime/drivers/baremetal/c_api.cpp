// The functions for the firmware's own core of the C header.
#include "runtime/c/llmc_runtime.h"
#include "runtime/c/placed.h"
#include "runtime/drivers/baremetal/baremetal.h"

using namespace llmc::rt;

static_assert(sizeof(BaremetalDevice) <= sizeof(llmc_baremetal) &&
              alignof(BaremetalDevice) <= alignof(llmc_baremetal));

void llmc_baremetal_init(llmc_baremetal *device, const llmc_plan *plan, uint32_t stack_bytes) {
  new (device) Placed<BaremetalDevice>(*reinterpret_cast<const Plan *>(plan), stack_bytes);
}

const llmc_device *llmc_baremetal_table(const llmc_baremetal *device) {
  return &reinterpret_cast<const BaremetalDevice *>(device)->table();
}
