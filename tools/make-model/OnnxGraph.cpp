#include "tools/make-model/OnnxGraph.h"

#include "runtime/base/numerics.h"

#include <protozero/pbf_writer.hpp>

namespace llmc::make {

using protozero::pbf_writer;

namespace {

// Field numbers of the ONNX messages.
namespace model {
constexpr unsigned irVersion = 1, producerName = 2, graph = 7, opsetImport = 8;
}
namespace opset {
constexpr unsigned domain = 1, version = 2;
}
namespace graph {
constexpr unsigned node = 1, name = 2, initializer = 5, input = 11, output = 12;
}
namespace node {
constexpr unsigned input = 1, output = 2, name = 3, opType = 4, attribute = 5, domain = 7;
}
namespace attribute {
constexpr unsigned name = 1, f = 2, i = 3, t = 5, ints = 8, type = 20;
constexpr int typeFloat = 1, typeInt = 2, typeTensor = 4, typeInts = 7;
} // namespace attribute
namespace tensor {
constexpr unsigned dims = 1, dataType = 2, name = 8, rawData = 9, externalData = 13,
                   dataLocation = 14;
}
namespace value {
constexpr unsigned name = 1, type = 2, tensorType = 1, elementType = 1, shape = 2, dim = 1,
                   dimValue = 1, dimParam = 2;
}

void addPair(pbf_writer &message, const std::string &key, const std::string &text) {
  pbf_writer pair(message, tensor::externalData);
  pair.add_string(1, key);
  pair.add_string(2, text);
}

template <class T> void append(std::string &raw, T number) {
  raw.append(reinterpret_cast<const char *>(&number), sizeof(number));
}

std::string rawBytes(const Constant &constant) {
  std::string raw;
  for (const int64_t number : constant.integers) {
    if (constant.element == Element::Bool)
      append(raw, uint8_t(number));
    else
      append(raw, number);
  }
  for (const float number : constant.floats) {
    if (constant.element == Element::Float16)
      append(raw, llmc_f32_to_f16_ieee(number));
    else
      append(raw, number);
  }
  return raw;
}

void addDims(pbf_writer &message, const std::vector<int64_t> &dims) {
  for (const int64_t dim : dims)
    message.add_int64(tensor::dims, dim);
}

void addConstant(pbf_writer &message, const Constant &constant) {
  message.add_enum(attribute::type, attribute::typeTensor);
  pbf_writer data(message, attribute::t);
  addDims(data, constant.dims);
  data.add_int32(tensor::dataType, int32_t(constant.element));
  data.add_bytes(tensor::rawData, rawBytes(constant));
}

void addAttribute(pbf_writer &parent, const Attribute &given) {
  pbf_writer message(parent, node::attribute);
  message.add_string(attribute::name, given.name);
  if (const auto *integer = std::get_if<int64_t>(&given.value)) {
    message.add_enum(attribute::type, attribute::typeInt);
    message.add_int64(attribute::i, *integer);
  } else if (const auto *number = std::get_if<float>(&given.value)) {
    message.add_enum(attribute::type, attribute::typeFloat);
    message.add_float(attribute::f, *number);
  } else if (const auto *list = std::get_if<std::vector<int64_t>>(&given.value)) {
    message.add_enum(attribute::type, attribute::typeInts);
    for (const int64_t item : *list)
      message.add_int64(attribute::ints, item);
  } else {
    addConstant(message, std::get<Constant>(given.value));
  }
}

void addValue(std::string &bytes, unsigned field, const std::string &name, Element element,
              const std::vector<Dim> &dims) {
  pbf_writer parent(bytes), message(parent, field);
  message.add_string(value::name, name);
  pbf_writer type(message, value::type), tensorType(type, value::tensorType);
  tensorType.add_int32(value::elementType, int32_t(element));
  pbf_writer shape(tensorType, value::shape);
  for (const Dim &given : dims) {
    pbf_writer dim(shape, value::dim);
    if (const auto *size = std::get_if<int64_t>(&given))
      dim.add_int64(value::dimValue, *size);
    else
      dim.add_string(value::dimParam, std::get<std::string>(given));
  }
}

} // namespace

void OnnxGraph::input(const std::string &name, Element element, const std::vector<Dim> &dims) {
  addValue(bytes, graph::input, name, element, dims);
}

void OnnxGraph::output(const std::string &name, Element element, const std::vector<Dim> &dims) {
  addValue(bytes, graph::output, name, element, dims);
}

void OnnxGraph::node(const std::string &domain, const std::string &type, const std::string &name,
                     const Names &inputs, const Names &outputs, const Attributes &attributes) {
  pbf_writer parent(bytes), message(parent, graph::node);
  for (const std::string &input : inputs)
    message.add_string(node::input, input);
  for (const std::string &output : outputs)
    message.add_string(node::output, output);
  message.add_string(node::name, name);
  message.add_string(node::opType, type);
  for (const Attribute &attribute : attributes)
    addAttribute(message, attribute);
  if (!domain.empty())
    message.add_string(node::domain, domain);
}

void OnnxGraph::external(const std::string &name, Element element, const std::vector<int64_t> &dims,
                         uint64_t offset, uint64_t size) {
  pbf_writer parent(bytes), message(parent, graph::initializer);
  addDims(message, dims);
  message.add_int32(tensor::dataType, int32_t(element));
  message.add_string(tensor::name, name);
  addPair(message, "location", weightFileName);
  addPair(message, "offset", std::to_string(offset));
  addPair(message, "length", std::to_string(size));
  message.add_enum(tensor::dataLocation, 1);
}

std::string OnnxGraph::model(const Maker &maker) const {
  std::string file;
  pbf_writer message(file);
  message.add_int64(model::irVersion, maker.irVersion);
  message.add_string(model::producerName, maker.producer);
  std::string whole = bytes;
  pbf_writer(whole).add_string(graph::name, "main_graph");
  message.add_message(model::graph, whole);
  for (const auto &[domain, version] : maker.opsets) {
    pbf_writer import(message, model::opsetImport);
    import.add_string(opset::domain, domain);
    import.add_int64(opset::version, version);
  }
  return file;
}

} // namespace llmc::make
