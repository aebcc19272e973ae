// Models built with the reference library.
#pragma once

#include "onnx/onnx_pb.h"

#include <string>

namespace llmc::test {

inline ::onnx::TensorProto &addWeight(::onnx::ModelProto &model, const std::string &name,
                                      int32_t type, std::initializer_list<int64_t> dims) {
  ::onnx::TensorProto &tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (int64_t dim : dims)
    tensor.add_dims(dim);
  return tensor;
}

inline void setExternal(::onnx::TensorProto &tensor,
                        std::initializer_list<std::pair<const char *, std::string>> entries) {
  tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
  for (const auto &[key, value] : entries) {
    auto &entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
}

/// y = x + w, with an input of dimensions [batch, 2] and one attribute of most kinds.
inline ::onnx::ModelProto smallModel() {
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("test");
  auto &opset = *model.add_opset_import();
  opset.set_domain("ai.onnx");
  opset.set_version(18);
  ::onnx::GraphProto &graph = *model.mutable_graph();
  for (auto *value : {graph.add_input(), graph.add_output()}) {
    value->set_name(value == &graph.input(0) ? "x" : "y");
    auto &type = *value->mutable_type()->mutable_tensor_type();
    type.set_elem_type(::onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_param("batch");
    type.mutable_shape()->add_dim()->set_dim_value(2);
  }
  float values[2] = {1.5f, -2.0f};
  addWeight(model, "w", ::onnx::TensorProto::FLOAT, {2}).set_raw_data(values, sizeof(values));
  ::onnx::NodeProto &node = *graph.add_node();
  node.set_name("sum");
  node.set_op_type("Add");
  node.add_input("x");
  node.add_input("w");
  node.add_output("y");
  auto &scale = *node.add_attribute();
  scale.set_name("scale");
  scale.set_type(::onnx::AttributeProto::FLOAT);
  scale.set_f(0.25f);
  auto &axes = *node.add_attribute();
  axes.set_name("axes");
  axes.set_type(::onnx::AttributeProto::INTS);
  axes.add_ints(-1);
  axes.add_ints(3);
  return model;
}

} // namespace llmc::test
