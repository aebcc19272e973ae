// compileModel: every phase in order, then the plan file and the report.
#include "compiler/Emit/EmitPlan.h"
#include "compiler/Emit/PlacementSummary.h"
#include "compiler/Emit/PlanWriter.h"
#include "compiler/Import/Tokenizer/TokenizerJson.h"
#include "compiler/Pipeline/Compare.h"
#include "compiler/Pipeline/Compiler.h"
#include "compiler/Pipeline/Frontend.h"
#include "compiler/Pipeline/Lowering.h"
#include "compiler/Pipeline/ModelDigest.h"
#include "compiler/Pipeline/Traffic.h"
#include "compiler/Report/CompileReport.h"
#include "compiler/Support/AtomicFile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
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
  Compilation(const CompileOptions &options, const PlanDevices &devices,
              const target::HostServices &host)
      : options(options), asked(devices), devices(devices), host(host), start(Clock::now()) {}

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
    const target::Machine &machine = *asked.own.machine;
    target::Legalization wanted = asked.own.target->legalization(machine);
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
            uint16_t(cast<RankedTensorType>(embed.getResult().getType()).getDimSize(1));
      if (auto attention = dyn_cast<lm::AttentionOp>(op))
        description.heads = uint16_t(attention.getHeads());
    });
    for (auto state : model->module().getOps<lm::KvStateOp>()) {
      description.layers = uint16_t(state.getLayers());
      description.kvHeads = uint16_t(state.getKvHeads());
      description.headDim = uint16_t(state.getHeadDim());
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

  /// A machine with command streams takes whole entries or nothing: where it refuses a kernel, the
  /// fallback device gets everything.
  bool lower() {
    bool isDirect = asked.own.machine->dispatch == target::DispatchKind::Kernel;
    if (isDirect || !asked.fallback) {
      if (!lowerFor(asked))
        return false;
      placement = isDirect ? placementOf(model->module()) : placementOf(planFile(), asked.own);
      return isDirect ? reportPlacement() : true;
    }
    OwningOpRef<ModuleOp> before(model->module().clone());
    if (!lowerFor(PlanDevices(asked.own)))
      return false;
    placement = placementOf(planFile(), asked.own);
    if (placement.reasons.empty())
      return true;
    if (!reportPlacement())
      return false;
    model->imported.module = std::move(before);
    if (!lowerFor(PlanDevices(*asked.fallback)))
      return false;
    KernelCount all = placementOf(model->module()).own;
    placement.own = {};
    placement.fallback = all;
    return true;
  }

  plan::FileOp planFile() { return *model->module().getOps<plan::FileOp>().begin(); }

  /// What does not run where it was asked for is said once for each reason.
  bool reportPlacement() {
    const target::Machine &own = *asked.own.machine;
    bool isDirect = own.dispatch == target::DispatchKind::Kernel;
    uint64_t all = placement.own.kernels + placement.fallback.kernels;
    std::string reasons;
    for (const PlacementSummary::Reason &reason : placement.reasons) {
      reasons += fmt::format("{}{} of {} kernels: {}", reasons.empty() ? "" : "; ",
                             reason.count.kernels, all, reason.text);
      constexpr const char
          *some = "{2} of {3} kernels run on {0}, since {1} does not support them: {4}",
          *everything = "everything runs on {0}, since {1} does not support {2} "
                        "of {3} kernels: {4}";
      if (!options.requireFullOffload)
        notes.push_back(fmt::format(fmt::runtime(isDirect ? some : everything),
                                    asked.fallback->machine->name, own.name, reason.count.kernels,
                                    all, reason.text));
    }
    return reasons.empty() || !options.requireFullOffload ||
           fail(fmt::format("full offload is required, and {} does not support {}; use another "
                            "recipe or another target, or let the rest run on {}",
                            own.name, reasons, asked.fallback->machine->name));
  }

  bool lowerFor(const PlanDevices &chosen) {
    devices = chosen;
    devices.cutChunks(model->contextLength);
    if (failed(describeMachine(model->module(), devices, options.weightBudget)))
      return fail(model->log->errorText("lowering failed"));
    describePlan(model->module(), devices, inputs);
    PassManager manager(model->context.get());
    auto difference = std::make_shared<std::string>();
    if (options.compareAfterEach) {
      std::vector<int64_t> chunks(devices.chunks.begin(), devices.chunks.end());
      comparison = std::make_shared<LevelComparison>(model->module(), chunks);
      if (comparison->logits().empty())
        return fail(model->log->errorText("the reference evaluator cannot run this model"));
      model->context->disableMultithreading();
      manager.addInstrumentation(std::make_unique<CompareAfterEach>(comparison, difference));
    }
    buildLoweringPipeline(manager, &devices);
    if (failed(manager.run(model->module())))
      return fail(model->log->errorText("lowering failed"));
    if (comparison && difference->empty() && comparison->comparisons() == 0)
      *difference = "nowhere: no level was compared";
    model->times.end("lower");
    return difference->empty() || fail("internal error, levels differ " + *difference);
  }

  /// The last level: the plan on its device gives the reference's logits. It has no name yet, so
  /// that a plan that fails replaces nothing.
  bool compareDevice(const std::string &path) {
    if (!comparison || !options.execute)
      return true;
    std::vector<float> logits;
    if (!options.execute(path, comparison->ids(), logits, error)) {
      if (const size_t at = error.find(path); at != std::string::npos)
        error.replace(at, path.size(), options.output);
      return false;
    }
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
    plan = emitPlan(model->module(), devices, inputs, host, error);
    model->times.end("emit");
    if (!plan || !fits())
      return false;
    AtomicFile file;
    if (!file.open(options.output, error))
      return false;
    written = writePlan(plan->description, file);
    model->times.end("write");
    if (!written)
      return fail(written.error);
    if (!compareDevice(file.path()))
      return false;
    if (comparison)
      model->times.end("compare");
    return file.commit(error);
  }

  /// The budget for paged weights that makes them fit, as part of a sentence.
  std::string smallerBudget(const MemoryUse &use) const {
    const uint64_t budget = uint64_t(npu::TargetAttr::of(model->module()).getWeightBudget()),
                   over = use.bytes - use.capacity;
    return use.memory == devices.own.machine->placement.state && budget > over
               ? fmt::format("--weight-budget={}, ", budget - over)
               : "";
  }

  /// Regions that share a memory fit it together.
  bool fits() {
    const target::Machine &machine = *devices.own.machine;
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
    facts.machine = devices.own.machine;
    facts.asked = &asked;
    facts.placement = &placement;
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
  const PlanDevices asked; ///< The machine that was asked for, and its fallback.
  PlanDevices devices;     ///< Those that the plan is for.
  const target::HostServices &host;
  Clock::time_point start;
  std::unique_ptr<FrontendModel> model;
  CompulsoryTraffic traffic;
  std::vector<passes::WeightStatistics> weights;
  std::shared_ptr<LevelComparison> comparison;
  PlacementSummary placement;
  PlanInputs inputs;
  std::optional<EmittedPlan> plan;
  PlanWriterResult written;
  std::vector<std::string> notes;
  std::string error;
};

} // namespace

