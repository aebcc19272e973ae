// compileModel: every phase in order, then the plan file and the report.
#include "compiler/Emit/EmitPlan.h"
#include "compiler/Emit/PlanWriter.h"
#include "compiler/Import/Tokenizer/TokenizerJson.h"
#include "compiler/Pipeline/Compare.h"
#include "compiler/Pipeline/Compiler.h"
#include "compiler/Pipeline/Frontend.h"
#include "compiler/Pipeline/Lowering.h"
#include "compiler/Pipeline/ModelDigest.h"
#include "compiler/Pipeline/Traffic.h"
#include "compiler/Report/CompileReport.h"

#include "mlir/Pass/PassManager.h"

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>

using namespace mlir;

namespace llmc {

namespace {

using Clock = std::chrono::steady_clock;

class Compilation {
public:
  Compilation(const CompileOptions &options, const target::Target &target,
              const target::Machine &machine, const target::HostServices &host)
      : options(options), target(target), machine(machine), host(host), start(Clock::now()) {}

  CompileResult run() {
    CompileResult result;
    if (!(importModel() && readTokenizer() && lower() && emit()))
      result.error = error;
    else
      result.reportJson = report();
    if (model)
      for (const std::string &warning : model->log->warnings)
        result.warnings.push_back(warning);
    result.warnings.insert(result.warnings.end(), notes.begin(), notes.end());
    return result;
  }

private:
  bool importModel() {
    model = loadModel({options.model, options.quant, /*quantize=*/true, options.context}, error);
    if (!model)
      return false;
    traffic = compulsoryTraffic(model->module());
    for (passes::WeightStatistics &weight : passes::weightStatisticsOf(model->module()))
      weights.push_back(std::move(weight));
    describeModel();
    inputs.model.digest = modelDigest(model->module());
    model->times.end("digest");
    return checkLegalization();
  }

  /// The graph is legal for a target that takes it as quantization leaves it; nothing else is
  /// provided yet.
  bool checkLegalization() {
    target::Legalization wanted = target.legalization(machine);
    if (wanted.dynamicActivations && wanted.floatVectors)
      return true;
    return fail(fmt::format("target '{}' asks for {}, which llmc does not produce; use a target "
                            "that takes dynamic int8 activations and fp32 vectors",
                            machine.name,
                            wanted.dynamicActivations ? "integer norms and softmax"
                                                      : "static int8 activations"));
  }

  void describeModel() {
    ModelDescription &description = inputs.model;
    description.name = std::filesystem::path(options.model).stem().string();
    description.architecture = model->config.architecture;
    description.quantization = model->recipe ? model->recipe->name : "";
    description.contextLength = model->contextLength;
    auto main = model->module().lookupSymbol<func::FuncOp>("main");
    description.vocabSize =
        uint32_t(cast<RankedTensorType>(main.getFunctionType().getResult(0)).getDimSize(1));
    main.walk([&](Operation *op) {
      if (auto embed = dyn_cast<lm::QuantizedEmbedOp>(op))
        description.hiddenSize =
            uint32_t(cast<RankedTensorType>(embed.getResult().getType()).getDimSize(1));
      if (auto attention = dyn_cast<lm::AttentionOp>(op))
        description.heads = uint32_t(attention.getHeads());
    });
    for (auto state : model->module().getOps<lm::KvStateOp>()) {
      description.layers = uint32_t(state.getLayers());
      description.kvHeads = uint32_t(state.getKvHeads());
      description.headDim = uint32_t(state.getHeadDim());
    }
    inputs.metadata = {{"compulsory_weight_bytes", std::to_string(traffic.weightBytes)},
                       {"kv_bytes_per_position", std::to_string(traffic.kvBytesPerPosition)},
                       {"compulsory_io_bytes", std::to_string(traffic.ioBytes)}};
  }

  /// A model without a tokenizer compiles; it is run by ids.
  bool readTokenizer() {
    std::filesystem::path folder = std::filesystem::path(options.model).parent_path();
    TokenizerResult<TokenizerConfig> config = readTokenizerConfig(folder);
    if (auto *failed = std::get_if<TokenizerError>(&config))
      return fail(failed->message);
    const auto &ids = std::get<TokenizerConfig>(config);
    inputs.model.bosId = ids.bos ? int32_t(*ids.bos) : -1;
    inputs.model.eosIds.assign(ids.eos.begin(), ids.eos.end());
    if (!std::filesystem::exists(folder / "tokenizer.json")) {
      notes.emplace_back("no tokenizer.json beside the model: the plan takes prompts as ids only");
      return true;
    }
    TokenizerResult<ImportedTokenizer> imported = importTokenizer(folder);
    if (auto *failed = std::get_if<TokenizerError>(&imported))
      return fail(failed->message);
    auto &tokenizer = std::get<ImportedTokenizer>(imported);
    inputs.tokenizer = std::move(tokenizer.segment);
    inputs.addBos = tokenizer.model.addsBos;
    notes.insert(notes.end(), tokenizer.notes.begin(), tokenizer.notes.end());
    return true;
  }

