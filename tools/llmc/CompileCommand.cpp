// llmc compile and llmc recipe.
#include "tools/llmc/CompileCommand.h"

#include "compiler/Support/AtomicFile.h"
#include "tools/llmc/CompilerLoader.h"
#include "tools/llmc/Errors.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace llmc {

namespace {

struct CompileArguments {
  CompileOptions options;
  std::optional<std::string> fallback; ///< Nothing: the host's CPU, where it can be reached.
  std::string report;
  /// One call may emit all code of a plan, or run an entry on a simulator.
  IsolationOptions isolation{true, 600};
};

std::string fallbackFor(const CompileArguments &arguments, const target::Target &target,
                        const Toolbox &tools) {
  if (!arguments.fallback)
    return fallbackBeside(target, tools);
  if (*arguments.fallback == "none")
    return "";
  std::string error;
  if (!tools.targets.find(*arguments.fallback, error))
    throw InputError("--fallback: " + error + ", or none");
  return *arguments.fallback;
}

/// Finds out before minutes of work whether the place can be written.
void checkPlace(const std::string &path) {
  AtomicFile probe;
  std::string error;
  if (!probe.open(path, error))
    throw InputError(error);
}

/// What the compiler blames itself for is an internal error, the rest is the input's.
[[noreturn]] void raise(const std::string &error) {
  constexpr std::string_view ours = "internal error, ";
  if (error.starts_with(ours))
    throw std::runtime_error(error.substr(ours.size()));
  throw InputError(error);
}

void compile(const CompileArguments &arguments, const Toolbox &tools) {
  std::string error;
  const auto found = tools.targets.find(arguments.options.machine, error);
  if (!found)
    throw InputError(error);
  if (arguments.options.compareAfterEach && !tools.devices.runs(found->first->name()))
    throw InputError(fmt::format("--compare-after=each runs the plan, and this program has no "
                                 "device for '{}' ({}); it runs: {}",
                                 arguments.options.machine, found->first->name(),
                                 tools.devices.backends()));
  AtomicFile report;
  if (!arguments.report.empty() && !report.open(arguments.report, error))
    throw InputError(error);
  checkPlace(arguments.options.output);
  CompileOptions options = arguments.options;
  options.fallback = fallbackFor(arguments, *found->first, tools);
  options.execute = [&tools](const std::string &plan, std::span<const int32_t> ids,
                             std::vector<float> &logits, std::string &why) {
    try {
      openPlan(plan, tools.devices, {})->feed(ids, logits);
      return true;
    } catch (const InputError &failed) {
      why = failed.what();
      return false;
    }
  };
  const CompileResult result = loadCompiler().compile(options, tools.targets);
  for (const std::string &warning : result.warnings)
    fmt::print(stderr, "warning: {}\n", warning);
  if (!result.error.empty())
    raise(result.error);
  if (!arguments.report.empty() &&
      (!report.write(result.reportJson, error) || !report.commit(error)))
    throw InputError(error);
}

void printRecipe(const std::string &name) {
  std::string error;
  const std::optional<std::string> text = loadCompiler().recipeText(name, error);
  if (!text)
    throw InputError(error);
  print(text->ends_with('\n') ? *text : *text + "\n");
}

void addRecipe(CLI::App &app) {
  auto name = std::make_shared<std::string>();
  CLI::App *command = app.add_subcommand(
      "recipe", "Print a quantization recipe, to be changed and given back as --quant=FILE");
  command->add_option("NAME", *name,
                      "Recipe, as w8a8 or w4a8-m32; docs/guides/recipes.md has them all, and "
                      "without a name the error has them");
  command->callback([name] { printRecipe(*name); });
}

void addModelOptions(CLI::App &command, CompileOptions &options) {
  command
      .add_option(
          "--quant", options.quant,
          "Recipe: a name or a file; without it w4a8, or keep where the graph brings its own grids")
      ->type_name("RECIPE");
  command.add_option("--context", options.context, "Tokens of context; without it the model's")
      ->check(checkCount32);
  command
      .add_option("--weight-budget", options.weightBudget,
                  "Bytes of memory for weights, which stay in flash and are read page by page; "
                  "without it weights are used where they lie")
      ->check(CLI::PositiveNumber);
}

void addFallbackOptions(CLI::App &command, CompileArguments &arguments) {
  command
      .add_option("--fallback", arguments.fallback,
                  "Machine for what the target does not support, or none; without it this "
                  "host's CPU, where llmc has a device for the target")
      ->type_name("MACHINE");
  command.add_flag("--require-full-offload", arguments.options.requireFullOffload,
                   "Kernels that would run on the fallback are an error");
}

void addOutputOptions(CLI::App &command, CompileArguments &arguments) {
  addFile(command, "-o,--output", arguments.options.output, "Plan file to write")->required();
  addFile(command, "--report", arguments.report,
          "Write what was matched, placed and measured here (JSON)");
  command
      .add_option_function<std::string>(
          "--compare-after",
          [&arguments](const std::string &) { arguments.options.compareAfterEach = true; },
          "each: run every level and compare it with the quantized reference, bit for bit")
      ->check(CLI::IsMember({"each"}));
}

void addCompile(CLI::App &app, Toolbox &tools) {
  auto arguments = std::make_shared<CompileArguments>();
  CLI::App *command = app.add_subcommand("compile", "Compile an ONNX model into a plan");
  addFile(*command, "MODEL", arguments->options.model,
          "ONNX file; tokenizer and configuration beside it go into the plan")
      ->required();
  command
      ->add_option("--target", arguments->options.machine,
                   "Machine to compile for; 'llmc targets' lists them")
      ->required()
      ->type_name("MACHINE");
  addTargetOptions(*command, tools);
  addIsolationOptions(*command, arguments->isolation);
  addModelOptions(*command, arguments->options);
  addFallbackOptions(*command, *arguments);
  addOutputOptions(*command, *arguments);
  command->callback([arguments, &tools] {
    openTargets(tools, arguments->isolation);
    compile(*arguments, tools);
  });
}

} // namespace

void addCompileCommands(CLI::App &app, Toolbox &tools) {
  tools.openModel = openReferenceModel;
  addCompile(app, tools);
  addRecipe(app);
}

} // namespace llmc
