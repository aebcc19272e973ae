// An ONNX model under construction: messages are encoded as they are added.
#pragma once

#include "tools/make-model/WeightFile.h"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace llmc::make {

/// Values of a constant: `integers` where the element is one, else `floats`.
struct Constant {
  Element element;
  std::vector<int64_t> dims;
  std::vector<int64_t> integers;
  std::vector<float> floats;
};

struct Attribute {
  std::string name;
  std::variant<int64_t, float, std::vector<int64_t>, Constant> value;
};

using Attributes = std::vector<Attribute>;
using Names = std::vector<std::string>;
/// A size, or the name of one that is not known.
using Dim = std::variant<int64_t, std::string>;

class OnnxGraph {
public:
  void input(const std::string &name, Element element, const std::vector<Dim> &dims);
  void output(const std::string &name, Element element, const std::vector<Dim> &dims);
  void node(const std::string &domain, const std::string &type, const std::string &name,
            const Names &inputs, const Names &outputs, const Attributes &attributes);
  /// A tensor of the external file, `bytes` from `offset`.
  void external(const std::string &name, Element element, const std::vector<int64_t> &dims,
                uint64_t offset, uint64_t bytes);

  struct Maker {
    std::string producer;
    int64_t irVersion;
    std::vector<std::pair<std::string, int64_t>> opsets;
  };
  /// The whole file.
  std::string model(const Maker &maker) const;

private:
  std::string bytes;
};

/// The name of the external file, beside the model.
inline constexpr const char *weightFileName = "model.onnx.data";

} // namespace llmc::make
