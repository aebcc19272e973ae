// What the exporters share: the graph, its weights, and what all signatures have.
#pragma once

#include "tools/make-model/ModelShape.h"
#include "tools/make-model/OnnxGraph.h"
#include "tools/make-model/RandomWeights.h"
#include "tools/make-model/WeightFile.h"

#include <string>
#include <vector>

namespace llmc::make {

class Exporter {
public:
  Exporter(const ModelShape &shape, Element element, WeightFile &weights)
      : shape(shape), element(element), weights(weights) {}

  const ModelShape &shape;
  const Element element;
  OnnxGraph graph;

  /// A norm's weights; `role` names the values, `name` the tensor.
  const std::string &gain(const std::string &name, const std::string &role, int64_t size);
  /// [outputs, inputs], as an embedding is stored.
  const std::string &table(const std::string &name, const RandomMatrix &matrix);
  /// [inputs, outputs of all], as MatMul reads it.
  const std::string &operand(const std::string &name, const std::vector<RandomMatrix> &matrices);
  const std::string &constants(const std::string &name, const std::vector<int64_t> &dims,
                               const std::vector<float> &values);

  /// The matrices of the model, by role. A tied head is the embedding.
  RandomMatrix embedding() const { return {"embed", shape.vocabulary, shape.hidden}; }
  RandomMatrix head() const {
    return {shape.tied ? "embed" : "head", shape.vocabulary, shape.hidden};
  }
  RandomMatrix matrix(int64_t layer, const std::string &role, int64_t outputs,
                      int64_t inputs) const {
    return {"layers." + std::to_string(layer) + "." + role, outputs, inputs};
  }

private:
  WeightFile &weights;
};

/// As the TorchScript exporter decomposes a model, opset 18.
std::string exportDecomposed(const ModelShape &shape, Element element, WeightFile &weights);

/// As the builder of ONNX Runtime GenAI writes it: fused operators, opset 22 and com.microsoft.
std::string exportGenai(const ModelShape &shape, Element element, WeightFile &weights);

} // namespace llmc::make
