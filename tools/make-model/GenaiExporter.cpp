#include "tools/make-model/Exporter.h"

#include <cmath>

namespace llmc::make {

namespace {

class GenaiGraph : Exporter {
public:
  using Exporter::Exporter;

  std::string model() {
    signature();
    positions();
    std::string residual = embed(), branch;
    for (int64_t layer = 0; layer < shape.layers; ++layer) {
      const std::string prefix = "/model/layers." + std::to_string(layer);
      std::string normed = norm(layer, "input_layernorm", "norm1", residual, branch);
      branch = attention(layer, prefix + "/attn", normed);
      normed = norm(layer, "post_attention_layernorm", "norm2", residual, branch);
      branch = feedForward(layer, prefix + "/mlp", normed);
    }
    const std::string normed =
        norm(shape.layers, "final_norm_layernorm", "final", residual, branch, /*last=*/true);
    if (!shape.tied)
      operand("lm_head.MatMul.weight", {head()});
    graph.node("", "MatMul", "/lm_head/MatMul", {normed, "lm_head.MatMul.weight"}, {"logits"}, {});
    return graph.model({"onnxruntime-genai", 10, {{"", 22}, {"com.microsoft", 1}}});
  }

private:
  void signature() {
    graph.input("input_ids", Element::Int64, {"batch_size", "sequence_length"});
    graph.input("attention_mask", Element::Int64, {"batch_size", "total_sequence_length"});
    graph.output("logits", element, {"batch_size", "sequence_length", shape.vocabulary});
    for (int64_t layer = 0; layer < shape.layers; ++layer) {
      const std::string index = std::to_string(layer);
      for (const char *part : {".key", ".value"}) {
        graph.input("past_key_values." + index + part, element,
                    {"batch_size", shape.kvHeads, "past_sequence_length", shape.headDim});
        graph.output("present." + index + part, element,
                     {"batch_size", shape.kvHeads, "total_sequence_length", shape.headDim});
      }
    }
  }

  /// Adds a node of one result and returns its name.
  std::string op(const std::string &type, const std::string &name, const Names &inputs,
                 const Attributes &attributes = {}) {
    graph.node("", type, name, inputs, {name + "/output_0"}, attributes);
    return name + "/output_0";
  }

  std::string integers(const std::string &name, const std::vector<int64_t> &dims,
                       const std::vector<int64_t> &values) {
    graph.node("", "Constant", name, {}, {name},
               {{"value", Constant{Element::Int64, dims, values, {}}}});
    return name;
  }

  /// How many positions are known: the operands of attention that stand for the mask, and tables.
  void positions() {
    const std::string scope = "/model/attn_mask_reformat/attn_mask_subgraph/";
    const std::string ones = integers("/model/constants/INT64/[1]", {1}, {1});
    const std::string sum =
        op("ReduceSum", scope + "ReduceSum", {"attention_mask", ones}, {{"keepdims", int64_t(0)}});
    const std::string last = op("Sub", scope + "Sub", {sum, ones});
    lastPosition = op("Cast", scope + "Sub/Cast", {last}, {{"to", int64_t(Element::Int32)}});
    const std::string sizes = op("Shape", scope + "Shape", {"attention_mask"});
    const std::string one = integers("/model/constants/INT64/1", {}, {1});
    const std::string total = op("Gather", scope + "Gather", {sizes, one}, {{"axis", int64_t(0)}});
    totalLength = op("Cast", scope + "Gather/Cast", {total}, {{"to", int64_t(Element::Int32)}});
    const int64_t half = shape.headDim / 2;
    std::vector<float> cosines, sines;
    for (int64_t position = 0; position < shape.context; ++position)
      for (int64_t i = 0; i < half; ++i) {
        const auto inverse = float(std::pow(shape.ropeTheta, -double(i) / double(half)));
        const float angle = float(position) * inverse;
        cosines.push_back(float(std::cos(double(angle))));
        sines.push_back(float(std::sin(double(angle))));
      }
    constants("cos_cache", {shape.context, half}, cosines);
    constants("sin_cache", {shape.context, half}, sines);
  }

