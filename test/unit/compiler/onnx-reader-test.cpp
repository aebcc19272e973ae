// The ONNX reader against the reference library, and against damaged files.
#include "compiler/Import/Onnx/OnnxReader.h"
#include "test/unit/compiler/OnnxFixture.h"

#include <cstring>

// Inside llmc, onnx is ours and ::onnx the reference library's.
namespace llmc::test {
namespace {

const char *const models[] = {"decomposed-torchscript.onnx", "decomposed-dynamo.onnx",
                              "fused-genai.onnx", "fused-genai-int4.onnx"};
const std::string folder = LLMC_TEST_DATA "/scribe-6m/";

std::shared_ptr<const onnx::OnnxFile> open(const std::string &path) {
  std::string error;
  auto file = onnx::OnnxFile::open(path, error);
  INFO(error);
  REQUIRE(file);
  return file;
}

std::string errorOf(const std::string &path) {
  std::string error;
  auto file = onnx::OnnxFile::open(path, error);
  CHECK_FALSE(file);
  return error;
}

std::string errorOf(const ScratchFolder &scratch, const ::onnx::ModelProto &model) {
  return errorOf(scratch.write("m.onnx", model.SerializeAsString()));
}

template <class Ours, class Theirs> void compareList(const Ours &ours, const Theirs &theirs) {
  REQUIRE(ours.size() == size_t(theirs.size()));
  for (size_t index = 0; index < ours.size(); ++index)
    if (ours[index] != theirs[int(index)])
      FAIL("entry " << index << " differs");
}

void compareTensor(const onnx::Tensor &ours, const ::onnx::TensorProto &theirs,
                   const std::string &external) {
  REQUIRE(ours.name == theirs.name());
  REQUIRE(int32_t(ours.type) == theirs.data_type());
  compareList(ours.dims, theirs.dims());
  REQUIRE(ours.external == (theirs.data_location() == ::onnx::TensorProto::EXTERNAL));
  if (!ours.external) {
    REQUIRE(theirs.has_raw_data());
    REQUIRE(std::string_view(ours.data.data(), ours.data.size()) == theirs.raw_data());
    return;
  }
  size_t offset = 0;
  for (const auto &entry : theirs.external_data())
    if (entry.key() == "offset")
      offset = std::stoull(entry.value());
  REQUIRE(std::string_view(ours.data.data(), ours.data.size()) ==
          std::string_view(external).substr(offset, ours.data.size()));
}

void compareAttribute(const onnx::Attribute &ours, const ::onnx::AttributeProto &theirs) {
  REQUIRE(ours.name == theirs.name());
  REQUIRE(int32_t(ours.kind) == theirs.type());
  REQUIRE(ours.f == theirs.f());
  REQUIRE(ours.i == theirs.i());
  REQUIRE(ours.s == theirs.s());
  compareList(ours.floats, theirs.floats());
  compareList(ours.ints, theirs.ints());
  compareList(ours.strings, theirs.strings());
  REQUIRE(ours.tensors.size() == size_t(theirs.has_t()) + size_t(theirs.tensors_size()));
  if (theirs.has_t())
    compareTensor(ours.tensors[0], theirs.t(), "");
}

void compareNode(const onnx::Node &ours, const ::onnx::NodeProto &theirs) {
  INFO("node " << theirs.name());
  REQUIRE(ours.name == theirs.name());
  REQUIRE(ours.opType == theirs.op_type());
  REQUIRE(ours.domain == (theirs.domain() == "ai.onnx" ? "" : theirs.domain()));
  compareList(ours.inputs, theirs.input());
  compareList(ours.outputs, theirs.output());
  REQUIRE(ours.attributes.size() == size_t(theirs.attribute_size()));
  for (int index = 0; index < theirs.attribute_size(); ++index)
    compareAttribute(ours.attributes[size_t(index)], theirs.attribute(index));
}

template <class Theirs>
void compareValues(const std::vector<onnx::ValueInfo> &ours, const Theirs &theirs) {
  REQUIRE(ours.size() == size_t(theirs.size()));
  for (size_t index = 0; index < ours.size(); ++index) {
    const auto &value = theirs[int(index)];
    INFO("value " << value.name());
    REQUIRE(ours[index].name == value.name());
    const auto &type = value.type().tensor_type();
    REQUIRE(int32_t(ours[index].type) == type.elem_type());
    REQUIRE(ours[index].shape.has_value() == type.has_shape());
    if (!type.has_shape())
      continue;
    REQUIRE(ours[index].shape->size() == size_t(type.shape().dim_size()));
    for (int axis = 0; axis < type.shape().dim_size(); ++axis) {
      const auto &dim = type.shape().dim(axis);
      REQUIRE((*ours[index].shape)[size_t(axis)].size.has_value() == dim.has_dim_value());
      REQUIRE((*ours[index].shape)[size_t(axis)].size.value_or(0) == dim.dim_value());
      REQUIRE((*ours[index].shape)[size_t(axis)].name == dim.dim_param());
    }
  }
}

/// Reads every byte that the model refers to.
size_t touch(const onnx::Model &model) {
  size_t sum = model.producerName.size();
  auto touchBytes = [&](std::span<const char> bytes) {
    for (char byte : bytes)
      sum += static_cast<unsigned char>(byte);
  };
  for (const onnx::Tensor &tensor : model.graph.initializers)
    touchBytes(tensor.data);
  for (const onnx::Node &node : model.graph.nodes) {
    touchBytes(node.name);
    touchBytes(node.opType);
    for (std::string_view name : node.inputs)
      touchBytes(name);
    for (const onnx::Attribute &attribute : node.attributes)
      for (const onnx::Tensor &tensor : attribute.tensors)
        touchBytes(tensor.data);
  }
  return sum;
}

} // namespace

TEST_CASE("real models read as the reference library reads them") {
  std::string external = fileBytes(folder + "weights.bin");
  for (const char *name : models) {
    INFO(name);
    ::onnx::ModelProto theirs;
    REQUIRE(theirs.ParseFromString(fileBytes(folder + name)));
    auto file = open(folder + name);
    const onnx::Model &ours = file->model();
    CHECK(ours.irVersion == theirs.ir_version());
    CHECK(ours.producerName == theirs.producer_name());
    CHECK(ours.producerVersion == theirs.producer_version());
    CHECK(ours.functions == size_t(theirs.functions_size()));
    REQUIRE(ours.opsets.size() == size_t(theirs.opset_import_size()));
    for (int index = 0; index < theirs.opset_import_size(); ++index)
      CHECK(ours.opsets[size_t(index)].version == theirs.opset_import(index).version());
    REQUIRE(ours.graph.nodes.size() == size_t(theirs.graph().node_size()));
    for (int index = 0; index < theirs.graph().node_size(); ++index)
      compareNode(ours.graph.nodes[size_t(index)], theirs.graph().node(index));
    REQUIRE(ours.graph.initializers.size() == size_t(theirs.graph().initializer_size()));
    for (int index = 0; index < theirs.graph().initializer_size(); ++index)
      compareTensor(ours.graph.initializers[size_t(index)], theirs.graph().initializer(index),
                    external);
    compareValues(ours.graph.inputs, theirs.graph().input());
    compareValues(ours.graph.outputs, theirs.graph().output());
    compareValues(ours.graph.values, theirs.graph().value_info());
  }
}

TEST_CASE("constants stored element by element are decoded") {
  ScratchFolder scratch;
  ::onnx::ModelProto model = smallModel();
  auto &floats = addWeight(model, "f", ::onnx::TensorProto::FLOAT, {3});
  for (float value : {1.0f, -0.5f, 3e38f})
    floats.add_float_data(value);
  auto &halves = addWeight(model, "h", ::onnx::TensorProto::FLOAT16, {2});
  for (int32_t bits : {0x3c00, 0xfbff})
    halves.add_int32_data(bits);
  auto &bytes = addWeight(model, "b", ::onnx::TensorProto::INT8, {2});
  for (int32_t value : {-128, 127})
    bytes.add_int32_data(value);
  auto &longs = addWeight(model, "l", ::onnx::TensorProto::INT64, {1, 2});
  for (int64_t value : {INT64_MIN, int64_t(7)})
    longs.add_int64_data(value);
  addWeight(model, "d", ::onnx::TensorProto::DOUBLE, {}).add_double_data(0.1);
  addWeight(model, "u", ::onnx::TensorProto::UINT32, {1}).add_uint64_data(UINT32_MAX);
  addWeight(model, "empty", ::onnx::TensorProto::FLOAT, {0, 4});
  auto file = open(scratch.write("m.onnx", model.SerializeAsString()));
  auto holds = [&](size_t index, auto... expected) {
    std::array want = {expected...};
    std::span<const char> data = file->model().graph.initializers[index].data;
    return data.size() == sizeof(want) && std::memcmp(data.data(), want.data(), sizeof(want)) == 0;
  };
  CHECK(holds(1, 1.0f, -0.5f, 3e38f));
  CHECK(holds(2, uint16_t(0x3c00), uint16_t(0xfbff)));
  CHECK(holds(3, int8_t(-128), int8_t(127)));
  CHECK(holds(4, INT64_MIN, int64_t(7)));
  CHECK(holds(5, 0.1));
  CHECK(holds(6, UINT32_MAX));
  CHECK(file->model().graph.initializers[7].data.empty());

  bytes.set_int32_data(0, 300);
  CHECK_THAT(errorOf(scratch, model), Catch::Contains("initializer 3") &&
                                          Catch::Contains("value 300") &&
                                          Catch::Contains("does not fit"));
}

TEST_CASE("wrong constants are refused with their place and limit") {
  ScratchFolder scratch;
  auto errorWith = [&](std::initializer_list<int64_t> dims, int32_t type = 1) {
    ::onnx::ModelProto model = smallModel();
    addWeight(model, "bad", type, dims).set_raw_data(std::string(8, 'x'));
    return errorOf(scratch, model);
  };
  CHECK_THAT(errorWith({3}), Catch::Contains("initializer 1") &&
                                 Catch::Contains("holds 8 bytes, its shape asks for 12"));
  CHECK_THAT(errorWith({-2}), Catch::Contains("dimension -2"));
  CHECK_THAT(errorWith({INT64_MAX, INT64_MAX}), Catch::Contains("2^48"));
  CHECK_THAT(errorWith({int64_t(1) << 32, int64_t(1) << 32}), Catch::Contains("2^48"));
  CHECK_THAT(errorWith({2}, 99), Catch::Contains("element type 99"));
}

TEST_CASE("external data must exist, suffice and lie in the folder") {
  ScratchFolder scratch;
  scratch.write("w.bin", std::string(100, 'w'));
  auto errorWith = [&](std::initializer_list<std::pair<const char *, std::string>> entries) {
    ::onnx::ModelProto model = smallModel();
    setExternal(addWeight(model, "ext", 1, {4}), entries);
    return errorOf(scratch, model);
  };
  CHECK_THAT(errorWith({{"location", "none.bin"}}),
             Catch::Contains("missing") && Catch::Contains("none.bin"));
  CHECK_THAT(errorWith({{"location", "w.bin"}, {"offset", "90"}}),
             Catch::Contains("end early") && Catch::Contains("the file has 100"));
  CHECK_THAT(errorWith({{"location", "w.bin"}, {"offset", "18446744073709551615"}}),
             Catch::Contains("end early"));
  CHECK_THAT(errorWith({{"location", "w.bin"}, {"length", "12"}}),
             Catch::Contains("have 12 bytes"));
  CHECK_THAT(errorWith({{"location", "w.bin"}, {"offset", "-4"}}), Catch::Contains("no number"));
  CHECK_THAT(errorWith({{"location", "../w.bin"}}), Catch::Contains("outside the model's folder"));
  CHECK_THAT(errorWith({{"location", "/etc/passwd"}}), Catch::Contains("outside"));
  CHECK_THAT(errorWith({{"location", std::string("w.bin\0x", 7)}}), Catch::Contains("outside"));
  CHECK_THAT(errorWith({{"location", "a/../../w.bin"}}), Catch::Contains("outside"));
  CHECK_THAT(errorWith({}), Catch::Contains("outside"));

  ::onnx::ModelProto model = smallModel();
  setExternal(addWeight(model, "ext", 1, {4}), {{"location", "w.bin"}, {"offset", "84"}});
  auto file = open(scratch.write("m.onnx", model.SerializeAsString()));
  CHECK(file->model().graph.initializers[1].data.size() == 16);
}

TEST_CASE("files that are no model") {
  ScratchFolder scratch;
  CHECK_THAT(errorOf(scratch.path("absent.onnx")), Catch::Contains("absent.onnx"));
  CHECK_THAT(errorOf(scratch.path(".")), Catch::Contains("not a regular file"));
  CHECK_THAT(errorOf(scratch.write("empty.onnx", "")), Catch::Contains("no graph"));
  CHECK_THAT(errorOf(scratch.write("text.onnx", "this is text")), Catch::Contains("text.onnx"));
}

TEST_CASE("every truncation of a small model is an error") {
  ScratchFolder scratch;
  ::onnx::ModelProto model = smallModel();
  model.clear_opset_import(); // The graph ends the file, so no shorter file is complete.
  std::string bytes = model.SerializeAsString();
  for (size_t size = 0; size < bytes.size(); ++size)
    REQUIRE_THAT(errorOf(scratch.write("m.onnx", bytes.substr(0, size))),
                 Catch::Contains("cannot read ONNX file") && Catch::Contains("m.onnx"));
}

TEST_CASE("no change of a byte crashes the reader") {
  ScratchFolder scratch;
  std::string bytes = smallModel().SerializeAsString();
  size_t refused = 0;
  for (size_t place = 0; place < bytes.size(); ++place)
    for (unsigned change : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff}) {
      std::string damaged = bytes;
      damaged[place] = char(static_cast<unsigned char>(damaged[place]) ^ change);
      std::string error;
      auto file = onnx::OnnxFile::open(scratch.write("m.onnx", damaged), error);
      if (file)
        touch(file->model());
      else
        REQUIRE_FALSE(error.empty());
      refused += !file;
    }
  CHECK(refused > bytes.size());
}

TEST_CASE("damage of a real model never crashes the reader") {
  ScratchFolder scratch;
  std::filesystem::create_symlink(folder + "weights.bin", scratch.path("weights.bin"));
  std::string bytes = fileBytes(folder + "fused-genai.onnx");
  for (size_t place = 0; place < bytes.size(); place += 61) {
    std::string error, damaged = bytes;
    CHECK_FALSE(onnx::OnnxFile::open(scratch.write("cut.onnx", bytes.substr(0, place)), error));
    damaged[place] = char(~damaged[place]);
    if (auto file = onnx::OnnxFile::open(scratch.write("flip.onnx", damaged), error))
      CHECK(file->model().irVersion != INT64_MIN);
  }
}

} // namespace llmc::test
