// The models that can be made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llmc::make {

/// A decoder of the Llama family: RMSNorm, rotary positions, grouped attention, SwiGLU.
struct ModelShape {
  std::string name;
  int64_t hidden, layers, heads, kvHeads, headDim, ffn, vocabulary, context;
  double ropeTheta;
  bool tied; ///< The head reads the embedding table.

  int64_t queryWidth() const { return heads * headDim; }
  int64_t keyWidth() const { return kvHeads * headDim; }
};

/// Of every norm.
inline constexpr float epsilon = 1e-5f;

const std::vector<ModelShape> &knownShapes();

/// Null where no shape has the name.
const ModelShape *findShape(const std::string &name);

/// config.json as model hubs write it.
std::string configJson(const ModelShape &shape, bool half);

} // namespace llmc::make
