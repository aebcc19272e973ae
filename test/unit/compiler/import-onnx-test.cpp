// ONNX graphs as lm modules: nothing is lost, weights stay in the file, errors are diagnostics.
#include "compiler/Import/Onnx/ImportOnnx.h"

#include "dialects/Lm/LmWeights.h"
#include "test/unit/compiler/OnnxFixture.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace llmc::test {
namespace {

const std::string folder = LLMC_TEST_DATA "/scribe-6m/";

std::string errorOf(const ScratchFolder &scratch, const ::onnx::ModelProto &model) {
  MLIRContext context;
  std::string text;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    text += diagnostic.str() + "\n";
    return success();
  });
  CHECK(failed(importOnnx(scratch.write("m.onnx", model.SerializeAsString()), context)));
  return text;
}

func::FuncOp mainOf(const ImportedModel &model) {
  auto function = ModuleOp(*model.module).lookupSymbol<func::FuncOp>("main");
  REQUIRE(function);
  return function;
}

} // namespace

TEST_CASE("weights of real models refer to the mapped file") {
  for (const char *name : {"decomposed-torchscript.onnx", "decomposed-dynamo.onnx",
                           "fused-genai.onnx", "fused-genai-int4.onnx"}) {
    INFO(name);
    MLIRContext context;
    auto model = importOnnx(folder + name, context);
    REQUIRE(succeeded(model));
    const onnx::Graph &graph = model->file->model().graph;
    ModuleOp module = *model->module;
    auto weights = llvm::to_vector(module.getOps<lm::WeightOp>());
    REQUIRE(weights.size() == graph.initializers.size());
    for (auto [weight, tensor] : llvm::zip(weights, graph.initializers)) {
      CHECK(weight.getSymName() == StringRef(tensor.name));
      auto view = lm::viewOf(weight);
      REQUIRE(succeeded(view));
      if (tensor.external)
        CHECK(view->data == tensor.data.data());
      else
        CHECK(StringRef(view->data, tensor.data.size()) ==
              StringRef(tensor.data.data(), tensor.data.size()));
    }
    auto nodes = llvm::to_vector(mainOf(*model).getOps<lm::OpaqueOp>());
    REQUIRE(nodes.size() == graph.nodes.size());
    for (auto [op, node] : llvm::zip(nodes, graph.nodes)) {
      CHECK(op.getOpType() == StringRef(node.opType));
      CHECK(op.getNodeName() == StringRef(node.name));
      CHECK(op.getInputs().size() == node.inputs.size());
      CHECK(op.getOutputs().size() == node.outputs.size());
      CHECK(op.getNodeAttributes().size() == node.attributes.size());
      CHECK(op.getDomain() == StringRef(node.domain));
    }
  }
}

TEST_CASE("the mapping outlives the reader, as long as the context lives") {
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  {
    auto model = importOnnx(folder + "fused-genai.onnx", context);
    REQUIRE(succeeded(model));
    module = std::move(model->module);
  }
  for (auto weight : module->getOps<lm::WeightOp>())
    if (weight.getSymName() == "model.layers.0.input_layernorm.weight") {
      std::string bytes = fileBytes(folder + "weights.bin");
      auto view = lm::viewOf(weight);
      REQUIRE(succeeded(view));
      CHECK(StringRef(view->data, 1024) == StringRef(bytes).substr(4194304, 1024));
      return;
    }
  FAIL("the norm's weight is missing");
}

TEST_CASE("arguments, results and attributes keep what the file says") {
  ScratchFolder scratch;
  MLIRContext context;
  ::onnx::ModelProto small = smallModel();
  small.mutable_graph()->mutable_node(0)->add_input(""); // A missing optional input.
  auto model = importOnnx(scratch.write("m.onnx", small.SerializeAsString()), context);
  REQUIRE(succeeded(model));
  func::FuncOp function = mainOf(*model);
  REQUIRE(function.getNumArguments() == 1);
  Builder builder(&context);
  CHECK(function.getArgAttr(0, "lm.name") == builder.getStringAttr("x"));
  CHECK(function.getArgAttr(0, "lm.dims") == builder.getStrArrayAttr({"batch", "2"}));
  CHECK(function.getArgument(0).getType() ==
        RankedTensorType::get({ShapedType::kDynamic, 2}, builder.getF32Type()));
  CHECK(function.getResultAttr(0, "lm.name") == builder.getStringAttr("y"));
  auto node = *function.getOps<lm::OpaqueOp>().begin();
  CHECK(node.getDomain() == "");
  CHECK(node.getVersion() == 18);
  CHECK(node.getNodeAttributes().get("axes") == builder.getDenseI64ArrayAttr({-1, 3}));
  CHECK(node.getNodeAttributes().get("scale") == builder.getF32FloatAttr(0.25f));
  REQUIRE(node.getInputs().size() == 3);
  CHECK(node.getInputs()[2].getDefiningOp<lm::NoneOp>());
  CHECK(node.getInputs()[1].getDefiningOp<lm::GetOp>().getWeight() == "w");
}

