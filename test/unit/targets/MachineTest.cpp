// Reading machine descriptions: the built-in ones, and every way a file can be wrong.
#include "catch2/catch.hpp"
#include "targets/Rnpu/Machines.h"

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

using namespace llmc;
using namespace llmc::target;
using Json = nlohmann::json;

namespace {

std::string readText(const std::string &path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string socText() { return readText(LLMC_MACHINES "/rnpu-soc.json"); }

/// The error of the description with one change.
std::string errorOf(const std::function<void(Json &)> &change) {
  Json json = Json::parse(socText());
  change(json);
  std::string error;
  std::optional<Machine> machine = parseMachine(json.dump(), "m.json", error);
  CHECK_FALSE(machine.has_value());
  return error;
}

} // namespace

TEST_CASE("built-in machines have the presets' values") {
  std::string error;
  std::vector<Machine> machines = rnpu::builtinMachines(error);
  INFO(error);
  REQUIRE(machines.size() == 2);
  const Machine &soc = machines[0], &mcu = machines[1];
  CHECK(soc.name == "rnpu-soc");
  CHECK(mcu.name == "rnpu-mcu");
  CHECK(soc.clockHz == 1e9);
  CHECK(mcu.clockHz == 5e8);
  CHECK(soc.tensor.macPerCycleI8 == 2048);
  CHECK(mcu.tensor.macPerCycleI8 == 256);
  CHECK(soc.sram().bytes == 2u << 20);
  CHECK(mcu.sram().bytes == 512u << 10);
  CHECK(soc.prefillChunks == std::vector<uint32_t>{64, 16});
  CHECK(mcu.headRows == 16);
  // 24 GB/s at 1 GHz, cut to 0.8; Little: 64 * 128 / 500.
  CHECK(soc.memory("dram")->effectiveReadRate() == Approx(16.384));
  CHECK(soc.memory("dram")->effectiveWriteRate() == Approx(32.0 * 128 / 250));
  // 0.5 GB/s at 500 MHz, cut to 0.8; Little would allow 4.
  CHECK(mcu.memory("flash")->effectiveReadRate() == Approx(0.8));
  CHECK(mcu.placement.weights == "flash");
  CHECK(mcu.placement.state == "psram");
  CHECK(soc.memory("no such") == nullptr);
  CHECK(soc.digest != mcu.digest);
}

TEST_CASE("the digest covers values, not sources") {
  std::string error;
  Json json = Json::parse(socText());
  std::optional<Machine> before = parseMachine(json.dump(), "m.json", error);
  json["clockHz"]["source"] = "another place";
  json["summary"] = "another line";
  std::optional<Machine> same = parseMachine(json.dump(4), "m.json", error);
  json["clockHz"]["value"] = 9e8;
  std::optional<Machine> other = parseMachine(json.dump(), "m.json", error);
  REQUIRE((before && same && other));
  CHECK(before->digest == same->digest);
  CHECK(before->digest != other->digest);
}

TEST_CASE("a description may say what one dispatch runs") {
  std::string error;
  Json json = Json::parse(socText());
  const std::optional<Machine> unsaid = parseMachine(json.dump(), "m.json", error);
  json["dispatch"] = "stream";
  const std::optional<Machine> stream = parseMachine(json.dump(), "m.json", error);
  json["dispatch"] = "kernel";
  const std::optional<Machine> kernel = parseMachine(json.dump(), "m.json", error);
  REQUIRE((unsaid && stream && kernel));
  CHECK(unsaid->dispatch == DispatchKind::Stream);
  CHECK(stream->dispatch == DispatchKind::Stream);
  CHECK(kernel->dispatch == DispatchKind::Kernel);
  CHECK(kernel->digest != unsaid->digest);
  CHECK(errorOf([](Json &j) { j["dispatch"] = "tile"; }) ==
        "machine description m.json: dispatch: 'tile' is none of stream, kernel");
  CHECK(errorOf([](Json &j) { j["dispatch"] = 1; }) ==
        "machine description m.json: dispatch: must be a text that is not empty");
}

TEST_CASE("a wrong description is one error with its JSON path") {
  auto pointer = [](const char *path) { return Json::json_pointer(path); };
  CHECK(errorOf([](Json &j) { j["colour"] = 1; }) ==
        "machine description m.json: unknown key 'colour'");
  CHECK(errorOf([](Json &j) { j["tensor"].erase("outputsPerCycle"); }) ==
        "machine description m.json: tensor: missing key 'outputsPerCycle'");
  CHECK(errorOf([](Json &j) { j["memories"][1]["readLatency"].erase("source"); }) ==
        "machine description m.json: memories[1].readLatency: missing key 'source'");
  CHECK(errorOf([](Json &j) { j["clockHz"]["source"] = ""; }) ==
        "machine description m.json: clockHz.source: must be a text that is not empty");
  CHECK(errorOf([](Json &j) { j["clockHz"] = 1e9; }) ==
        "machine description m.json: clockHz: must be an object");
  CHECK(errorOf([&](Json &j) { j[pointer("/vector/lanes/value")] = 0; }) ==
        "machine description m.json: vector.lanes.value: 0 is outside 1 ... 4294967295");
  CHECK(errorOf([&](Json &j) { j[pointer("/vector/lanes/value")] = 1.5; }) ==
        "machine description m.json: vector.lanes.value: must be a whole number");
  CHECK(errorOf([&](Json &j) { j[pointer("/vector/lanes/value")] = "many"; }) ==
        "machine description m.json: vector.lanes.value: must be a number");
  CHECK(errorOf([&](Json &j) { j[pointer("/staticPower/low")] = 900; }) ==
        "machine description m.json: staticPower: must have low <= nominal <= high");
  CHECK(errorOf([&](Json &j) { j[pointer("/memories/1/alignment/value")] = 12; }) ==
        "machine description m.json: memories[1].alignment: must be a power of two");
  CHECK(errorOf([&](Json &j) { j[pointer("/memories/1/alignment/value")] = 128; }) ==
        "machine description m.json: memories[1].alignment.value: 128 is outside 1 ... 64");
  CHECK(errorOf([&](Json &j) { j[pointer("/memories/1/kind")] = "tape"; }) ==
        "machine description m.json: memories[1].kind: 'tape' is none of sram, dram, flash-xip, "
        "flash-paged");
  CHECK(errorOf([&](Json &j) { j[pointer("/memories/1/name")] = "sram"; }) ==
        "machine description m.json: memories[1].name: 'sram' is a second memory of this name");
  CHECK(errorOf([&](Json &j) { j[pointer("/memories/1/kind")] = "sram"; }) ==
        "machine description m.json: memories: 2 memories of kind sram, exactly one is needed");
  CHECK(errorOf([&](Json &j) { j[pointer("/placement/weights")] = "disk"; }) ==
        "machine description m.json: placement.weights: no memory is named 'disk'");
  CHECK(errorOf([&](Json &j) { j[pointer("/placement/io")] = "sram"; }) ==
        "machine description m.json: placement.io: must be an off-chip memory");
  CHECK(errorOf([&](Json &j) {
          j[pointer("/memories/1/kind")] = "flash-xip";
          j[pointer("/memories/1/writeBytesPerCycle/value")] = 0;
        }) == "machine description m.json: placement.state: 'dram' cannot be written");
  CHECK(errorOf([&](Json &j) { j[pointer("/prefillChunks/value")] = {16, 64}; }) ==
        "machine description m.json: prefillChunks.value: must be whole numbers from 65536 to 1, "
        "descending");
  CHECK(errorOf([](Json &j) { j = Json::array(); }) ==
        "machine description m.json: must be an object");
}

TEST_CASE("text that is not JSON, and keys that occur twice, are refused") {
  std::string error;
  std::string text = socText();
  CHECK_FALSE(parseMachine(text.substr(0, text.size() / 2), "m.json", error));
  CHECK(error.find("machine description m.json: not JSON: byte ") == 0);
  CHECK_FALSE(parseMachine("{\"name\": \"a\", \"name\": \"b\"}", "m.json", error));
  CHECK(error == "machine description m.json: key 'name' occurs twice in one object");
  CHECK_FALSE(parseMachine("", "m.json", error));
}

TEST_CASE("machines load from a path") {
  std::string error;
  std::optional<Machine> machine = loadMachine(LLMC_MACHINES "/rnpu-mcu.json", error);
  REQUIRE(machine);
  CHECK(machine->name == "rnpu-mcu");
  CHECK_FALSE(loadMachine("/no/such/machine.json", error));
  CHECK(error ==
        "machine description /no/such/machine.json: cannot be read: No such file or directory");
}
