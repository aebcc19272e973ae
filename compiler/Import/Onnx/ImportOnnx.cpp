// Turns an ONNX model into a module of lm.weight and lm.opaque operations.
#include "compiler/Import/Onnx/ImportOnnx.h"

#include "compiler/Import/Onnx/ImportTypes.h"
#include "dialects/Lm/Lm.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace llmc {

namespace {

using onnx::Attribute;
using onnx::AttributeKind;

/// Builds the module of one file.
class Importer {
public:
  Importer(std::shared_ptr<const onnx::OnnxFile> file, MLIRContext &context)
      : file(std::move(file)), model(this->file->model()), context(context), builder(&context) {}

  FailureOr<OwningOpRef<ModuleOp>> run();

private:
  LogicalResult importWeights(ModuleOp module);
  LogicalResult createFunction(ModuleOp module);
  LogicalResult createArguments();
  LogicalResult importNode(const onnx::Node &node, size_t index);
  LogicalResult finishFunction();

  FailureOr<SmallVector<Value>> nodeInputs(const onnx::Node &node, Location location);
  FailureOr<SmallVector<Type>> nodeResults(const onnx::Node &node, ArrayRef<Value> inputs,
                                           Location location);
  FailureOr<DictionaryAttr> nodeAttributes(const onnx::Node &node, Location location);
  mlir::Attribute attributeValue(const Attribute &attribute, StringRef nodeName);
  FailureOr<int64_t> versionOf(StringRef domain, Location location);

  Value lookup(StringRef name);
  LogicalResult define(StringRef name, Value value, Location location);
  DictionaryAttr describe(const onnx::ValueInfo &value);
  std::string uniqueSymbol(StringRef name);
  InFlightDiagnostic fail(Location location) {
    return emitError(location) << "cannot import '" << file->path() << "': ";
  }

  std::shared_ptr<const onnx::OnnxFile> file;
  const onnx::Model &model;
  MLIRContext &context;
  OpBuilder builder;
  func::FuncOp function;
  llvm::StringMap<Value> values;
  llvm::StringMap<lm::WeightOp> weights;
  llvm::StringMap<onnx::ElementType> statedTypes;
  llvm::StringSet<> symbols;
  Value none;
};

FailureOr<OwningOpRef<ModuleOp>> Importer::run() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  builder.setInsertionPointToEnd(module->getBody());
  symbols.insert("main");
  for (const onnx::ValueInfo &value : model.graph.values)
    statedTypes[value.name] = value.type;
  for (const onnx::ValueInfo &value : model.graph.outputs)
    statedTypes[value.name] = value.type;
  if (failed(importWeights(*module)) || failed(createFunction(*module)))
    return failure();
  for (auto [index, node] : llvm::enumerate(model.graph.nodes))
    if (failed(importNode(node, index)))
      return failure();
  if (failed(finishFunction()) || failed(verify(*module)))
    return failure();
  return module;
}

std::string Importer::uniqueSymbol(StringRef name) {
  std::string symbol = name.str();
  for (unsigned suffix = 1; !symbols.insert(symbol).second; ++suffix)
    symbol = (name + "." + Twine(suffix)).str();
  return symbol;
}

LogicalResult Importer::importWeights(ModuleOp module) {
  for (const onnx::Tensor &tensor : model.graph.initializers) {
    StringRef name = tensor.name;
    Location location = NameLoc::get(builder.getStringAttr(name));
    if (name.empty() || weights.contains(name))
      return fail(location) << "two initializers are named '" << name
                            << "', or one has no name; names must be unique";
    std::string symbol = uniqueSymbol(name);
    ElementsAttr value = onnx::resourceOf(tensor, symbol, file, &context);
    if (!value)
      return fail(location) << "initializer '" << name << "' has element type "
                            << int32_t(tensor.type) << " of ONNX, which is not supported";
    weights[name] = lm::WeightOp::create(builder, location, builder.getStringAttr(symbol),
                                         TypeAttr::get(value.getType()), value, IntegerAttr(),
                                         DenseI64ArrayAttr(), lm::FormatAttr());
  }
  return success();
}

