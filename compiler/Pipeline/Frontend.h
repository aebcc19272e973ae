// The part of the pipeline in front of a target: an ONNX file becomes a raised, and where asked a
// quantized, lm program.
#pragma once

#include "compiler/Import/Onnx/ImportOnnx.h"
#include "compiler/Support/PhaseTimes.h"
#include "passes/Quantization/Recipe.h"
#include "passes/Raising/RaiseReport.h"

#include "mlir/IR/MLIRContext.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llmc {

/// What the configuration files beside a model say. Zero or empty where they say nothing.
struct ModelConfig {
  std::string architecture;
  uint32_t context = 0;
};

/// Reads config.json, then genai_config.json, in the model's folder. False with `error` on a
/// malformed file.
bool readModelConfig(const std::string &modelPath, ModelConfig &config, std::string &error);

/// Collects what passes say, as long as it lives: errors with their notes as one text, warnings one
/// by one.
class DiagnosticLog {
public:
  explicit DiagnosticLog(mlir::MLIRContext &context);
  ~DiagnosticLog();
  /// All errors so far, or `fallback` where a pass failed without one.
  std::string errorText(const std::string &fallback) const;

  std::vector<std::string> errors, warnings;

private:
  mlir::MLIRContext &context;
  mlir::DiagnosticEngine::HandlerID handler;
};

struct FrontendOptions {
  std::string model;
  std::string quant;    ///< Recipe name or file; empty: the default below.
  bool quantize = true; ///< Without a recipe: w4a8, or keep where the graph brings its own grids.
                        ///< False: leave fp32 as it is.
  uint32_t context = 0; ///< 0: the model's.
};

/// A model in its own context. Members are destroyed in reverse order: the module goes before the
/// context.
struct FrontendModel {
  std::unique_ptr<mlir::MLIRContext> context;
  std::unique_ptr<DiagnosticLog> log;
  ImportedModel imported;
  ModelConfig config;
  uint32_t contextLength = 0;
  std::shared_ptr<passes::RaiseReport> raised;
  std::optional<passes::Recipe> recipe; ///< Nothing: fp32.
  PhaseTimes times;                     ///< Of "import" and "quantize" so far.

  mlir::ModuleOp module() { return imported.module.get(); }
};

/// Null with `error` set on failure.
std::unique_ptr<FrontendModel> loadModel(const FrontendOptions &options, std::string &error);

} // namespace llmc
