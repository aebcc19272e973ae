// llmc eval: perplexity, or logits, of a plan on its device or of a model in the reference
// evaluator.
#include "compiler/Evaluate/Perplexity.h"
#include "compiler/Support/Npy.h"
#include "runtime/drivers/host/plan_file.h"
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/Errors.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace llmc {

namespace {

struct EvalOptions {
  ModelChoice input; ///< Or a plan, which has its own quantization and context.
  std::string text, ids, logits;
  size_t tokens = 0; ///< 0: all.
  size_t chunk = 0;  ///< 0: a window.
  bool json = false;
  DeviceOptions device;
  IsolationOptions isolation;
};

/// Ids per call where --chunk does not say.
constexpr size_t defaultChunk = 512;

class Evaluation {
public:
  Evaluation(const EvalOptions &options, const Toolbox &tools) : options(options) {
    checkOptions();
    if (!options.ids.empty())
      ids = readIds(options.ids);
    if (rt::host::looksLikePlan(options.input.path) || !options.input.path.ends_with(".onnx")) {
      model = openPlan(options.input.path, tools.devices, options.device);
      if (!options.input.quant.empty() || options.input.context)
        throw InputError("--quant and --context are for models; '" + options.input.path +
                         "' is a plan, where both are fixed: leave them out");
    } else {
      if (options.device.threads || options.device.isa)
        throw InputError("--threads and --isa are for plans of a CPU; '" + options.input.path +
                         "' is a model, for the reference evaluator: leave them out");
      if (!tools.openModel)
        throw InputError("this llmc was built without the compiler: it evaluates plans alone");
      model = tools.openModel(options.input);
    }
    if (!options.text.empty())
      encodeText();
    checkIds();
  }

  void run() {
    const auto start = std::chrono::steady_clock::now();
    nlohmann::json result;
    if (options.logits.empty())
      scorePerplexity(result);
    else
      writeLogits(result);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    result["device"] = model->device();
    if (const auto execution = model->execution()) {
      result["isa"] = execution->isa;
      result["threads"] = execution->threads;
    }
    result["host_seconds"] = seconds;
    result["host_tokens_per_second"] = double(ids.size()) / seconds;
    print(options.json ? result.dump(2) + "\n" : sentence(result));
  }

private:
  void checkOptions() const {
    if (options.text.empty() == options.ids.empty())
      throw InputError("eval needs the ids to evaluate: give either --text=FILE or --ids=FILE");
    if (!options.ids.empty() && options.tokens)
      throw InputError("--tokens cuts a --text; --ids are taken as they are");
  }

  void encodeText() {
    const std::string text = readText(options.text);
    ids = model->text().encode(text, options.tokens ? options.tokens : SIZE_MAX);
    if (ids.size() < options.tokens)
      throw InputError(fmt::format("'{}' has {} tokens, --tokens={} asks for more; give at most {}",
                                   options.text, ids.size(), options.tokens, ids.size()));
  }

  void checkIds() const {
    const std::string &source = options.text.empty() ? options.ids : options.text;
    if (ids.empty())
      throw InputError("'" + source + "' holds nothing to evaluate; give at least one id");
    for (size_t i = 0; i < ids.size(); ++i)
      if (ids[i] < 0 || uint32_t(ids[i]) >= model->vocabulary())
        throw InputError(fmt::format("'{}': id {} at index {} is outside the vocabulary of {} ids",
                                     source, ids[i], i, model->vocabulary()));
    // A text is scored in windows; ids and logits are one sequence.
    const bool oneSequence = options.text.empty() || !options.logits.empty();
    if (oneSequence && ids.size() > model->context())
      throw InputError(
          fmt::format("'{}': {} ids are more than the context of {} holds; give fewer, "
                      "or compile with a larger --context",
                      source, ids.size(), model->context()));
  }

  void scorePerplexity(nlohmann::json &result) {
    const auto feed = [&](std::span<const int32_t> chunk, int64_t position,
                          std::vector<float> &logits) {
      if (position == 0)
        model->reset();
      model->feed(chunk, logits);
      return true;
    };
    std::string error;
    const auto scored = evaluate::perplexity(
        ids, {model->vocabulary(), model->context(), int64_t(options.chunk)}, feed, error);
    if (!scored)
      throw InputError(error);
    result["perplexity"] = scored->perplexity;
    result["tokens"] = scored->tokens;
    result["scored_tokens"] = scored->scoredTokens;
  }

  void writeLogits(nlohmann::json &result) {
    std::string error;
    NpyWriter<float> file;
    const int64_t shape[] = {int64_t(ids.size()), int64_t(model->vocabulary())};
    if (!file.open(options.logits, shape, error))
      throw InputError(error);
    const size_t chunk = options.chunk ? options.chunk : defaultChunk;
    model->reset();
    std::vector<float> logits;
    for (size_t at = 0; at < ids.size(); at += chunk) {
      model->feed(std::span(ids).subspan(at, std::min(chunk, ids.size() - at)), logits);
      if (!file.write(logits, error))
        throw InputError(error);
    }
    if (!file.finish(error))
      throw InputError(error);
    result["tokens"] = ids.size();
    result["vocabulary"] = model->vocabulary();
    result["logits"] = options.logits;
  }

  std::string sentence(const nlohmann::json &result) const {
    if (!options.logits.empty())
      return fmt::format("{}: logits of {} tokens, {} each\n", options.logits, ids.size(),
                         model->vocabulary());
    return fmt::format("perplexity {:.6g} over {} tokens ({} scored), {}, {:.1f} tokens/s\n",
                       result["perplexity"].get<double>(), ids.size(),
                       result["scored_tokens"].get<int64_t>(), model->device(),
                       result["host_tokens_per_second"].get<double>());
  }

  const EvalOptions &options;
  std::unique_ptr<Evaluable> model;
  std::vector<int32_t> ids;
};

} // namespace

void addEvalCommand(CLI::App &app, Toolbox &tools) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App *command =
      app.add_subcommand("eval", "Perplexity or logits of a plan on its device, or of a model");
  addFile(*command, "INPUT", options->input.path, "Plan, or ONNX model for the reference evaluator")
      ->required();
  addFile(*command, "--text", options->text, "Text to score");
  command->add_option("--tokens", options->tokens, "Only the first N ids of the text")
      ->check(checkCount);
  addFile(*command, "--ids", options->ids, "JSON array of ids, at most the context")
      ->excludes("--text");
  addFile(*command, "--logits", options->logits,
          "Write the logits of every position here (.npy, float32 [tokens, vocab])");
  command->add_option("--chunk", options->chunk, "Ids per call; results do not depend on it")
      ->check(checkCount);
  command
      ->add_option("--quant", options->input.quant,
                   "Recipe for a model: a name or a file; without it fp32")
      ->type_name("RECIPE");
  command->add_option("--context", options->input.context, "Context of a model; without it its own")
      ->check(checkCount32);
  addTargetOptions(*command, tools);
  addIsolationOptions(*command, options->isolation);
  addDeviceOptions(*command, options->device);
  command->add_flag("--json", options->json, "One JSON document on standard output");
  command->callback([options, &tools] {
    openTargets(tools, options->isolation);
    Evaluation(*options, tools).run();
  });
}

} // namespace llmc
