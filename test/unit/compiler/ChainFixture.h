// A small quantized language model as lm text with random weights, for tests of the whole chain.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace llmc::test {

struct ChainShape {
  int64_t vocabulary = 80, hidden = 64, heads = 4, kvHeads = 2, headDim = 16, ffn = 96, layers = 3,
          capacity = 40;
  std::string format =
      "<i8, group = 0, scale = f32>"; ///< Of the layers' matrices; embedding and head are w8.
};

/// Writes the module text: embedding, layers with attention and gated feed-forward, norm, tied
/// head.
class ChainText {
public:
  ChainText(const ChainShape &shape, unsigned seed) : shape(shape), random(seed) {}

  std::string module() {
    matrix("embed", shape.vocabulary, shape.hidden, w8);
    norm("final");
    for (int64_t layer = 0; layer < shape.layers; ++layer) {
      std::string p = "l";
      p += n(layer) + ".";
      norm(p + "n1"), norm(p + "n2");
      matrix(p + "q", shape.heads * shape.headDim, shape.hidden, shape.format);
      matrix(p + "k", shape.kvHeads * shape.headDim, shape.hidden, shape.format);
      matrix(p + "v", shape.kvHeads * shape.headDim, shape.hidden, shape.format);
      matrix(p + "o", shape.hidden, shape.heads * shape.headDim, shape.format);
      matrix(p + "g", shape.ffn, shape.hidden, shape.format);
      matrix(p + "u", shape.ffn, shape.hidden, shape.format);
      matrix(p + "d", shape.hidden, shape.ffn, shape.format);
    }
    text += "lm.kv_state @kv layers " + n(shape.layers) + " kv_heads " + n(shape.kvHeads) +
            " head_dim " + n(shape.headDim) + " capacity " + n(shape.capacity) + " of f16\n";
    body();
    return text;
  }

private:
  static std::string n(int64_t value) { return std::to_string(value); }
  std::string rows(int64_t columns, const char *type = "f32") {
    return "tensor<?x" + n(columns) + "x" + type + ">";
  }

  template <class Make> std::string list(int64_t rowCount, int64_t columns, Make make) {
    std::string result = "[";
    for (int64_t r = 0; r < rowCount; ++r) {
      result += r ? ", [" : "[";
      for (int64_t c = 0; c < columns; ++c)
        result += (c ? ", " : "") + make();
      result += "]";
    }
    return result + "]";
  }

  static int64_t groupOf(const std::string &format) {
    return std::stoll(format.substr(format.find("group = ") + 8));
  }
  static bool is(const std::string &format, const char *what) {
    return format.find(what) != std::string::npos;
  }

  void matrix(const std::string &name, int64_t out, int64_t in, const std::string &format) {
    int64_t limit = is(format, "<i4") ? 7 : 127, group = groupOf(format),
            groups = group ? (in + group - 1) / group : 1;
    auto integer = [&] { return n(std::uniform_int_distribution<int64_t>(-limit, limit)(random)); };
    auto scale = [&] {
      return std::to_string(std::uniform_real_distribution<double>(0.5, 1.5)(random) /
                            double(limit) / 16);
    };
    text += "lm.weight @" + name + " : tensor<" + n(out) + "x" + n(in) + "xi8> = dense<" +
            list(out, in, integer) + "> : tensor<" + n(out) + "x" + n(in) + "xi8>\n";
    bool perRow = group == 0 || is(format, "multiplier");
    std::string type =
        perRow ? "tensor<" + n(out) + "xf32>"
               : "tensor<" + n(out) + "x" + n(groups) + (is(format, "f16") ? "xf16>" : "xf32>");
    std::string values = perRow ? list(1, out, scale) : list(out, groups, scale);
    if (perRow)
      values = values.substr(1, values.size() - 2);
    text += "lm.weight @" + name + ".s : " + type + " = dense<" + values + "> : " + type + "\n";
    if (is(format, "multiplier")) {
      std::string multiplierType = "tensor<" + n(out) + "x" + n(groups) + "xi8>";
      auto multiplier = [&] { return n(std::uniform_int_distribution<int64_t>(1, 16)(random)); };
      text += "lm.weight @" + name + ".m : " + multiplierType + " = dense<" +
              list(out, groups, multiplier) + "> : " + multiplierType + "\n";
    }
  }

  void norm(const std::string &name) {
    auto value = [&] {
      return std::to_string(std::uniform_real_distribution<double>(0.5, 1.5)(random));
    };
    std::string values = list(1, shape.hidden, value);
    text += "lm.weight @" + name + " : tensor<" + n(shape.hidden) + "xf32> = dense<" +
            values.substr(1, values.size() - 2) + "> : tensor<" + n(shape.hidden) + "xf32>\n";
  }

  std::string get(const std::string &name, const std::string &type) {
    std::string value = "%w" + n(next++);
    text += "  " + value + " = lm.get @" + name + " : " + type + "\n";
    return value;
  }

  /// Scales (and multipliers) of a matrix: text of the operands and of their types.
  std::pair<std::string, std::string> scales(const std::string &name, int64_t out, int64_t in,
                                             const std::string &format, bool keyword) {
    int64_t group = groupOf(format), groups = group ? (in + group - 1) / group : 1;
    bool perRow = group == 0 || is(format, "multiplier");
    std::string type =
        perRow ? "tensor<" + n(out) + "xf32>"
               : "tensor<" + n(out) + "x" + n(groups) + (is(format, "f16") ? "xf16>" : "xf32>");
    std::string operands = get(name + ".s", type), types = type;
    if (is(format, "multiplier")) {
      std::string multiplierType = "tensor<" + n(out) + "x" + n(groups) + "xi8>";
      operands += (keyword ? " multipliers " : ", ") + get(name + ".m", multiplierType);
      types += ", " + multiplierType;
    }
    return {operands, types};
  }