/// Nothing, with `error` set, where there is no such machine or it cannot stand in for another.
static std::optional<PlanDevice> fallbackOf(const CompileOptions &options,
                                            const target::TargetRegistry &targets,
                                            const PlanDevice &own, std::string &error) {
  auto found = targets.find(options.fallback, error);
  if (!found)
    return std::nullopt;
  const target::Machine &machine = *found->second;
  if (machine.dispatch != target::DispatchKind::Kernel) {
    error = fmt::format("machine '{}' cannot be a fallback: it runs whole entries; use one whose "
                        "kernels are dispatched one by one",
                        machine.name);
    return std::nullopt;
  }
  if (found->first == own.target) {
    error = fmt::format("machine '{}' cannot be a fallback for '{}': both are of target '{}', of "
                        "which a plan runs on one device; use one of another target",
                        machine.name, own.machine->name, own.target->name());
    return std::nullopt;
  }
  return PlanDevice{found->first, &machine};
}

CompileResult compileModel(const CompileOptions &options, const target::TargetRegistry &targets,
                           const target::HostServices &host) {
  CompileResult result;
  auto found = targets.find(options.machine, result.error);
  if (!found)
    return result;
  PlanDevices devices(*found->first, *found->second);
  if (!options.fallback.empty() && options.fallback != options.machine) {
    devices.fallback = fallbackOf(options, targets, devices.own, result.error);
    if (!devices.fallback)
      return result;
  }
  return Compilation(options, devices, host).run();
}

} // namespace llmc
