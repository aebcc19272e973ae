#include "tools/make-model/Exporter.h"
#include "tools/make-model/TorchscriptNames.h"

#include <cmath>
#include <limits>

namespace llmc::make {

namespace {

using Int64s = std::vector<int64_t>;

constexpr int64_t toEnd = std::numeric_limits<int64_t>::max();

class DecomposedGraph : Exporter {
public:
  DecomposedGraph(const ModelShape &shape, Element element, WeightFile &weights)
      : Exporter(shape, element, weights), names(graph) {}

  std::string model() {
    signature();
    names.enter("/model/embed_tokens");
    std::string hidden =
        op("Gather", {table("model.embed_tokens.weight", embedding()), "input_ids"});
    names.enter("/model");
    mask = causalMask(hidden);
    rotary();
    for (int64_t layer = 0; layer < shape.layers; ++layer)
      hidden = decoderLayer(layer, hidden);
    const std::string normed = norm("norm", "final", hidden);
    graph.node("", "MatMul", "/lm_head/MatMul", {normed, headOperand()}, {"logits"}, {});
    return graph.model({"pytorch", 8, {{"", 18}}});
  }

private:
  void signature() {
    const std::string all = "past_sequence_length + sequence_length";
    graph.input("input_ids", Element::Int64, {"batch_size", "sequence_length"});
    graph.input("attention_mask", Element::Int64, {"batch_size", all});
    graph.input("position_ids", Element::Int64, {"batch_size", "sequence_length"});
    graph.output("logits", element, {"batch_size", "sequence_length", shape.vocabulary});
    for (int64_t layer = 0; layer < shape.layers; ++layer)
      for (const char *part : {".key", ".value"}) {
        const std::string name = std::to_string(layer) + part;
        graph.input("past_key_values." + name, element,
                    {"batch_size", shape.kvHeads, "past_sequence_length", shape.headDim});
        graph.output("present." + name, element, {"batch_size", shape.kvHeads, all, shape.headDim});
      }
  }

  std::string op(const std::string &type, const Names &inputs, const Attributes &attributes = {}) {
    return names.op(type, inputs, attributes);
  }
  std::string scalar(int64_t value) { return names.constant({Element::Int64, {}, {value}, {}}); }
  std::string list(const Int64s &values) {
    return names.constant({Element::Int64, {int64_t(values.size())}, values, {}});
  }
  std::string number(float value, Element type, const Int64s &dims = {}) {
    return names.constant({type, dims, {}, {value}});
  }
  std::string unsqueeze(const std::string &value, int64_t axis) {
    return op("Unsqueeze", {value, list({axis})});
  }
  std::string cast(const std::string &value, Element type) {
    return op("Cast", {value}, {{"to", int64_t(type)}});
  }
  std::string size(const std::string &value, int64_t axis) {
    const std::string sizes = op("Shape", {value});
    return op("Gather", {sizes, scalar(axis)}, {{"axis", int64_t(0)}});
  }
  std::string concat(const Names &values, int64_t axis = 0) {
    return op("Concat", values, {{"axis", axis}});
  }
  /// Operands in braces are made from left to right, by every compiler.
  std::string reshape(const Names &operands) {
    return op("Reshape", operands, {{"allowzero", int64_t(0)}});
  }
  std::string transpose(const std::string &value, const Int64s &order) {
    return op("Transpose", {value}, {{"perm", order}});
  }
  std::string unsqueezeAll(std::string value, const Int64s &axes) {
    for (const int64_t axis : axes)
      value = unsqueeze(value, axis);
    return value;
  }

  /// A shape in which -1 stands for "as it is", as Expand wants it.
  std::string expandShape(const Names &sizes) {
    const std::string wanted = reshape({concat(sizes), list({-1})});
    const std::string ones = op("ConstantOfShape", {op("Shape", {wanted})},
                                {{"value", Constant{Element::Int64, {1}, {1}, {}}}});
    const std::string kept = op("Mul", {ones, scalar(-1)});
    return op("Where", {op("Equal", {wanted, kept}), ones, wanted});
  }

  std::string range(const Names &bounds) { return op("Range", {bounds[0], bounds[1], scalar(1)}); }

  /// Position j is visible from i where j <= i and the mask keeps j: [batch, 1, i, j], bool.
  std::string causalMask(const std::string &hidden) {
    const std::string past = size("past_key_values.0.key", 2), now = size(hidden, 1);
    const std::string end = op("Add", {past, now});
    const std::string rows = range({cast(past, Element::Int64), cast(end, Element::Int64)});
    const std::string kept = cast("attention_mask", Element::Bool);
    const std::string count = size(rows, 0), total = op("Add", {past, count});
    const std::string batch = size(hidden, 0);
    const std::string row = unsqueezeAll(rows, {0, 1, 3});
    const std::string sample =
        unsqueezeAll(range({scalar(0), cast(batch, Element::Int64)}), {1, 2, 3});
    const std::string column =
        unsqueezeAll(range({scalar(0), cast(total, Element::Int64)}), {0, 1, 2});
    const std::string yes = op("ConstantOfShape", {list({})}, {{"value", boolean()}});
    const std::string causal =
        op("And", {yes, cast(op("LessOrEqual", {column, row}), Element::Bool)});
    const std::string padding = maskedColumns(kept, sample, column);
    const std::string both = op("And", {causal, cast(padding, Element::Bool)});
    const std::string sizes =
        expandShape({unsqueeze(batch, 0), list({-1}), unsqueeze(count, 0), unsqueeze(total, 0)});
    return op("Expand", {both, sizes});
  }

