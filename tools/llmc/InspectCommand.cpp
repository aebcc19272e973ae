// llmc inspect: what a plan file holds.
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/DebugInfo.h"
#include "tools/llmc/Errors.h"
#include "tools/llmc/Inspect.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace llmc {

/// Commands look the same on every machine of a backend.
static const target::Target &findBackend(const target::TargetRegistry &targets,
                                         std::string_view name) {
  for (const auto &entry : targets.machines())
    if (entry.first->name() == name)
      return *entry.first;
  throw InputError(fmt::format("the plan was compiled for '{}', which this program knows nothing "
                               "of and cannot disassemble; give its plugin with --plugin=FILE",
                               name));
}

std::string disassembleKernels(const rt::host::PlanFile &file,
                               const target::TargetRegistry &targets) {
  const rt::Plan &plan = file.plan();
  const DebugInfo debug(file);
  std::string text, refusal;
  bool listed = false;
  for (uint32_t k = 0; k < plan.kernels().size; ++k) {
    const rt::Kernel &kernel = plan.kernels()[k];
    const rt::Blob &blob = plan.blobs()[kernel.blob];
    const llmc_target_info info = plan.target(blob.target);
    const uint8_t *code = file.segment(blob.segment).data + blob.offset;
    std::string error;
    const std::string listing = findBackend(targets, {info.backend, info.backend_size})
                                    .disassemble({code, code + blob.size}, error);
    if (listing.empty())
      refusal = error;
    listed |= !listing.empty();
    text += fmt::format("; kernel {}, {} bytes{}\n{}\n", debug.kernelName(k), blob.size,
                        listing.empty() ? ", not listed" : "", listing);
  }
  if (!listed && !refusal.empty())
    throw InputError(refusal);
  return text;
}

namespace {

struct InspectOptions {
  std::string plan;
  bool json = false, memory = false, disassemble = false;
  IsolationOptions isolation{true, secondsToAnswer};
};

void inspect(const InspectOptions &options, const Toolbox &tools) {
  std::string error;
  const auto file = rt::host::PlanFile::open(options.plan, error);
  if (!file)
    throw InputError(error);
  if (options.json) {
    nlohmann::ordered_json document = describePlan(*file);
    if (options.memory)
      document["memory"] = DebugInfo(*file).memoryMap();
    if (options.disassemble)
      document["disassembly"] = disassembleKernels(*file, tools.targets);
    return print(document.dump(2) + "\n");
  }
  if (options.memory)
    print(drawMemory(DebugInfo(*file).memoryMap()));
  if (options.disassemble)
    print(disassembleKernels(*file, tools.targets));
  if (!options.memory && !options.disassemble)
    print(formatPlan(describePlan(*file)));
}

} // namespace

void addInspectCommand(CLI::App &app, Toolbox &tools) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App *command = app.add_subcommand("inspect", "Show what a plan holds");
  addFile(*command, "PLAN", options->plan, "Plan file")->required();
  addPluginOption(*command, tools);
  addIsolationOptions(*command, options->isolation);
  command->add_flag("--json", options->json, "One JSON document on standard output");
  command->add_flag("--memory", options->memory, "Draw on-chip memory, time x address");
  command->add_flag("--disassemble", options->disassemble, "List the commands of every kernel");
  command->callback([options, &tools] {
    openTargets(tools, options->isolation);
    inspect(*options, tools);
  });
}

} // namespace llmc
