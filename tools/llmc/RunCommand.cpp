// llmc run: text from a plan on its device.
#include "compiler/Support/AtomicFile.h"
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/Errors.h"
#include "tools/llmc/Generation.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>

namespace llmc {

namespace {

struct RunOptions {
  std::string plan, promptIds, stats;
  GenerationOptions generation;
  DeviceOptions device;
  IsolationOptions isolation;
};

void say(std::string_view message) { fmt::print(stderr, "llmc: {}\n", message); }

void writeStats(AtomicFile &file, const RunStats &stats) {
  if (!stats.compulsory)
    say("the plan does not say which bytes are compulsory: compulsory_bytes_per_token is null; "
        "compile the model again to know it");
  const std::string text = stats.json().dump(2) + "\n";
  std::string error;
  if (!file.write(text, error) || !file.commit(error))
    throw InputError(error);
}

void runPlan(const RunOptions &options, const Toolbox &tools) {
  std::string error;
  AtomicFile statsFile;
  if (!options.stats.empty() && !statsFile.open(options.stats, error))
    throw InputError(error);
  PlanRunner runner(options.plan, tools.devices, options.device);
  const RunStats stats = Generation(runner, options.generation, print, say).run();
  if (!options.stats.empty())
    writeStats(statsFile, stats);
}

void checkSampling(const CLI::App &command, const GenerationOptions &options) {
  if (options.sampler.temperature != 0)
    return;
  for (const char *name : {"--top-k", "--top-p", "--seed"})
    if (command.count(name))
      throw InputError(std::string(name) +
                       " has no effect without a --temperature above 0; give one, as in "
                       "--temperature=0.8");
}

void addSampling(CLI::App &command, rt::SamplerOptions &sampler) {
  command.add_option("--temperature", sampler.temperature, "0 (greedy) or above")
      ->capture_default_str();
  command.add_option("--top-k", sampler.topK, "Draw from the K likeliest tokens; 0: all")
      ->capture_default_str();
  command.add_option("--top-p", sampler.topP, "Draw from the likeliest tokens that sum to P")
      ->capture_default_str();
  command.add_option("--seed", sampler.seed, "The same seed gives the same text")
      ->capture_default_str();
}

} // namespace

void addRunCommand(CLI::App &app, Toolbox &tools) {
  auto options = std::make_shared<RunOptions>();
  CLI::App *command = app.add_subcommand("run", "Generate text with a plan, on its device");
  addFile(*command, "PLAN", options->plan, "Plan file")->required();
  command->add_option("--prompt", options->generation.prompt,
                      "Text to go on from; empty: from the model's bos id");
  command->add_option("--prompt-ids", options->promptIds, "The same as ids: 1,2,3")
      ->excludes("--prompt");
  command->add_option("--max-tokens", options->generation.maxTokens, "Most tokens to generate")
      ->check(checkCount)
      ->capture_default_str();
  addSampling(*command, options->generation.sampler);
  command
      ->add_option("--chunk", options->generation.chunk,
                   "Ids of the prompt per call; results do not depend on it")
      ->check(checkCount);
  addTargetOptions(*command, tools);
  addIsolationOptions(*command, options->isolation);
  addDeviceOptions(*command, options->device);
  addFile(*command, "--stats", options->stats, "Write figures of the run here (JSON)");
  command->callback([options, command, &tools] {
    checkSampling(*command, options->generation);
    if (command->count("--prompt-ids"))
      options->generation.promptIds = options->promptIds.empty()
                                          ? std::vector<int32_t>()
                                          : parseIds(options->promptIds, "--prompt-ids");
    openTargets(tools, options->isolation);
    runPlan(*options, tools);
  });
}

} // namespace llmc
