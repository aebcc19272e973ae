// A program in text on the machines that are built in.
#include "test/unit/targets/RnpuTestKit.h"

#include "targets/Interface/RowRecords.h"
#include "targets/Rnpu/Assembly.h"
#include "targets/Rnpu/Machines.h"

#include "catch2/catch.hpp"

#include <fstream>
#include <sstream>

using namespace llmc::rnpu;
using namespace llmc::rnpu::test;

namespace {

constexpr uint32_t rows = 40, columns = 2048, slices = 16;
constexpr size_t pitch = 45056; ///< Of a slice in the weights.

Program goldenGemv() {
  std::ifstream file(LLMC_TEST_DATA "/rnpu/gemv.rnpu");
  std::stringstream text;
  text << file.rdbuf();
  std::string error;
  const auto image = parseAssembly(text.str(), error);
  INFO(error);
  REQUIRE(image);
  return image->program;
}

struct Data {
  std::vector<uint8_t> weights, io;
  std::vector<float> expected;

  Data() : weights(pitch * slices), io(8192) {
    std::mt19937 random(41);
    const RandomWeights w({ElementType::I4, ScaleKind::MultiplierF32Row, 32}, rows * slices,
                          columns, random);
    std::vector<int8_t> x(columns);
    for (int8_t &value : x)
      value = int8_t(int(random() % 255) - 127);
    const float scale = 0.004f;
    std::memcpy(io.data(), x.data(), columns);
    std::memcpy(io.data() + columns, &scale, 4);
    for (uint32_t i = 0; i < slices; ++i) {
      std::vector<uint8_t> tile;
      packRowRecords(w.view(i * rows, rows), tile);
      std::copy(tile.begin(), tile.end(), weights.begin() + std::ptrdiff_t(i * pitch));
    }
    for (uint32_t n = 0; n < rows * slices; ++n)
      expected.push_back(w.dot(x.data(), scale, n));
  }
};

} // namespace

TEST_CASE("the GEMV in text gives the same bytes on every machine, at the speed of its memory") {
  std::string error;
  const std::vector<Machine> machines = builtinMachines(error);
  INFO(error);
  REQUIRE(machines.size() >= 2);
  const Program program = goldenGemv();
  for (const Machine &machine : machines)
    for (const uint64_t chaos : {0u, 1u, 2u}) {
      Data data;
      Simulator simulator(machine);
      if (chaos)
        simulator.options.chaosSeed = chaos;
      Bindings b;
      b.weights = {data.weights.data(), data.weights.size()};
      b.io = {data.io.data(), data.io.size()};
      const Result result = simulator.dispatch(program, b, {});
      INFO(machine.name << (result.fault ? result.fault->message : ""));
      REQUIRE(result.ok());
      std::vector<float> y(rows * slices);
      std::memcpy(y.data(), data.io.data() + 0x1000, y.size() * 4);
      REQUIRE(y == data.expected);
      if (chaos)
        continue;
      const double rate = memoryOf(machine, Space::Weights).effectiveReadRate();
      const double bound = double(pitch) * slices / rate;
      CHECK(double(result.cycles) > bound);
      CHECK(double(result.cycles) < 1.25 * bound + machine.launchCycles + 5000);
    }
}