  std::string embed() {
    if (!shape.tied) {
      table("model.embed_tokens.weight", embedding());
      return op("Gather", "/model/embed_tokens/Gather", {"model.embed_tokens.weight", "input_ids"});
    }
    operand("lm_head.MatMul.weight", {head()});
    const std::string rows = op("Transpose", "/model/embed_tokens/Transpose",
                                {"lm_head.MatMul.weight"}, {{"perm", std::vector<int64_t>{1, 0}}});
    return op("Gather", "/model/embed_tokens/Gather", {rows, "input_ids"});
  }

  /// Adds `branch` to `residual`, which becomes the sum, and norms it.
  std::string norm(int64_t layer, const std::string &kind, const std::string &role,
                   std::string &residual, const std::string &branch, bool last = false) {
    const std::string index = std::to_string(layer), owner = "layers." + index + ".";
    const std::string weight =
        gain("model." + owner + kind + ".weight", last ? role : owner + role, shape.hidden);
    const std::string scope = "/model/" + owner + kind;
    if (branch.empty())
      return normFirst(scope, residual, weight);
    Names results = {scope + "/output_0"};
    if (!last)
      results.insert(results.end(), {"", "", scope + "/output_3"});
    graph.node("com.microsoft", "SkipSimplifiedLayerNormalization", scope + "/SkipLayerNorm",
               {residual, branch, weight}, results, {{"epsilon", epsilon}});
    residual = scope + "/output_3";
    return results.front();
  }

  std::string normFirst(const std::string &scope, const std::string &value,
                        const std::string &weight) {
    graph.node("", "SimplifiedLayerNormalization", scope + "/LayerNorm", {value, weight},
               {scope + "/output_0"},
               {{"epsilon", epsilon}, {"axis", int64_t(-1)}, {"stash_type", int64_t(1)}});
    return scope + "/output_0";
  }

  std::string linear(const std::string &scope, const std::string &name, const std::string &value,
                     const std::vector<RandomMatrix> &matrices) {
    const std::string weight = "model" + dotted(scope.substr(6)) + "." + name + ".MatMul.weight";
    return op("MatMul", scope + "/" + name + "/MatMul", {value, operand(weight, matrices)});
  }

  static std::string dotted(std::string path) {
    for (char &c : path)
      c = c == '/' ? '.' : c;
    return path;
  }

  std::string attention(int64_t layer, const std::string &scope, const std::string &value) {
    const std::string packed = linear(scope, "qkv_proj", value,
                                      {matrix(layer, "q", shape.queryWidth(), shape.hidden),
                                       matrix(layer, "k", shape.keyWidth(), shape.hidden),
                                       matrix(layer, "v", shape.keyWidth(), shape.hidden)});
    const std::string index = std::to_string(layer), name = scope + "/GroupQueryAttention";
    graph.node("com.microsoft", "GroupQueryAttention", name,
               {packed, "", "", "past_key_values." + index + ".key",
                "past_key_values." + index + ".value", lastPosition, totalLength, "cos_cache",
                "sin_cache", "", "", ""},
               {name + "/output_0", "present." + index + ".key", "present." + index + ".value"},
               {{"num_heads", shape.heads},
                {"kv_num_heads", shape.kvHeads},
                {"scale", float(1 / std::sqrt(double(shape.headDim)))},
                {"local_window_size", int64_t(-1)},
                {"softcap", 0.0f},
                {"do_rotary", int64_t(1)},
                {"rotary_interleaved", int64_t(0)}});
    return linear(scope, "o_proj", name + "/output_0",
                  {matrix(layer, "o", shape.hidden, shape.queryWidth())});
  }

  std::string feedForward(int64_t layer, const std::string &scope, const std::string &value) {
    const std::string gate =
        linear(scope, "gate_proj", value, {matrix(layer, "gate", shape.ffn, shape.hidden)});
    const std::string up =
        linear(scope, "up_proj", value, {matrix(layer, "up", shape.ffn, shape.hidden)});
    const std::string sigmoid = op("Sigmoid", scope + "/act_fn/Sigmoid", {gate});
    const std::string active = op("Mul", scope + "/act_fn/Mul", {gate, sigmoid});
    const std::string product = op("Mul", scope + "/Mul", {active, up});
    return linear(scope, "down_proj", product, {matrix(layer, "down", shape.hidden, shape.ffn)});
  }

  std::string lastPosition, totalLength;
};

} // namespace

std::string exportGenai(const ModelShape &shape, Element element, WeightFile &weights) {
  return GenaiGraph(shape, element, weights).model();
}

} // namespace llmc::make