LogicalResult Importer::createFunction(ModuleOp module) {
  function =
      func::FuncOp::create(builder, module.getLoc(), "main", builder.getFunctionType({}, {}));
  builder.setInsertionPointToEnd(function.addEntryBlock());
  return createArguments();
}

/// What the file says about an argument or result beside its type.
DictionaryAttr Importer::describe(const onnx::ValueInfo &value) {
  NamedAttrList attributes;
  attributes.set("lm.name", builder.getStringAttr(value.name));
  if (ArrayAttr dims = onnx::dimNames(value, builder))
    attributes.set("lm.dims", dims);
  return attributes.getDictionary(&context);
}

LogicalResult Importer::createArguments() {
  for (const onnx::ValueInfo &input : model.graph.inputs) {
    if (weights.contains(input.name)) // Older files list constants among the inputs.
      continue;
    Location location = NameLoc::get(builder.getStringAttr(input.name));
    Type type = onnx::valueType(input, &context);
    if (!type)
      return fail(location) << "graph input '" << input.name
                            << "' is no tensor of a supported element type";
    unsigned index = function.getNumArguments();
    if (failed(function.insertArgument(index, type, describe(input), location)) ||
        failed(define(input.name, function.getArgument(index), location)))
      return failure();
  }
  return success();
}

LogicalResult Importer::define(StringRef name, Value value, Location location) {
  if (weights.contains(name) || !values.try_emplace(name, value).second)
    return fail(location) << "value '" << name << "' is computed twice";
  return success();
}

/// The value of a name, null where nothing before this place defines it.
Value Importer::lookup(StringRef name) {
  if (Value known = values.lookup(name))
    return known;
  lm::WeightOp weight = weights.lookup(name);
  if (!weight)
    return Value();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&function.getBody().front());
  Value value = lm::GetOp::create(builder, weight.getLoc(), weight.getType(),
                                  FlatSymbolRefAttr::get(weight.getSymNameAttr()));
  values[name] = value;
  return value;
}

FailureOr<SmallVector<Value>> Importer::nodeInputs(const onnx::Node &node, Location location) {
  SmallVector<Value> inputs;
  for (StringRef name : node.inputs) {
    if (name.empty()) {
      if (!none) {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPointToStart(&function.getBody().front());
        none = lm::NoneOp::create(builder, UnknownLoc::get(&context));
      }
      inputs.push_back(none);
      continue;
    }
    Value value = lookup(name);
    if (!value)
      return fail(location) << "node '" << node.name << "' (" << node.opType << ") reads '" << name
                            << "', which no initializer, input or earlier node defines";
    inputs.push_back(value);
  }
  return inputs;
}

FailureOr<SmallVector<Type>> Importer::nodeResults(const onnx::Node &node, ArrayRef<Value> inputs,
                                                   Location location) {
  SmallVector<Type> elements, results;
  for (Value input : inputs) {
    auto shaped = dyn_cast<ShapedType>(input.getType());
    elements.push_back(shaped ? shaped.getElementType() : Type());
  }
  for (auto [index, name] : llvm::enumerate(node.outputs)) {
    Type element = onnx::elementType(statedTypes.lookup(name), &context);
    if (!element)
      element = onnx::resultElementType(node, elements, index, &context);
    if (!element)
      return fail(location) << "node '" << node.name << "' (" << node.opType << ") gives '" << name
                            << "' an element type that is not supported";
    results.push_back(UnrankedTensorType::get(element));
  }
  return results;
}

