// Rates are those of the machine; here only that they are measured on what it has.
#include "runtime/drivers/cpu/machine_peaks.h"

#include "catch2/catch.hpp"

using namespace llmc::rt::cpu;

TEST_CASE("every instruction set of the machine reads and multiplies") {
  const std::vector<uint8_t> bytes(1 << 20, 1);
  for (const Isa isa : allIsas) {
    if (const std::string missing = missingFor(isa, hostProbe()); !missing.empty()) {
      WARN("skipped: no " << nameOf(isa) << ", this machine lacks " << missing);
      continue;
    }
    readBytes(isa, bytes.data(), bytes.size());
    CHECK(multiplyInt8(isa, 10) == 10 * multiplyInt8(isa, 1));
    CHECK(multiplyInt8(isa, 1) > 0);
    CHECK(multiplyF32(isa, 1) > 0);
    PoolOptions options;
    options.threads = 2;
    std::string error;
    const auto pool = WorkerPool::create(options, error);
    REQUIRE(pool);
    CHECK(measureInt8OpsPerSecond(isa, *pool) > 0);
    CHECK(measureSustainedInt8OpsPerSecond(isa, *pool, 0) > 0);
  }
}
