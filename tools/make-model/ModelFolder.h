// A folder with a model, as exporters leave it.
#pragma once

#include "tools/make-model/ModelShape.h"

#include <cstdint>
#include <string>

namespace llmc::make {

struct ModelStyle {
  bool genai = false; ///< As the builder of ONNX Runtime GenAI; else as the TorchScript exporter.
  bool half = false;  ///< fp16, else fp32.
};

inline constexpr const char *modelFileName = "model.onnx";

/// Writes graph, weights and configuration; creates the folder where it is missing. The bytes of
/// the weights. Throws InputError where a file cannot be written.
int64_t writeModel(const ModelShape &shape, const ModelStyle &style, const std::string &folder);

} // namespace llmc::make