mlir::Attribute Importer::attributeValue(const Attribute &attribute, StringRef nodeName) {
  std::string name = (nodeName + "." + StringRef(attribute.name)).str();
  switch (attribute.kind) {
  case AttributeKind::Float:
    return builder.getF32FloatAttr(attribute.f);
  case AttributeKind::Int:
    return builder.getI64IntegerAttr(attribute.i);
  case AttributeKind::String:
    return builder.getStringAttr(attribute.s);
  case AttributeKind::Floats:
    return builder.getDenseF32ArrayAttr(attribute.floats);
  case AttributeKind::Ints:
    return builder.getDenseI64ArrayAttr(attribute.ints);
  case AttributeKind::Strings: {
    SmallVector<mlir::Attribute> strings;
    for (StringRef text : attribute.strings)
      strings.push_back(builder.getStringAttr(text));
    return builder.getArrayAttr(strings);
  }
  case AttributeKind::Tensor:
    return onnx::constantOf(attribute.tensors.front(), name, file, &context);
  case AttributeKind::Tensors: {
    SmallVector<mlir::Attribute> constants;
    for (const onnx::Tensor &tensor : attribute.tensors) {
      constants.push_back(onnx::constantOf(tensor, name, file, &context));
      if (!constants.back())
        return {};
    }
    return builder.getArrayAttr(constants);
  }
  default: // Graphs, types, sparse tensors: no operator that we understand has one.
    return builder.getUnitAttr();
  }
}

FailureOr<DictionaryAttr> Importer::nodeAttributes(const onnx::Node &node, Location location) {
  NamedAttrList attributes;
  for (const Attribute &attribute : node.attributes) {
    mlir::Attribute value = attributeValue(attribute, node.name);
    if (!value)
      return fail(location) << "attribute '" << attribute.name << "' of node '" << node.name
                            << "' (" << node.opType
                            << ") is a constant of an element type that is not supported";
    attributes.set(attribute.name, value);
  }
  return attributes.getDictionary(&context);
}

FailureOr<int64_t> Importer::versionOf(StringRef domain, Location location) {
  for (const onnx::OpsetImport &opset : model.opsets)
    if (StringRef(opset.domain) == domain)
      return opset.version;
  return fail(location) << "a node uses operators of domain '" << domain
                        << "', whose version the file does not state (opset_import)";
}

LogicalResult Importer::importNode(const onnx::Node &node, size_t index) {
  std::string label = node.name.empty() ? "node " + std::to_string(index) : std::string(node.name);
  Location location = NameLoc::get(builder.getStringAttr(label));
  FailureOr<int64_t> version = versionOf(node.domain, location);
  if (failed(version))
    return failure();
  FailureOr<SmallVector<Value>> inputs = nodeInputs(node, location);
  if (failed(inputs))
    return failure();
  FailureOr<SmallVector<Type>> results = nodeResults(node, *inputs, location);
  if (failed(results))
    return failure();
  FailureOr<DictionaryAttr> attributes = nodeAttributes(node, location);
  if (failed(attributes))
    return failure();
  auto opaque = lm::OpaqueOp::create(builder, location, *results, *inputs, node.domain, node.opType,
                                     uint64_t(*version), node.name, *attributes);
  for (auto [name, result] : llvm::zip(node.outputs, opaque.getOutputs()))
    if (!name.empty() && failed(define(name, result, location)))
      return failure();
  return success();
}

LogicalResult Importer::finishFunction() {
  SmallVector<Value> results;
  SmallVector<mlir::Attribute> descriptions;
  for (const onnx::ValueInfo &output : model.graph.outputs) {
    Location location = NameLoc::get(builder.getStringAttr(output.name));
    Value value = lookup(output.name);
    if (!value)
      return fail(location) << "graph output '" << output.name << "' is never computed";
    results.push_back(value);
    descriptions.push_back(describe(output));
  }
  func::ReturnOp::create(builder, function.getLoc(), results);
  function.setFunctionType(
      builder.getFunctionType(function.getArgumentTypes(), ValueRange(results).getTypes()));
  function.setAllResultAttrs(descriptions);
  return success();
}

} // namespace

FailureOr<ImportedModel> importOnnx(StringRef path, MLIRContext &context) {
  context.loadDialect<lm::LmDialect, func::FuncDialect>();
  std::string error;
  std::shared_ptr<const onnx::OnnxFile> file = onnx::OnnxFile::open(path.str(), error);
  if (!file)
    return emitError(UnknownLoc::get(&context)) << error;
  FailureOr<OwningOpRef<ModuleOp>> module = Importer(file, context).run();
  if (failed(module))
    return failure();
  return ImportedModel{std::move(*module), std::move(file)};
}

} // namespace llmc