  std::string linear(const std::string &name, const std::string &q, const std::string &s,
                     int64_t out, int64_t in, const std::string &format) {
    std::string matrixType = "tensor<" + n(out) + "x" + n(in) + "xi8>", w = get(name, matrixType);
    auto [operands, types] = scales(name, out, in, format, true);
    std::string result = "%v" + n(next++);
    text += "  " + result + " = lm.quantized_linear " + q + ", " + s + ", " + w + ", " + operands +
            " " + format + " : (" + rows(in, "i8") + ", tensor<?xf32>, " + matrixType + ", " +
            types + ") -> " + rows(out) + "\n";
    return result;
  }

  std::string normed(const std::string &name, const std::string &x) {
    std::string w = get(name, "tensor<" + n(shape.hidden) + "xf32>");
    std::string result = "%v" + n(next++);
    text += "  " + result + " = lm.rms_norm " + x + ", " + w + " epsilon 1.0e-5 : (" +
            rows(shape.hidden) + ", tensor<" + n(shape.hidden) + "xf32>) -> " + rows(shape.hidden) +
            "\n";
    return result;
  }

  std::pair<std::string, std::string> quantized(const std::string &x, int64_t columns) {
    std::string q = "%q" + n(next), s = "%s" + n(next++);
    text += "  " + q + ", " + s + " = lm.quantize_rows " + x + " : (" + rows(columns) + ") -> (" +
            rows(columns, "i8") + ", tensor<?xf32>)\n";
    return {q, s};
  }

  std::string half(const std::string &x, int64_t columns, int64_t ropeHeads) {
    std::string rotated = x;
    if (ropeHeads) {
      rotated = "%v" + n(next++);
      text += "  " + rotated + " = lm.rope " + x + " at %pos heads " + n(ropeHeads) +
              " formula <base = 1.0e4 : f64, dim = " + n(shape.headDim) +
              ", scaling = 1.0 : f32> : (" + rows(columns) + ", i32) -> " + rows(columns) + "\n";
    }
    std::string result = "%v" + n(next++);
    text += "  " + result + " = lm.round_f16 " + rotated + " : (" + rows(columns) + ") -> " +
            rows(columns, "f16") + "\n";
    return result;
  }

  std::string layer(int64_t index, const std::string &h) {
    int64_t width = shape.heads * shape.headDim, kvWidth = shape.kvHeads * shape.headDim;
    std::string p = "l" + n(index) + ".";
    auto [xq, xs] = quantized(normed(p + "n1", h), shape.hidden);
    std::string q =
        half(linear(p + "q", xq, xs, width, shape.hidden, shape.format), width, shape.heads);
    std::string k =
        half(linear(p + "k", xq, xs, kvWidth, shape.hidden, shape.format), kvWidth, shape.kvHeads);
    std::string v = half(linear(p + "v", xq, xs, kvWidth, shape.hidden, shape.format), kvWidth, 0);
    std::string c = "%c" + n(next++), a = "%v" + n(next++);
    text += "  " + c + " = arith.constant " + n(index) + " : index\n  " + a + " = lm.attention " +
            q + ", " + k + ", " + v + " at %pos state @kv[" + c + "] heads " + n(shape.heads) +
            " scale 0.25 : (" + rows(width, "f16") + ", " + rows(kvWidth, "f16") + ", " +
            rows(kvWidth, "f16") + ", i32, index) -> " + rows(width) + "\n";
    auto [aq, as] = quantized(a, width);
    std::string h1 = add(h, linear(p + "o", aq, as, shape.hidden, width, shape.format));
    auto [yq, ys] = quantized(normed(p + "n2", h1), shape.hidden);
    std::string g = linear(p + "g", yq, ys, shape.ffn, shape.hidden, shape.format),
                u = linear(p + "u", yq, ys, shape.ffn, shape.hidden, shape.format);
    std::string f = "%v" + n(next++);
    text += "  " + f + " = lm.gated_act silu " + g + ", " + u + " : " + rows(shape.ffn) + "\n";
    auto [fq, fs] = quantized(f, shape.ffn);
    return add(h1, linear(p + "d", fq, fs, shape.hidden, shape.ffn, shape.format));
  }

  std::string add(const std::string &a, const std::string &b) {
    std::string result = "%v" + n(next++);
    text += "  " + result + " = lm.add " + a + ", " + b + " : " + rows(shape.hidden) + "\n";
    return result;
  }

  void body() {
    std::string table = "tensor<" + n(shape.vocabulary) + "x" + n(shape.hidden) + "xi8>";
    text += "func.func @main(%ids: tensor<?xi32>, %pos: i32) -> " + rows(shape.vocabulary) + " {\n";
    std::string e = get("embed", table),
                s = get("embed.s", "tensor<" + n(shape.vocabulary) + "xf32>");
    text += "  %h = lm.quantized_embed %ids, " + e + ", " + s + " " + w8 + " : (tensor<?xi32>, " +
            table + ", tensor<" + n(shape.vocabulary) + "xf32>) -> " + rows(shape.hidden) + "\n";
    std::string h = "%h";
    for (int64_t index = 0; index < shape.layers; ++index)
      h = layer(index, h);
    auto [fq, fs] = quantized(normed("final", h), shape.hidden);
    std::string logits = linear("embed", fq, fs, shape.vocabulary, shape.hidden, w8);
    text += "  return " + logits + " : " + rows(shape.vocabulary) + "\n}\n";
  }

  static constexpr const char *w8 = "<i8, group = 0, scale = f32>";
  ChainShape shape;
  std::mt19937 random;
  std::string text;
  int64_t next = 0;
};

} // namespace llmc::test
