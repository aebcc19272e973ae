// Figures of a run from what a device counted.
#include "tools/llmc/Stats.h"

#include "catch2/catch.hpp"

using namespace llmc;

namespace {

DeviceFigures someFigures() {
  DeviceFigures figures;
  figures.cycles = 3000;
  figures.clockHz = 1e6;
  figures.sramPeakBytes = 700;
  figures.sramCapacityBytes = 1000;
  figures.memories = {{"sram", false, 900, 900}, {"dram", true, 400, 30}, {"flash", true, 170, 0}};
  figures.engines = {{"load", 1500}, {"tensor", 750}};
  figures.energy = {1e6, 2e6, 4e6};
  figures.dmaBoundCycles = 2700;
  figures.macBoundCycles = 900;
  return figures;
}

RunStats someRun() {
  RunStats stats;
  stats.target = "machine";
  stats.prompt = {1, 2, 3, 4, 5};
  stats.decodeSteps = 3;
  stats.decodedPositions = 5 + 6 + 7;
  stats.generated = {9, 8, 7, 6};
  stats.stopReason = "max_tokens";
  stats.prefill = stats.decode = someFigures();
  stats.prefill->sramPeakBytes = 800;
  stats.compulsory = CompulsoryBytes{100, 10, 4};
  return stats;
}

} // namespace

TEST_CASE("figures per token are means over the decode steps") {
  const auto json = someRun().json();
  CHECK(json["prefill_tokens"] == 5);
  CHECK(json["decode_tokens"] == 4);
  CHECK(json["decode_steps"] == 3);
  CHECK(json["decode_cycles_per_token"] == 1000);
  CHECK(json["dram_bytes_per_token"] == 200); // flash included, SRAM not
  CHECK(json["dma_bound_cycles_per_token"] == 900);
  CHECK(json["mac_bound_cycles_per_token"] == 300);
  CHECK(json["bound_cycles_per_token"] == 900);
  CHECK(json["utilization"]["load"] == 0.5);
  CHECK(json["utilization"]["tensor"] == 0.25);
  CHECK(json["sram_peak_bytes"] == 800); // of prefill and decode the larger
  CHECK(json["sram_capacity_bytes"] == 1000);
  CHECK(json["seconds"].get<double>() == Approx(0.006));
  CHECK(json["tokens_per_second"].get<double>() == Approx(1000));
  CHECK(json["energy_joules_per_token"]["nominal"].get<double>() == Approx(2e-6 / 3));
}

TEST_CASE(
    "compulsory bytes: weights, earlier positions read, the own one written, inputs and outputs") {
  CHECK(CompulsoryBytes{100, 10, 4}.perToken(0) == 114);
  CHECK(CompulsoryBytes{100, 10, 4}.perToken(6) == 174);
  const auto json = someRun().json();
  CHECK(json["kv_positions_per_token"] == 6);
  CHECK(json["compulsory_bytes_per_token"] == 174);
}

TEST_CASE("what is not known is null, what did not happen is 0") {
  RunStats stats = someRun();
  stats.compulsory.reset();
  CHECK(stats.json()["compulsory_bytes_per_token"].is_null());
  stats = someRun();
  stats.decodeSteps = 0;
  stats.decode = DeviceFigures();
  const auto json = stats.json();
  CHECK(json["decode_cycles_per_token"] == 0);
  CHECK(json["dram_bytes_per_token"] == 0);
  CHECK(json["compulsory_bytes_per_token"].is_null());
}
