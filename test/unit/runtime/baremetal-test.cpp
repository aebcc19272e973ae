// What the bare-metal driver refuses. That it runs plans is shown on boards: test/firmware.
#include "runtime/c/llmc_runtime.h"
#include "runtime/drivers/baremetal/baremetal.h"

#include "catch2/catch.hpp"

#include <string>

using namespace llmc::rt;

namespace {

llmc_target_info target(const std::string &backend, const std::string &variant) {
  llmc_target_info info = {};
  info.backend = backend.data();
  info.backend_size = backend.size();
  info.variant = variant.data();
  info.variant_size = variant.size();
  info.abi = baremetalAbi;
  info.driver_min = baremetalDriver;
  return info;
}

} // namespace

TEST_CASE("A core of another kind runs no microcontroller's code") {
  for (const std::string variant : {"armv8.1m-mve", "armv7m", "rv32imc", "armv7", "armv7mm", ""})
    CHECK_FALSE(BaremetalDevice::runs({variant.data(), uint32_t(variant.size())}));
}

TEST_CASE("The table of a bare-metal device is complete, and refuses what is not its own") {
  const Plan plan;
  const BaremetalDevice device(plan, 1024);
  const llmc_device &table = device.table();
  REQUIRE(table.abi == LLMC_DEVICE_ABI);
  REQUIRE(table.struct_size >= LLMC_DEVICE_BYTES_1);
  REQUIRE((table.match && table.load && table.submit && table.poll));
  const std::string mine = baremetalBackend, other = "x86-64", variant = "rv32imc";
  const llmc_target_info here = target(mine, variant), foreign = target(other, variant);
  CHECK(table.match(table.ctx, &here).code == LLMC_DEVICE_MISMATCH);
  CHECK(table.match(table.ctx, &foreign).code == LLMC_DEVICE_MISMATCH);
  llmc_dispatch dispatch = {};
  dispatch.n_operands = maxArgs + 1;
  CHECK(table.submit(table.ctx, &dispatch).code == LLMC_OUT_OF_RANGE);
  CHECK(table.poll(table.ctx, 0, 0).code == LLMC_OK);
}

TEST_CASE("C: the table of a bare-metal device") {
  static llmc_plan plan;
  static llmc_baremetal device;
  llmc_baremetal_init(&device, &plan, 1024);
  const llmc_device *table = llmc_baremetal_table(&device);
  REQUIRE((table->abi == LLMC_DEVICE_ABI && table->struct_size == sizeof(llmc_device)));
  const std::string mine = baremetalBackend, variant = "rv32imc";
  const llmc_target_info here = target(mine, variant);
  CHECK(table->match(table->ctx, &here).code == LLMC_DEVICE_MISMATCH); // not on this core
}