  bool lower() {
    if (failed(describeMachine(model->module(), target, machine, options.weightBudget)))
      return fail(model->log->errorText("lowering failed"));
    describePlan(model->module(), target, machine, inputs);
    PassManager manager(model->context.get());
    auto difference = std::make_shared<std::string>();
    if (options.compareAfterEach) {
      std::vector<int64_t> chunks(machine.prefillChunks.begin(), machine.prefillChunks.end());
      comparison = std::make_shared<LevelComparison>(model->module(), chunks);
      if (comparison->logits().empty())
        return fail(model->log->errorText("the reference evaluator cannot run this model"));
      model->context->disableMultithreading();
      manager.addInstrumentation(std::make_unique<CompareAfterEach>(comparison, difference));
    }
    buildLoweringPipeline(manager);
    if (failed(manager.run(model->module())))
      return fail(model->log->errorText("lowering failed"));
    if (comparison && difference->empty() && comparison->comparisons() == 0)
      *difference = "nowhere: no level was compared";
    model->times.end("lower");
    return difference->empty() || fail("internal error, levels differ " + *difference);
  }

  /// The last level: the plan on its device gives the reference's logits. It runs from a file of
  /// its own, so that a plan that fails replaces nothing.
  bool compareDevice() {
    if (!comparison || !options.execute)
      return true;
    std::string path = options.output + ".compare";
    written = writePlan(plan->description, path);
    bool same = written ? compareLogits(path) : fail(written.error);
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    return same;
  }

  bool compareLogits(const std::string &path) {
    std::vector<float> logits;
    if (!options.execute(path, comparison->ids(), logits, error))
      return false;
    const std::vector<float> &expected = comparison->logits();
    size_t vocabulary = inputs.model.vocabSize;
    for (size_t i = 0; i < expected.size(); ++i)
      if (i >= logits.size() || std::memcmp(&logits[i], &expected[i], sizeof(float)) != 0)
        return fail(fmt::format("internal error, the plan on its device differs from the "
                                "reference: position {}, logit {}: {}, expected {}",
                                i / vocabulary, i % vocabulary,
                                i < logits.size() ? logits[i] : 0.0f, expected[i]));
    return true;
  }

  bool emit() {
    plan = emitPlan(model->module(), target, machine, inputs, host, error);
    model->times.end("emit");
    if (!plan || !fits())
      return false;
    if (!compareDevice())
      return false;
    if (comparison)
      model->times.end("compare");
    written = writePlan(plan->description, options.output);
    model->times.end("write");
    return written || fail(written.error);
  }

  /// The budget for paged weights that makes them fit, as part of a sentence.
  std::string smallerBudget(const MemoryUse &use) const {
    const uint64_t budget = uint64_t(npu::TargetAttr::of(model->module()).getWeightBudget()),
                   over = use.bytes - use.capacity;
    return use.memory == machine.placement.state && budget > over
               ? fmt::format("--weight-budget={}, ", budget - over)
               : "";
  }

  /// Regions that share a memory fit it together.
  bool fits() {
    for (const MemoryUse &use : memoryUse(plan->description, machine))
      if (use.bytes > use.capacity)
        return fail(fmt::format("{} needs {} bytes of memory '{}' ({}), which has {}; use {}a "
                                "shorter context, fewer bits or another machine",
                                machine.name, use.bytes, use.memory, use.regions, use.capacity,
                                smallerBudget(use)));
    return true;
  }

  std::string report() {
    CompileFacts facts;
    facts.options = &options;
    facts.machine = &machine;
    facts.plan = &*plan;
    facts.written = &written;
    facts.raised = model->raised.get();
    facts.recipe = model->recipe ? model->recipe->name : "";
    facts.contextLength = model->contextLength;
    facts.compulsoryWeightBytes = traffic.weightBytes;
    facts.kvBytesPerPosition = traffic.kvBytesPerPosition;
    facts.weights = weights;
    facts.leftOut = npu::leftOutOf(model->module());
    facts.warnings = model->log->warnings;
    facts.warnings.insert(facts.warnings.end(), notes.begin(), notes.end());
    facts.phases = model->times.all();
    facts.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return compileReport(facts);
  }

  bool fail(std::string message) {
    error = std::move(message);
    return false;
  }

  const CompileOptions &options;
  const target::Target &target;
  const target::Machine &machine;
  const target::HostServices &host;
  Clock::time_point start;
  std::unique_ptr<FrontendModel> model;
  CompulsoryTraffic traffic;
  std::vector<passes::WeightStatistics> weights;
  std::shared_ptr<LevelComparison> comparison;
  PlanInputs inputs;
  std::optional<EmittedPlan> plan;
  PlanWriterResult written;
  std::vector<std::string> notes;
  std::string error;
};

} // namespace

CompileResult compileModel(const CompileOptions &options, const target::TargetRegistry &targets,
                           const target::HostServices &host) {
  CompileResult result;
  auto found = targets.find(options.machine, result.error);
  if (!found)
    return result;
  return Compilation(options, *found->first, *found->second, host).run();
}

} // namespace llmc
