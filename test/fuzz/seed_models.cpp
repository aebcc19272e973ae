#include "test/fuzz/seed_files.h"
#include "test/unit/compiler/OnnxModels.h"

namespace llmc::fuzz {

using test::addWeight;
using test::setExternal;
using test::smallModel;

namespace {

::onnx::NodeProto &node(::onnx::ModelProto &model, const char *type,
                        std::initializer_list<const char *> inputs, const char *output) {
  ::onnx::NodeProto &n = *model.mutable_graph()->add_node();
  n.set_op_type(type);
  n.set_name(std::string(type) + "_" + output);
  for (const char *input : inputs)
    n.add_input(input);
  n.add_output(output);
  return n;
}

::onnx::AttributeProto &attribute(::onnx::NodeProto &node, const char *name,
                                  ::onnx::AttributeProto::AttributeType type) {
  ::onnx::AttributeProto &a = *node.add_attribute();
  a.set_name(name);
  a.set_type(type);
  return a;
}

/// Weights stored in every way: raw, element by element, outside, as strings.
::onnx::ModelProto weights() {
  ::onnx::ModelProto model = smallModel();
  using T = ::onnx::TensorProto;
  addWeight(model, "floats", T::FLOAT, {2, 1}).add_float_data(1.0f);
  model.mutable_graph()->mutable_initializer(1)->add_float_data(-0.5f);
  addWeight(model, "longs", T::INT64, {1}).add_int64_data(-7);
  addWeight(model, "words", T::INT8, {1}).add_int32_data(-7);
  addWeight(model, "doubles", T::DOUBLE, {1}).add_double_data(0.25);
  addWeight(model, "wide", T::UINT64, {}).add_uint64_data(1);
  addWeight(model, "text", T::STRING, {1}).add_string_data("s");
  addWeight(model, "nibbles", T::UINT8, {3}).set_raw_data("abc");
  addWeight(model, "half", T::FLOAT16, {2}).set_raw_data("abcd");
  ::onnx::TensorProto &outside = addWeight(model, "outside", T::INT8, {4, 8});
  setExternal(outside, {{"location", "weights.bin"}, {"offset", "64"}, {"length", "32"}});
  return model;
}

/// Attributes of every kind, a subgraph, domains, values with types.
::onnx::ModelProto attributes() {
  ::onnx::ModelProto model = smallModel();
  using A = ::onnx::AttributeProto;
  model.add_opset_import()->set_domain("com.microsoft");
  model.mutable_opset_import(1)->set_version(1);
  ::onnx::NodeProto &n = node(model, "Custom", {"y", "", "w"}, "z");
  n.set_domain("com.microsoft");
  attribute(n, "f", A::FLOAT).set_f(0.5f);
  attribute(n, "i", A::INT).set_i(-3);
  attribute(n, "s", A::STRING).set_s("text");
  attribute(n, "fs", A::FLOATS).add_floats(1.0f);
  attribute(n, "is", A::INTS).add_ints(4);
  attribute(n, "ss", A::STRINGS).add_strings("a");
  ::onnx::TensorProto &t = *attribute(n, "t", A::TENSOR).mutable_t();
  t.set_data_type(::onnx::TensorProto::INT64);
  t.add_dims(1);
  t.add_int64_data(5);
  attribute(n, "g", A::GRAPH).mutable_g()->set_name("inner");
  ::onnx::NodeProto &constant = node(model, "Constant", {}, "c");
  *attribute(constant, "value", A::TENSOR).mutable_t() = t;
  node(model, "Cast", {"c"}, "d");
  attribute(*model.mutable_graph()->mutable_node(3), "to", A::INT).set_i(1);
  auto &value = *model.mutable_graph()->add_value_info();
  value.set_name("z");
  value.mutable_type()->mutable_tensor_type()->set_elem_type(::onnx::TensorProto::FLOAT16);
  auto &meta = *model.add_metadata_props();
  meta.set_key("k");
  meta.set_value("v");
  return model;
}

} // namespace

SeedFiles onnxSeeds() {
  return {{"small", smallModel().SerializeAsString()},
          {"weights", weights().SerializeAsString()},
          {"attributes", attributes().SerializeAsString()}};
}

} // namespace llmc::fuzz
