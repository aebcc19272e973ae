// Pass llmc-widen-halves: lets a graph in half precision compute in fp32.
#include "passes/Raising/WidenHalves.h"

#include "dialects/Lm/LmWeights.h"
#include "passes/Raising/RaisePass.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_WIDENHALVESPASS
#include "passes/Raising/WidenHalves.h.inc"

int lostBits(ModuleOp module) {
  auto from = module->getAttrOfType<TypeAttr>(widenedFromAttribute);
  return from ? from.getValue().isBF16() ? 16 : 13 : 0;
}

namespace {

bool isHalf(Type element) { return element && (element.isF16() || element.isBF16()); }

Type elementOf(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped ? shaped.getElementType() : Type();
}

class HalfWidener {
public:
  explicit HalfWidener(RaiseStep &step)
      : step(step), single(Float32Type::get(step.module.getContext())) {}

  void run() {
    noteCasts();
    for (auto weight : step.module.getOps<lm::WeightOp>())
      if (Type type = widened(weight.getType()))
        weight.setTypeAttr(TypeAttr::get(type));
    for (BlockArgument argument : step.program.getArguments())
      widen(argument);
    for (Operation &op : step.program.getBody().front()) {
      for (Value result : op.getResults())
        widen(result);
      if (auto node = dyn_cast<lm::OpaqueOp>(op))
        widenAttributes(node);
    }
    if (!from)
      return;
    Block &block = step.program.getBody().front();
    step.program.setFunctionType(FunctionType::get(step.program.getContext(),
                                                   block.getArgumentTypes(),
                                                   block.getTerminator()->getOperandTypes()));
    step.module->setAttr(widenedFromAttribute, TypeAttr::get(from));
    step.report.addNote("computed in " + nameOf(from) + " by the exporter, in fp32 here", "");
  }

private:
  static std::string nameOf(Type half) { return half.isF16() ? "fp16" : "bf16"; }

  /// The f32 type of a half type, null for all others.
  Type widened(Type type) {
    Type element = elementOf(type);
    if (!isHalf(element))
      return {};
    if (!from || element.isBF16()) // The coarser of two.
      from = element;
    return cast<ShapedType>(type).clone(single);
  }

  void widen(Value value) {
    if (Type type = widened(value.getType()))
      value.setType(type);
  }

  /// Casts between fp32 and halves, which then cast a value to its own type.
  void noteCasts() {
    for (lm::OpaqueOp node : step.nodes()) {
      if (!asNode(node, "Cast") && !asNode(node, "CastLike"))
        continue;
      Type before = elementOf(node.getInputs()[0].getType());
      Type after = elementOf(node.getResult(0).getType());
      bool floats =
          before && after && (before.isF32() || isHalf(before)) && (after.isF32() || isHalf(after));
      if (floats && before != after)
        step.report.addNote("casts between " + nameOf(isHalf(before) ? before : after) +
                                " and fp32 are dropped",
                            node.getNodeName());
    }
  }

  void widenAttributes(lm::OpaqueOp node) {
    NamedAttrList attributes(node.getNodeAttributes());
    for (NamedAttribute attribute : node.getNodeAttributes())
      if (auto elements = dyn_cast<ElementsAttr>(attribute.getValue()))
        if (ElementsAttr wide = widenedElements(elements))
          attributes.set(attribute.getName(), wide);
    constexpr int64_t onnxFloat = 1, onnxHalf = 10, onnxBrain = 16;
    int64_t to = asNode(node, "Cast") ? intAttribute(node, "to", 0) : 0;
    if (to == onnxHalf || to == onnxBrain)
      attributes.set("to", Builder(node.getContext()).getI64IntegerAttr(onnxFloat));
    node.setNodeAttributesAttr(attributes.getDictionary(node.getContext()));
  }

  /// The numbers of a node's constant as f32; null where they are no halves, or elided.
  ElementsAttr widenedElements(ElementsAttr elements) {
    auto type = dyn_cast_if_present<RankedTensorType>(widened(elements.getType()));
    if (!type)
      return {};
    if (auto dense = dyn_cast<DenseFPElementsAttr>(elements))
      return cast<ElementsAttr>(dense.mapValues(single, [&](const llvm::APFloat &value) {
        llvm::APFloat wide = value;
        bool exact;
        wide.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &exact);
        return wide.bitcastToAPInt();
      }));
    auto resource = dyn_cast<DenseResourceElementsAttr>(elements);
    AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
    if (!blob || int64_t(blob->getData().size()) < type.getNumElements() * 2)
      return {};
    lm::WeightView view;
    view.data = blob->getData().data();
    view.elementType = elementOf(elements.getType());
    std::vector<float> floats;
    for (int64_t at = 0, count = type.getNumElements(); at < count; ++at)
      floats.push_back(lm::floatAt(view, at));
    return DenseElementsAttr::get(type, ArrayRef<float>(floats));
  }

  RaiseStep &step;
  Type single;
  Type from; ///< Null as long as there was no half.
};

struct WidenHalvesPass : impl::WidenHalvesPassBase<WidenHalvesPass>, Reporting {
  void runOnOperation() override {
    auto step = [](RaiseStep &state) {
      HalfWidener(state).run();
      return success();
    };
    if (failed(runStep(getOperation(), *report, step)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createWidenHalvesPass(std::shared_ptr<RaiseReport> report) {
  return withReport<WidenHalvesPass>(std::move(report));
}

} // namespace llmc::passes