  static Constant boolean() { return {Element::Bool, {1}, {1}, {}}; }

  std::string maskedColumns(const std::string &kept, const std::string &sample,
                            const std::string &column) {
    const std::string sizes = op("Shape", {kept});
    const std::string width = op("Gather", {sizes, list({1})}, {{"axis", int64_t(0)}});
    const std::string flat = op("Flatten", {kept}, {{"axis", int64_t(2)}});
    const std::string index = op("Add", {column, op("Mul", {sample, width})});
    const std::string picked = op("Gather", {flat, index}, {{"axis", int64_t(0)}});
    const std::string shapeOf = op("Shape", {index});
    return reshape({reshape({picked, list({-1})}), concat({shapeOf})});
  }

  /// Cosines and sines of all positions, [batch, positions, head_dim], computed in fp32.
  void rotary() {
    names.enter("/model/rotary_emb");
    Constant inverse{Element::Float32, {1, shape.headDim / 2, 1}, {}, {}};
    for (int64_t i = 0; i < shape.headDim / 2; ++i)
      inverse.floats.push_back(
          float(std::pow(shape.ropeTheta, -double(2 * i) / double(shape.headDim))));
    const std::string batch = unsqueeze(size("position_ids", 0), 0);
    const std::string sizes = expandShape({batch, list({-1}), list({1})});
    const std::string frequencies =
        cast(op("Expand", {names.constant(inverse), sizes}), Element::Float32);
    const std::string positions = cast(unsqueeze("position_ids", 1), Element::Float32);
    const std::string angles = transpose(op("MatMul", {frequencies, positions}), {0, 2, 1});
    const std::string both = concat({angles, angles}, -1);
    cosines = cast(op("Mul", {op("Cos", {both}), number(1, Element::Float32)}), element);
    sines = cast(op("Mul", {op("Sin", {both}), number(1, Element::Float32)}), element);
  }

  /// In fp32, whatever the model's type.
  std::string norm(const std::string &scope, const std::string &role, const std::string &value) {
    names.enter("/model/" + scope);
    const std::string wide = cast(value, Element::Float32);
    const std::string squares = op("Pow", {wide, number(2, Element::Float32)});
    const std::string mean = op("ReduceMean", {squares, list({-1})}, {{"keepdims", int64_t(1)}});
    const std::string root = op("Sqrt", {op("Add", {mean, number(epsilon, Element::Float32)})});
    const std::string factor = op("Div", {number(1, Element::Float32), root});
    const std::string normed = cast(op("Mul", {wide, factor}), element);
    return op("Mul", {gain("model." + scope + ".weight", role, shape.hidden), normed});
  }

  std::string linear(const std::string &scope, const std::string &value,
                     const RandomMatrix &matrix) {
    names.enter(scope);
    return op("MatMul", {value, operand("onnx::MatMul_" + std::to_string(++matmuls), {matrix})});
  }

  std::string headOperand() {
    if (!shape.tied)
      return operand("onnx::MatMul_" + std::to_string(++matmuls), {head()});
    const std::string transposed = "model.embed_tokens.weight_transposed";
    graph.node("", "Transpose", "Transpose_head", {"model.embed_tokens.weight"}, {transposed},
               {{"perm", Int64s{1, 0}}});
    return transposed;
  }

  std::string decoderLayer(int64_t layer, const std::string &input) {
    const std::string prefix = "layers." + std::to_string(layer);
    const std::string path = "/model/" + prefix;
    std::string normed = norm(prefix + ".input_layernorm", prefix + ".norm1", input);
    const std::string mixed = attention(layer, path + "/self_attn", normed);
    names.enter(path);
    const std::string hidden = op("Add", {input, mixed});
    normed = norm(prefix + ".post_attention_layernorm", prefix + ".norm2", hidden);
    const std::string forwarded = feedForward(layer, path + "/mlp", normed);
    names.enter(path);
    return op("Add", {hidden, forwarded});
  }

  std::string feedForward(int64_t layer, const std::string &scope, const std::string &value) {
    const std::string gate =
        linear(scope + "/gate_proj", value, matrix(layer, "gate", shape.ffn, shape.hidden));
    names.enter(scope + "/act_fn");
    const std::string active = op("Mul", {gate, op("Sigmoid", {gate})});
    const std::string up =
        linear(scope + "/up_proj", value, matrix(layer, "up", shape.ffn, shape.hidden));
    names.enter(scope);
    const std::string product = op("Mul", {active, up});
    return linear(scope + "/down_proj", product, matrix(layer, "down", shape.hidden, shape.ffn));
  }

