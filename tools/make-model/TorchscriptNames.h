// Nodes named as the TorchScript exporter names them: by module, operator and a running number.
#pragma once

#include "tools/make-model/OnnxGraph.h"

#include <map>
#include <string>

namespace llmc::make {

class TorchscriptNames {
public:
  explicit TorchscriptNames(OnnxGraph &graph) : graph(graph) {}

  /// The module that the next nodes belong to: "/model/layers.0/mlp".
  void enter(const std::string &module) { scope = module; }

  /// Adds a node of one result and returns the result's name.
  std::string op(const std::string &type, const Names &inputs, const Attributes &attributes = {}) {
    const std::string base = scope + "/" + type;
    const int count = counts[base]++;
    const std::string name = count ? base + "_" + std::to_string(count) : base;
    graph.node("", type, name, inputs, {name + "_output_0"}, attributes);
    return name + "_output_0";
  }

  std::string constant(const Constant &value) { return op("Constant", {}, {{"value", value}}); }

private:
  OnnxGraph &graph;
  std::string scope;
  std::map<std::string, int> counts;
};

} // namespace llmc::make
