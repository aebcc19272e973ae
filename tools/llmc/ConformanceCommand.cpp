#include "tools/llmc/ConformanceCommand.h"

#include "tools/conformance/Conformance.h"
#include "tools/llmc/CompilerLoader.h"
#include "tools/llmc/Errors.h"

#include <CLI/CLI.hpp>

namespace llmc {

namespace {

struct ConformanceArguments {
  std::string machine, filter;
  uint64_t seed = 1;
  bool json = false, withoutDevice = false;
};

void runConformance(const ConformanceArguments &arguments, const Toolbox &tools) {
  std::string error;
  const auto found = tools.targets.find(arguments.machine, error);
  if (!found)
    throw InputError(error);
  const conformance::Subject subject = {*found->first,  *found->second,
                                        tools.targets,  tools.devices,
                                        loadCompiler(), !arguments.withoutDevice,
                                        arguments.seed, fallbackBeside(*found->first, tools)};
  if (conformance::groupsOf(subject, arguments.filter).empty())
    throw InputError("--filter=" + arguments.filter +
                     ": no class of checks has that in its name; without it all are listed");
  const conformance::Report report = conformance::examine(subject, arguments.filter);
  print(arguments.json ? conformance::toJson(report).dump(1) + "\n" : conformance::toText(report));
  if (!report.conforms())
    throw InputError(report.verdict());
}

} // namespace

void addConformanceCommand(CLI::App &app, Toolbox &tools) {
  auto arguments = std::make_shared<ConformanceArguments>();
  CLI::App *command =
      app.add_subcommand("conformance", "Check that a target does all that it claims, bit for bit");
  command
      ->add_option("--target", arguments->machine, "Machine to examine; 'llmc targets' lists them")
      ->required();
  addTargetOptions(*command, tools);
  command->add_option("--filter", arguments->filter, "Only classes with this in their name");
  command->add_option("--seed", arguments->seed, "Of random shapes and numbers")
      ->capture_default_str();
  command->add_flag("--no-device", arguments->withoutDevice,
                    "Check only what needs no device: claims, packing, code");
  command->add_flag("--json", arguments->json, "Report as JSON");
  command->callback([arguments, &tools] {
    openTargets(tools);
    runConformance(*arguments, tools);
  });
}

} // namespace llmc