TEST_CASE("constants of nodes are values of their type") {
  ScratchFolder scratch;
  MLIRContext context;
  ::onnx::ModelProto small = smallModel();
  auto addConstant = [&](const char *name, int32_t type, std::string bytes, int64_t size) {
    auto &node = *small.mutable_graph()->add_node();
    node.set_op_type("Constant");
    node.add_output(name);
    auto &value = *node.add_attribute();
    value.set_name("value");
    value.set_type(::onnx::AttributeProto::TENSOR);
    value.mutable_t()->set_data_type(type);
    value.mutable_t()->add_dims(size);
    value.mutable_t()->set_raw_data(bytes);
  };
  addConstant("flags", ::onnx::TensorProto::BOOL, std::string("\1\0\1", 3), 3);
  addConstant("large", ::onnx::TensorProto::INT64, std::string(8 * 1000, '\2'), 1000);
  addConstant("none", ::onnx::TensorProto::FLOAT, "", 0);
  auto model = importOnnx(scratch.write("m.onnx", small.SerializeAsString()), context);
  REQUIRE(succeeded(model));
  auto nodes = llvm::to_vector(mainOf(*model).getOps<lm::OpaqueOp>());
  REQUIRE(nodes.size() == 4);
  auto flags = nodes[1].getNodeAttributes().getAs<DenseElementsAttr>("value");
  REQUIRE(flags);
  CHECK(llvm::to_vector(flags.getValues<bool>()) == SmallVector<bool>{true, false, true});
  CHECK(cast<ShapedType>(nodes[1].getResult(0).getType()).getElementType().isInteger(1));
  auto large = nodes[2].getNodeAttributes().getAs<DenseResourceElementsAttr>("value");
  REQUIRE(large);
  CHECK(large.getRawHandle().getBlob()->getDataAs<int64_t>()[999] == 0x0202020202020202);
  CHECK(nodes[3].getNodeAttributes().getAs<ElementsAttr>("value").getNumElements() == 0);
}

TEST_CASE("graphs that contradict themselves are refused") {
  ScratchFolder scratch;
  ::onnx::ModelProto model = smallModel();
  model.mutable_graph()->mutable_node(0)->set_input(0, "nowhere");
  CHECK_THAT(errorOf(scratch, model),
             Catch::Contains("'sum' (Add) reads 'nowhere'") && Catch::Contains("m.onnx"));

  model = smallModel();
  *model.mutable_graph()->add_node() = model.graph().node(0);
  CHECK_THAT(errorOf(scratch, model), Catch::Contains("'y' is computed twice"));

  model = smallModel();
  addWeight(model, "w", 1, {1}).add_float_data(0);
  CHECK_THAT(errorOf(scratch, model), Catch::Contains("two initializers are named 'w'"));

  model = smallModel();
  addWeight(model, "s", ::onnx::TensorProto::STRING, {1}).add_string_data("text");
  CHECK_THAT(errorOf(scratch, model), Catch::Contains("'s' has element type 8"));

  model = smallModel();
  model.mutable_graph()->mutable_node(0)->set_domain("com.example");
  CHECK_THAT(errorOf(scratch, model), Catch::Contains("'com.example'"));

  model = smallModel();
  model.mutable_graph()->mutable_output(0)->set_name("z");
  CHECK_THAT(errorOf(scratch, model), Catch::Contains("graph output 'z' is never computed"));

  model = smallModel();
  model.mutable_graph()->mutable_input(0)->clear_type();
  CHECK_THAT(errorOf(scratch, model), Catch::Contains("graph input 'x' is no tensor"));
}

TEST_CASE("no change of a byte crashes the import") {
  ScratchFolder scratch;
  ::onnx::ModelProto small = smallModel();
  auto &constant = *small.mutable_graph()->add_node();
  constant.set_op_type("Constant");
  constant.add_output("c");
  auto &value = *constant.add_attribute();
  value.set_name("value");
  value.set_type(::onnx::AttributeProto::TENSOR);
  value.mutable_t()->set_data_type(::onnx::TensorProto::BOOL);
  value.mutable_t()->add_dims(3);
  value.mutable_t()->set_raw_data("abc");
  std::string bytes = small.SerializeAsString();
  size_t refused = 0, accepted = 0;
  for (size_t place = 0; place < bytes.size(); ++place)
    for (unsigned change : {0x01, 0x08, 0x20, 0x80, 0xff}) {
      std::string damaged = bytes;
      damaged[place] = char(static_cast<unsigned char>(damaged[place]) ^ change);
      MLIRContext context;
      unsigned errors = 0;
      ScopedDiagnosticHandler handler(&context, [&](Diagnostic &) { return ++errors, success(); });
      auto model = importOnnx(scratch.write("m.onnx", damaged), context);
      REQUIRE(errors == (failed(model) ? 1u : 0u));
      failed(model) ? ++refused : ++accepted;
    }
  CHECK(refused > bytes.size());
  CHECK(accepted > 0);
}

} // namespace llmc::test
