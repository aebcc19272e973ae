// llmc: fills the registries, reads the command line, runs one command.
#include "runtime/drivers/cpu/kernel_abi.h"
#include "targets/Mcu/McuTarget.h"
#include "targets/Plugin/Export.h"
#include "targets/Rnpu/RnpuTarget.h"
#include "targets/X86/X86Target.h"
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/CompileCommand.h"
#include "tools/llmc/ConformanceCommand.h"
#include "tools/llmc/Errors.h"
#include "tools/llmc/HostCpu.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <sstream>
#include <string_view>

using namespace llmc;

static constexpr std::string_view examples =
    R"(  llmc compile model.onnx --target=rnpu-soc --quant=w4a8-m32 -o model.llmc --report=report.json
  llmc run model.llmc --prompt="It was the best of" --max-tokens=64 --stats=stats.json
  llmc eval model.llmc --text=valid.txt --tokens=4096 --json
  llmc eval model.onnx --ids=ids.json --logits=logits.npy
  llmc bench model.llmc --prefill=128,512 --decode=128 --json
  llmc inspect model.llmc --memory
  llmc verify model.llmc
  llmc sign model.llmc --key=key.pem && llmc verify model.llmc --public-key=public.pem
  llmc conformance --target=rnpu-soc --json
  llmc new-target my-npu && cmake -S my-npu -B build && cmake --build build && llmc targets --plugin=build/my-npu.so
  llmc recipe w4a8 > mine.json && llmc compile model.onnx --target=rnpu-mcu --quant=mine.json -o mine.llmc
)";

static constexpr const char *exitCodes =
    "\nexit codes: 0 done, 1 something about the input is wrong, 2 internal error";

/// The examples in which `words` stand, and the exit codes.
static std::string footerFor(const std::string &words) {
  std::string chosen;
  std::istringstream lines{std::string(examples)};
  for (std::string line; std::getline(lines, line);)
    if (line.find(words) != std::string::npos)
      chosen += line + "\n";
  return "examples:\n" + chosen + exitCodes;
}

/// The targets of this program, each as a plugin: nothing of them is known but the tables.
class BuiltInTargets {
public:
  std::vector<const llmc_plugin *> tables() const {
    return {&rnpu.table(), &x86.table(), &mcu.table()};
  }

private:
  target::ExportedPlugin rnpu{rnpu::createTarget()}, x86{x86::createTarget()},
      mcu{mcu::createTarget()};
};

static void fillToolbox(Toolbox &tools, const BuiltInTargets &targets) {
  tools.builtIn = targets.tables();
  tools.devices.add(
      LLMC_CPU_BACKEND,
      [](const rt::Plan &plan, uint32_t, const DeviceOptions &options, std::string &error) {
        return createHostCpu(plan, options, error);
      },
      /*takesOptions=*/true);
}

static int reportUsage(const CLI::App &app, const CLI::ParseError &error) {
  if (error.get_exit_code() == 0) // --help and --version
    return app.exit(error);
  const auto chosen = app.get_subcommands();
  const std::string command = chosen.empty() ? "llmc" : "llmc " + chosen.front()->get_name();
  fmt::print(stderr, "error: {}; '{} --help' says what can be given\n", error.what(), command);
  return 1;
}

/// Names the commands where none or another is given; the parser would only say that one is
/// missing.
static void checkCommand(const CLI::App &app, const std::vector<std::string> &arguments) {
  std::string known;
  for (const CLI::App *command : app.get_subcommands({})) {
    if (!arguments.empty() &&
        (arguments[0].starts_with('-') || arguments[0] == command->get_name()))
      return;
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  throw InputError(
      (arguments.empty() ? "no command is given" : "unknown command '" + arguments[0] + "'") +
      "; the commands are " + known);
}

static int runCommand(std::vector<std::string> arguments) {
  const BuiltInTargets targets;
  Toolbox tools;
  fillToolbox(tools, targets);
  CLI::App app("Ahead-of-time compiler for transformer models on NPUs", "llmc");
  app.set_version_flag("--version", "llmc " LLMC_VERSION);
  app.require_subcommand(1);
  app.footer(footerFor("llmc"));
  addCompileCommands(app, tools);
  addRunCommand(app, tools);
  addEvalCommand(app, tools);
  addBenchCommand(app, tools);
  addInspectCommand(app, tools);
  addTargetsCommand(app, tools);
  addConformanceCommand(app, tools);
  addNewTargetCommand(app, tools);
  addVerifyCommand(app);
  addSignCommand(app);
  for (CLI::App *command : app.get_subcommands({}))
    command->footer(footerFor("llmc " + command->get_name()));
  checkCommand(app, arguments);
  try {
    std::reverse(arguments.begin(), arguments.end()); // as CLI11 takes them
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError &problem) {
    return reportUsage(app, problem);
  }
  return 0;
}

int main(int argc, char **argv) {
  try {
    return runCommand(splitEmptyValues({argv + 1, argv + argc}));
  } catch (const CommandEnded &ended) {
    return ended.exitCode;
  } catch (const InputError &error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  } catch (const target::PluginError &error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  } catch (const std::bad_alloc &) {
    fmt::print(stderr, "error: out of memory\n");
    return 1;
  } catch (const std::exception &error) {
    fmt::print(stderr, "internal error: {}\n", error.what());
    return 2;
  }
}
