// An ONNX model as plain structs that refer to the bytes of the file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace llmc::onnx {

/// TensorProto.DataType.
enum class ElementType : int32_t {
  Undefined = 0,
  Float = 1,
  Uint8 = 2,
  Int8 = 3,
  Uint16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  Uint32 = 12,
  Uint64 = 13,
  Complex64 = 14,
  Complex128 = 15,
  Bfloat16 = 16,
  Float8E4M3Fn = 17,
  Float8E4M3Fnuz = 18,
  Float8E5M2 = 19,
  Float8E5M2Fnuz = 20,
  Uint4 = 21,
  Int4 = 22,
  Float4E2M1 = 23,
};

/// Bits of one element in raw data; 0 where a type has no fixed size or is unknown.
unsigned elementBits(ElementType type);

/// A constant. `data` holds the elements little-endian, row-major and packed, whichever way the
/// file stores them.
struct Tensor {
  std::string_view name;
  ElementType type = ElementType::Undefined;
  std::vector<int64_t> dims;
  int64_t elements = 0; ///< Product of `dims`.
  std::span<const char> data;
  std::vector<std::string_view> strings; ///< Instead of `data` where the type is String.
  bool external = false;                 ///< `data` lies in another file.
};

/// AttributeProto.AttributeType.
enum class AttributeKind : int32_t {
  Undefined = 0,
  Float = 1,
  Int = 2,
  String = 3,
  Tensor = 4,
  Graph = 5,
  Floats = 6,
  Ints = 7,
  Strings = 8,
  Tensors = 9,
  Graphs = 10,
  SparseTensor = 11,
  SparseTensors = 12,
  TypeProto = 13,
  TypeProtos = 14,
};

/// The value of a node's attribute; `kind` says which member holds it. Graphs, sparse tensors and
/// types are recorded by their kind alone.
struct Attribute {
  std::string_view name;
  AttributeKind kind = AttributeKind::Undefined;
  float f = 0;
  int64_t i = 0;
  std::string_view s;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
  std::vector<Tensor> tensors; ///< One for kind Tensor.
};

struct Node {
  std::string_view name, opType, domain; ///< The standard domain is empty.
  std::vector<std::string_view> inputs, outputs;
  std::vector<Attribute> attributes;
};

/// A dimension: a size, a name, or neither.
struct Dim {
  std::optional<int64_t> size;
  std::string_view name;
};

/// A graph's input or output, or the type of a value inside.
struct ValueInfo {
  std::string_view name;
  ElementType type = ElementType::Undefined; ///< Undefined where the value is no dense tensor.
  std::optional<std::vector<Dim>> shape;
};

struct Graph {
  std::string_view name;
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<ValueInfo> inputs, outputs, values;
};

struct OpsetImport {
  std::string_view domain; ///< The standard domain is empty.
  int64_t version = 0;
};

struct Model {
  int64_t irVersion = 0;
  std::string_view producerName, producerVersion;
  std::vector<OpsetImport> opsets;
  std::vector<std::pair<std::string_view, std::string_view>> metadata;
  size_t functions = 0; ///< Number of model-local functions.
  Graph graph;
};

} // namespace llmc::onnx
