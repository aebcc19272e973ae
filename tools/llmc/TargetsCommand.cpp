// llmc targets: the machines that can be compiled for.
#include "tools/llmc/CommandLine.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace llmc {

namespace {

nlohmann::json describe(const target::Machine &machine) {
  nlohmann::json memories = nlohmann::json::array();
  for (const target::Memory &memory : machine.memories)
    memories.push_back({{"name", memory.name},
                        {"bytes", memory.bytes},
                        {"read_bytes_per_second", memory.effectiveReadRate() * machine.clockHz}});
  return {{"name", machine.name},
          {"target", machine.target},
          {"summary", machine.summary},
          {"clock_hz", machine.clockHz},
          {"mac_per_cycle_int8", machine.tensor.macPerCycleI8},
          {"sram_bytes", machine.sram().bytes},
          {"prefill_chunks", machine.prefillChunks},
          {"memories", memories}};
}

void listTargets(const Toolbox &tools, bool json) {
  nlohmann::json list = nlohmann::json::array();
  size_t width = 0;
  for (const auto &[target, machine] : tools.targets.machines())
    width = std::max(width, machine->name.size());
  std::string text;
  for (const auto &[target, machine] : tools.targets.machines()) {
    list.push_back(describe(*machine));
    text += fmt::format("{:<{}}  {}\n", machine->name, width, machine->summary);
  }
  print(json ? list.dump(2) + "\n" : text);
}

} // namespace

void addTargetsCommand(CLI::App &app, Toolbox &tools) {
  auto json = std::make_shared<bool>(false);
  auto isolation = std::make_shared<IsolationOptions>(IsolationOptions{true, secondsToAnswer});
  CLI::App *command = app.add_subcommand("targets", "List the machines to compile for");
  addTargetOptions(*command, tools);
  addIsolationOptions(*command, *isolation);
  command->add_flag("--json", *json, "One JSON document on standard output");
  command->callback([json, isolation, &tools] {
    openTargets(tools, *isolation);
    listTargets(tools, *json);
  });
}

} // namespace llmc
