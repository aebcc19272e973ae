// Reads the wire form of an ONNX model.
#include "compiler/Import/Onnx/OnnxReader.h"

#include "compiler/Import/Onnx/OnnxTensor.h"

#include <filesystem>
#include <set>

namespace llmc::onnx {

namespace {

using protozero::pbf_reader;

/// The standard domain has two spellings.
std::string_view normalDomain(std::string_view domain) {
  return domain == "ai.onnx" ? std::string_view() : domain;
}

/// Reads one model. `where` follows what is being read, for the error message.
class Reader {
public:
  Reader(Storage &storage, Model &model) : storage(storage), model(model) {}

  void readModel(pbf_reader message);
  const std::string &position() const { return where; }

private:
  void readGraph(pbf_reader message);
  Node readNode(pbf_reader message);
  Attribute readAttribute(pbf_reader message);
  bool readAttributeValue(pbf_reader &message, Attribute &attribute);
  ValueInfo readValueInfo(pbf_reader message);
  void readType(pbf_reader message, ValueInfo &value);
  void readTensorType(pbf_reader message, ValueInfo &value);
  std::vector<Dim> readShape(pbf_reader message);
  OpsetImport readOpset(pbf_reader message);
  void readMetadata(pbf_reader message);

  Storage &storage;
  Model &model;
  std::string where = "the model";
};

void Reader::readModel(pbf_reader message) {
  bool sawGraph = false;
  while (message.next()) {
    switch (message.tag_and_type()) {
    case varintField(1):
      model.irVersion = message.get_int64();
      break;
    case bytesField(2):
      model.producerName = text(message);
      break;
    case bytesField(3):
      model.producerVersion = text(message);
      break;
    case bytesField(7):
      if (sawGraph)
        throw ReadError("the model has two graphs");
      sawGraph = true;
      readGraph(message.get_message());
      where = "the model";
      break;
    case bytesField(8):
      model.opsets.push_back(readOpset(message.get_message()));
      break;
    case bytesField(14):
      readMetadata(message.get_message());
      break;
    case bytesField(25):
      ++model.functions;
      message.skip();
      break;
    default:
      message.skip();
    }
  }
  if (!sawGraph)
    throw ReadError("it holds no graph; is this an ONNX file, and complete?");
}

void Reader::readGraph(pbf_reader message) {
  Graph &graph = model.graph;
  while (message.next()) {
    where = "the graph";
    switch (message.tag_and_type()) {
    case bytesField(1):
      where = "node " + std::to_string(graph.nodes.size());
      graph.nodes.push_back(readNode(message.get_message()));
      break;
    case bytesField(2):
      graph.name = text(message);
      break;
    case bytesField(5):
      where = "initializer " + std::to_string(graph.initializers.size());
      graph.initializers.push_back(readTensor(message.get_message(), storage));
      break;
    case bytesField(11):
      where = "graph input " + std::to_string(graph.inputs.size());
      graph.inputs.push_back(readValueInfo(message.get_message()));
      break;
    case bytesField(12):
      where = "graph output " + std::to_string(graph.outputs.size());
      graph.outputs.push_back(readValueInfo(message.get_message()));
      break;
    case bytesField(13):
      where = "value information " + std::to_string(graph.values.size());
      graph.values.push_back(readValueInfo(message.get_message()));
      break;
    case bytesField(15):
      throw ReadError("sparse initializers are not supported; export them dense");
    default:
      message.skip();
    }
  }
}

Node Reader::readNode(pbf_reader message) {
  Node node;
  std::set<std::string_view> names;
  while (message.next()) {
    switch (message.tag_and_type()) {
    case bytesField(1):
      node.inputs.push_back(text(message));
      break;
    case bytesField(2):
      node.outputs.push_back(text(message));
      break;
    case bytesField(3):
      node.name = text(message);
      where += " " + quoted(node.name);
      break;
    case bytesField(4):
      node.opType = text(message);
      where += " (" + quoted(node.opType) + ")";
      break;
    case bytesField(5):
      node.attributes.push_back(readAttribute(message.get_message()));
      if (!names.insert(node.attributes.back().name).second)
        throw ReadError("attribute " + quoted(node.attributes.back().name) + " is given twice");
      break;
    case bytesField(7):
      node.domain = normalDomain(text(message));
      break;
    default:
      message.skip();
    }
  }
  if (node.opType.empty())
    throw ReadError("the node has no operator type");
  return node;
}

/// Fields that hold the value. False where the field is another one.
bool Reader::readAttributeValue(pbf_reader &message, Attribute &attribute) {
  switch (message.tag_and_type()) {
  case fixed32Field(2):
    attribute.f = message.get_float();
    return true;
  case varintField(3):
    attribute.i = message.get_int64();
    return true;
  case bytesField(4):
    attribute.s = text(message);
    return true;
  case bytesField(5):
  case bytesField(10):
    attribute.tensors.push_back(readTensor(message.get_message(), storage));
    return true;
  case bytesField(7):
    for (float value : message.get_packed_float())
      attribute.floats.push_back(value);
    return true;
  case fixed32Field(7):
    attribute.floats.push_back(message.get_float());
    return true;
  case bytesField(8):
    for (int64_t value : message.get_packed_int64())
      attribute.ints.push_back(value);
    return true;
  case varintField(8):
    attribute.ints.push_back(message.get_int64());
    return true;
  case bytesField(9):
    attribute.strings.push_back(text(message));
    return true;
  default:
    return false;
  }
}

Attribute Reader::readAttribute(pbf_reader message) {
  Attribute attribute;
  while (message.next()) {
    switch (message.tag_and_type()) {
    case bytesField(1):
      attribute.name = text(message);
      break;
    case varintField(20):
      attribute.kind = AttributeKind(message.get_int32());
      break;
    default:
      if (!readAttributeValue(message, attribute))
        message.skip();
    }
  }
  if (attribute.name.empty())
    throw ReadError("an attribute has no name");
  if (attribute.kind < AttributeKind::Float || attribute.kind > AttributeKind::TypeProtos)
    throw ReadError("attribute " + quoted(attribute.name) + " has kind " +
                    std::to_string(int32_t(attribute.kind)) + ", known are 1 to 14");
  if (attribute.kind == AttributeKind::Tensor && attribute.tensors.size() != 1)
    throw ReadError("attribute " + quoted(attribute.name) + " is a constant without a value");
  return attribute;
}

ValueInfo Reader::readValueInfo(pbf_reader message) {
  ValueInfo value;
  while (message.next()) {
    switch (message.tag_and_type()) {
    case bytesField(1):
      value.name = text(message);
      where += " " + quoted(value.name);
      break;
    case bytesField(2):
      readType(message.get_message(), value);
      break;
    default:
      message.skip();
    }
  }
  return value;
}

void Reader::readType(pbf_reader message, ValueInfo &value) {
  while (message.next()) {
    if (message.tag_and_type() == bytesField(1))
      readTensorType(message.get_message(), value);
    else
      message.skip();
  }
}

void Reader::readTensorType(pbf_reader message, ValueInfo &value) {
  while (message.next()) {
    switch (message.tag_and_type()) {
    case varintField(1):
      value.type = ElementType(message.get_int32());
      break;
    case bytesField(2):
      value.shape = readShape(message.get_message());
      break;
    default:
      message.skip();
    }
  }
}

std::vector<Dim> Reader::readShape(pbf_reader message) {
  std::vector<Dim> shape;
  while (message.next()) {
    if (message.tag_and_type() != bytesField(1)) {
      message.skip();
      continue;
    }
    Dim &dim = shape.emplace_back();
    for (pbf_reader inner = message.get_message(); inner.next();) {
      if (inner.tag_and_type() == varintField(1))
        dim.size = inner.get_int64();
      else if (inner.tag_and_type() == bytesField(2))
        dim.name = text(inner);
      else
        inner.skip();
    }
    if (dim.size && *dim.size < 0)
      throw ReadError("dimension " + std::to_string(*dim.size) + " is negative");
  }
  return shape;
}

OpsetImport Reader::readOpset(pbf_reader message) {
  OpsetImport opset;
  while (message.next()) {
    if (message.tag_and_type() == bytesField(1))
      opset.domain = normalDomain(text(message));
    else if (message.tag_and_type() == varintField(2))
      opset.version = message.get_int64();
    else
      message.skip();
  }
  return opset;
}

void Reader::readMetadata(pbf_reader message) {
  auto &entry = model.metadata.emplace_back();
  while (message.next()) {
    if (message.tag_and_type() == bytesField(1))
      entry.first = text(message);
    else if (message.tag_and_type() == bytesField(2))
      entry.second = text(message);
    else
      message.skip();
  }
}

} // namespace

void OnnxFile::dropPages(std::span<const char> bytes) const {
  storage.file->dropPages(bytes);
  for (const auto &[location, file] : storage.external)
    file->dropPages(bytes);
}

std::shared_ptr<const OnnxFile> OnnxFile::open(const std::string &path, std::string &error) {
  auto result = std::make_shared<OnnxFile>();
  Storage &storage = result->storage;
  storage.file = MappedFile::open(path, error);
  if (!storage.file)
    return nullptr;
  storage.folder = std::filesystem::path(path).parent_path().string();
  std::span<const char> bytes = storage.file->bytes();
  Reader reader(storage, result->contents);
  std::string problem;
  try {
    reader.readModel(pbf_reader(bytes.data(), bytes.size()));
    return result;
  } catch (const ReadError &failure) {
    problem = failure.what();
  } catch (const protozero::exception &failure) {
    problem = std::string("the bytes are damaged or cut off (") + failure.what() +
              "); export or fetch the file again";
  } catch (const std::exception &failure) {
    problem = std::string("out of resources (") + failure.what() + ")";
  }
  error = "cannot read ONNX file '" + path + "' of " + std::to_string(bytes.size()) +
          " bytes, in " + reader.position() + ": " + problem;
  return nullptr;
}

} // namespace llmc::onnx