  /// [batch, rows, heads * head_dim] as [batch, heads, rows, head_dim].
  std::string split(const std::string &value, const std::string &batch, const std::string &rows) {
    const std::string sizes =
        concat({unsqueeze(batch, 0), unsqueeze(rows, 0), list({-1}), list({shape.headDim})});
    return transpose(reshape({value, sizes}), {0, 2, 1, 3});
  }

  std::string rotate(const std::string &value, const std::string &cosine, const std::string &sine) {
    const std::string straight = op("Mul", {value, cosine});
    const std::string half = op("Div", {size(value, 3), scalar(2)});
    const std::string middle = unsqueeze(cast(half, Element::Int64), 0);
    const std::string low = op("Slice", {value, list({0}), middle, list({3}), list({1})});
    const std::string high = op("Slice", {value, middle, list({toEnd}), list({3}), list({1})});
    const std::string turned = concat({op("Neg", {high}), low}, -1);
    return op("Add", {straight, op("Mul", {turned, sine})});
  }

  /// Every key or value head as often as query heads read it.
  std::string repeatHeads(const std::string &value) {
    if (shape.heads == shape.kvHeads)
      return value;
    const int64_t times = shape.heads / shape.kvHeads;
    const std::string batch = size(value, 0), heads = size(value, 1), rows = size(value, 2),
                      width = size(value, 3);
    const std::string sizes = expandShape({unsqueeze(batch, 0), unsqueeze(heads, 0), list({times}),
                                           unsqueeze(rows, 0), unsqueeze(width, 0)});
    const std::string repeated = op("Expand", {unsqueeze(value, 2), sizes});
    const std::string all = op("Mul", {heads, scalar(times)});
    return reshape({repeated, concat({unsqueeze(batch, 0), unsqueeze(all, 0), unsqueeze(rows, 0),
                                      unsqueeze(width, 0)})});
  }

  std::string cached(int64_t layer, const std::string &part, const std::string &value) {
    const std::string name = std::to_string(layer) + part;
    graph.node("", "Concat", "/model/layers." + name + "/Concat",
               {"past_key_values." + name, value}, {"present." + name}, {{"axis", int64_t(-2)}});
    return "present." + name;
  }

  std::string softmax(const std::string &scores, const std::string &keys) {
    const std::string end = unsqueeze(size(keys, 2), 0);
    const std::string visible = op("Slice", {mask, list({0}), end, list({3}), list({1})});
    const std::string bias =
        op("Where", {visible, number(0, element, {1}),
                     number(-std::numeric_limits<float>::infinity(), element, {1})});
    const std::string share = op("Softmax", {op("Add", {scores, bias})}, {{"axis", int64_t(-1)}});
    return op("Where", {op("IsNaN", {share}), number(0, element, {1}), share});
  }

  std::string attention(int64_t layer, const std::string &scope, const std::string &value) {
    names.enter(scope);
    const std::string batch = size(value, 0), rows = size(value, 1);
    const std::string q =
        linear(scope + "/q_proj", value, matrix(layer, "q", shape.queryWidth(), shape.hidden));
    const std::string k =
        linear(scope + "/k_proj", value, matrix(layer, "k", shape.keyWidth(), shape.hidden));
    const std::string v =
        linear(scope + "/v_proj", value, matrix(layer, "v", shape.keyWidth(), shape.hidden));
    names.enter(scope);
    const std::string cosine = unsqueeze(cosines, 1), sine = unsqueeze(sines, 1);
    const std::string query = rotate(split(q, batch, rows), cosine, sine);
    const std::string key = rotate(split(k, batch, rows), cosine, sine);
    const std::string keys = repeatHeads(cached(layer, ".key", key));
    const std::string values = repeatHeads(cached(layer, ".value", split(v, batch, rows)));
    // The scale is shared by both factors, so that fp16 scores do not overflow.
    const auto root = float(std::sqrt(1 / std::sqrt(double(shape.headDim))));
    const std::string left = op("Mul", {query, number(root, element)});
    const std::string right = op("Mul", {transpose(keys, {0, 1, 3, 2}), number(root, element)});
    const std::string shares = softmax(op("MatMul", {left, right}), keys);
    const std::string mixed = transpose(op("MatMul", {shares, values}), {0, 2, 1, 3});
    const std::string merged =
        reshape({mixed, concat({unsqueeze(batch, 0), unsqueeze(rows, 0), list({-1})})});
    return linear(scope + "/o_proj", merged, matrix(layer, "o", shape.hidden, shape.queryWidth()));
  }

  TorchscriptNames names;
  std::string mask, cosines, sines;
  int64_t matmuls = 1000;
};

} // namespace

std::string exportDecomposed(const ModelShape &shape, Element element, WeightFile &weights) {
  return DecomposedGraph(shape, element, weights).model();
}

} // namespace llmc::make
