#include "compiler/Pipeline/Frontend.h"

#include "dialects/Npu/Npu.h"
#include "passes/Quantization/Pipeline.h"
#include "passes/Raising/RaisingPasses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace mlir;

namespace llmc {

namespace {

/// The JSON of a file that may be absent. False on a malformed one.
bool readJson(const std::filesystem::path &path, nlohmann::json &document, std::string &error) {
  std::ifstream stream(path);
  if (!stream)
    return true;
  document = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (document.is_object())
    return true;
  error = fmt::format("{}: not a JSON object; repair or remove the file", path.string());
  return false;
}

uint32_t unsignedAt(const nlohmann::json &object, const char *key) {
  auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<uint32_t>() : 0;
}

bool hasOwnGrids(ModuleOp module) {
  bool found = false;
  module.walk(
      [&](Operation *op) { found |= isa<lm::QuantizedLinearOp, lm::QuantizedEmbedOp>(op); });
  return found;
}

bool chooseContext(const FrontendOptions &options, FrontendModel &model, std::string &error) {
  model.contextLength = options.context ? options.context : model.config.context;
  if (model.contextLength == 0) {
    error = fmt::format(
        "{}: no configuration beside the model states a context length; give one with --context",
        options.model);
    return false;
  }
  if (model.config.context && model.contextLength > model.config.context) {
    error =
        fmt::format("--context={} exceeds the model's context of {} tokens (config.json beside "
                    "{}); use at most {}",
                    model.contextLength, model.config.context, options.model, model.config.context);
    return false;
  }
  return true;
}

bool raise(FrontendModel &model, std::string &error) {
  model.raised = std::make_shared<passes::RaiseReport>();
  PassManager manager(model.context.get());
  passes::buildRaisePipeline(manager, {model.contextLength, model.raised, ""});
  if (succeeded(manager.run(model.module())))
    return true;
  error = model.log->errorText("raising failed");
  return false;
}

bool quantize(const FrontendOptions &options, FrontendModel &model, std::string &error) {
  std::string name = options.quant;
  if (name.empty() && !options.quantize && !hasOwnGrids(model.module()))
    return true;
  if (name.empty())
    name = hasOwnGrids(model.module()) ? "keep" : "w4a8";
  llvm::Expected<passes::Recipe> recipe = passes::loadRecipe(name);
  if (!recipe) {
    error = llvm::toString(recipe.takeError());
    return false;
  }
  model.recipe = *recipe;
  PassManager manager(model.context.get());
  passes::buildQuantizePipeline(manager, *recipe, [&](ArrayRef<char> bytes) {
    model.imported.file->dropPages({bytes.data(), bytes.size()});
  });
  if (succeeded(manager.run(model.module())))
    return true;
  error = model.log->errorText("quantization failed");
  return false;
}

} // namespace

bool readModelConfig(const std::string &modelPath, ModelConfig &config, std::string &error) {
  std::filesystem::path folder = std::filesystem::path(modelPath).parent_path();
  nlohmann::json plain = nlohmann::json::object(), genai = plain;
  if (!readJson(folder / "config.json", plain, error) ||
      !readJson(folder / "genai_config.json", genai, error))
    return false;
  config.context = unsignedAt(plain, "max_position_embeddings");
  if (plain.contains("architectures") && plain["architectures"].is_array() &&
      !plain["architectures"].empty() && plain["architectures"][0].is_string())
    config.architecture = plain["architectures"][0].get<std::string>();
  if (config.context == 0 && genai.contains("model") && genai["model"].is_object())
    config.context = unsignedAt(genai["model"], "context_length");
  return true;
}

DiagnosticLog::DiagnosticLog(MLIRContext &context) : context(context) {
  handler = context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    std::string text = diagnostic.str();
    for (Diagnostic &note : diagnostic.getNotes())
      text += "\n  " + note.str();
    text = StringRef(text).rtrim().str(); // Drawings end with a line break.
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      errors.push_back(text);
    else if (diagnostic.getSeverity() == DiagnosticSeverity::Warning)
      warnings.push_back(text);
    return success();
  });
}

DiagnosticLog::~DiagnosticLog() { context.getDiagEngine().eraseHandler(handler); }

std::string DiagnosticLog::errorText(const std::string &fallback) const {
  std::string text;
  for (const std::string &error : errors)
    text += (text.empty() ? "" : "\n") + error;
  return text.empty() ? fallback : text;
}

std::unique_ptr<FrontendModel> loadModel(const FrontendOptions &options, std::string &error) {
  auto model = std::make_unique<FrontendModel>();
  model->context = std::make_unique<MLIRContext>();
  model->context
      ->loadDialect<lm::LmDialect, npu::NpuDialect, func::FuncDialect, arith::ArithDialect>();
  model->context->printOpOnDiagnostic(false);
  model->log = std::make_unique<DiagnosticLog>(*model->context);
  FailureOr<ImportedModel> imported = importOnnx(options.model, *model->context);
  if (failed(imported)) {
    error = model->log->errorText("import failed");
    return nullptr;
  }
  if (!readModelConfig(options.model, model->config, error) ||
      !chooseContext(options, *model, error))
    return nullptr;
  model->imported = std::move(*imported);
  if (!raise(*model, error))
    return nullptr;
  model->times.end("import");
  if (!quantize(options, *model, error))
    return nullptr;
  model->times.end("quantize");
  return model;
}

} // namespace llmc
