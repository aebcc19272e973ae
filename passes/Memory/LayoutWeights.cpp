// Pass llmc-layout-weights: places constants in the weights segment.
#include "passes/Memory/LayoutWeights.h"

#include "dialects/Npu/Fallback.h"
#include "dialects/Npu/Npu.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_LAYOUTWEIGHTSPASS
#include "passes/Memory/LayoutWeights.h.inc"

SmallVector<PackedOperand> packedOperandsOf(Operation *op) {
  if (auto linear = dyn_cast<lm::QuantizedLinearOp>(op)) {
    SmallVector<PackedOperand> all = {
        {linear.getWeight(), linear.getScales(), linear.getMultipliers(), linear.getFormat()}};
    if (linear.getBias())
      all.push_back({linear.getBias(), {}, {}, {}});
    return all;
  }
  if (auto embed = dyn_cast<lm::QuantizedEmbedOp>(op))
    return {{embed.getTable(), embed.getScales(), embed.getMultipliers(), embed.getFormat(),
             /*gathered=*/true}};
  if (auto norm = dyn_cast<lm::RmsNormOp>(op))
    return {{norm.getWeight(), {}, {}, {}}};
  return {};
}

RecordLayout recordLayout(lm::FormatAttr format, int64_t columns, int64_t alignment) {
  bool multiplied = format.getScale() == lm::ScaleKind::Multiplier;
  int64_t groups = format.groupsPerRow(columns);
  int64_t scaleBytes = format.getScale() == lm::ScaleKind::F16 ? 2 : 4;
  RecordLayout layout;
  layout.multipliers = llvm::divideCeil(columns * format.elementBits(), 8);
  layout.scales = llvm::alignTo(layout.multipliers + (multiplied ? llvm::divideCeil(groups, 2) : 0),
                                scaleBytes);
  layout.bytes = llvm::alignTo(layout.scales + (multiplied ? 1 : groups) * scaleBytes, alignment);
  return layout;
}

std::string constantName(ModuleOp module, StringRef weight, bool gathered) {
  bool asRecords = gathered && npu::PackingAttr::isOwnLayout(module);
  return ((asRecords ? "records." : "packed.") + weight).str();
}

std::string ropeTableName(lm::RopeAttr rope) {
  // Digits enough that different formulas have different names.
  return llvm::formatv("rope.{0:e16}.{1}.{2:e16}", rope.getBase().getValueAsDouble(), rope.getDim(),
                       rope.getScaling().getValueAsDouble());
}

namespace {

/// Symbols that become one constant.
struct Sources {
  StringAttr elements, scales, multipliers;
  lm::FormatAttr format;
  bool gathered = false;
  StringAttr fallback = {}; ///< Why another device than the target reads them; null: it does not.
};

class WeightLayout {
public:
  WeightLayout(ModuleOp module, npu::TargetAttr target)
      : module(module), target(target), symbols(module), builder(module.getContext()) {
    builder.setInsertionPointToEnd(module.getBody());
  }

  LogicalResult run() {
    for (auto entry : module.getOps<func::FuncOp>())
      if (lm::EntryAttr::of(entry) && failed(visit(entry)))
        return failure();
    if (nextOffset + nextPagedOffset <= target.getWeightBudget())
      pageNothing();
    return success();
  }

private:
  LogicalResult visit(func::FuncOp entry) {
    WalkResult result = entry.walk([&](Operation *op) {
      if (auto repeat = dyn_cast<lm::RepeatOp>(op))
        return failed(placeLayers(repeat)) ? WalkResult::interrupt() : WalkResult::advance();
      return failed(placeOperands(op, [](Value value) { return symbolOf(value); }))
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  static StringAttr symbolOf(Value value) {
    auto get = value ? value.getDefiningOp<lm::GetOp>() : lm::GetOp();
    return get ? get.getWeightAttr().getAttr() : StringAttr();
  }

  LogicalResult placeOperands(Operation *op, llvm::function_ref<StringAttr(Value)> symbol) {
    if (auto rope = dyn_cast<lm::RopeOp>(op))
      return placeRope(rope);
    for (const PackedOperand &operand : packedOperandsOf(op)) {
      Sources sources{symbol(operand.elements),
                      symbol(operand.scales),
                      symbol(operand.multipliers),
                      operand.format,
                      operand.gathered,
                      operand.format ? npu::fallbackOf(op) : StringAttr()};
      if (!sources.elements)
        return op->emitOpError() << "reads a weight that is no lm.get";
      if (failed(place(op, sources)))
        return failure();
    }
    return success();
  }

  /// Layer-major, so that the stride between layers is the same for every weight.
  LogicalResult placeLayers(lm::RepeatOp repeat) {
    auto callee = symbols.lookup<func::FuncOp>(repeat.getCallee());
    // Tables first: nothing may come between the weights of two layers.
    WalkResult tables = callee.walk([&](lm::RopeOp rope) {
      return failed(placeRope(rope)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (tables.wasInterrupted())
      return failure();
    for (int64_t layer = 0; layer < repeat.count(); ++layer) {
      auto symbol = [&](Value value) {
        auto argument = dyn_cast_or_null<BlockArgument>(value);
        FlatSymbolRefAttr weight = argument ? repeat.weightOf(argument, layer) : nullptr;
        return weight ? weight.getAttr() : symbolOf(value);
      };
      WalkResult result = callee.walk([&](Operation *op) {
        return failed(placeOperands(op, symbol)) ? WalkResult::interrupt() : WalkResult::advance();
      });
      if (result.wasInterrupted())
        return failure();
    }
    return success();
  }

  /// A chunk may begin at any position, so its last rows may lie beyond the capacity.
  LogicalResult placeRope(lm::RopeOp op) {
    if (!op.getRope())
      return op.emitOpError() << "uses an explicit table, which targets do not take yet; the "
                                 "rotation must follow a formula";
    std::string name = constantName(module, ropeTableName(op.getRopeAttr()));
    if (!placed.insert({builder.getStringAttr(name), Sources{}}).second)
      return success();
    int64_t rows = 0, largest = 1;
    for (lm::KvStateOp state : module.getOps<lm::KvStateOp>())
      rows = std::max(rows, int64_t(state.getCapacity()));
    for (auto entry : module.getOps<func::FuncOp>())
      if (auto attribute = lm::EntryAttr::of(entry))
        largest = std::max(largest, attribute.getRows());
    append(name, (rows + largest) * int64_t(op.getRopeAttr().getDim()) * 4,
           builder.getArrayAttr({}), {}, op.getRopeAttr());
    return success();
  }

  LogicalResult place(Operation *op, const Sources &sources) {
    std::string name = constantName(module, sources.elements, sources.gathered);
    auto [entry, inserted] = placed.insert({builder.getStringAttr(name), sources});
    if (!inserted) {
      const Sources &first = entry->second;
      if (first.scales != sources.scales || first.multipliers != sources.multipliers ||
          first.format != sources.format || !first.fallback != !sources.fallback)
        return op->emitOpError()
               << "reads @" << sources.elements.getValue()
               << " with other scales, another format or on another device than an earlier "
                  "operation";
      return success();
    }
    SmallVector<Attribute> references;
    for (StringAttr name : {sources.elements, sources.scales, sources.multipliers})
      if (name)
        references.push_back(FlatSymbolRefAttr::get(name));
    FailureOr<int64_t> bytes = bytesOf(op, sources);
    if (failed(bytes))
      return failure();
    append(name, *bytes, builder.getArrayAttr(references), sources.format, {},
           isRecords(sources) && npu::PackingAttr::isOwnLayout(module), sources.fallback);
    return success();
  }

  FailureOr<int64_t> bytesOf(Operation *op, const Sources &sources) {
    RankedTensorType type = symbols.lookup<lm::WeightOp>(sources.elements).tensorType();
    if (!sources.format)
      return type.getNumElements() * 4;
    int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
    if (isRecords(sources))
      return rows * recordLayout(sources.format, columns, target.getRecordAlignment()).bytes;
    auto packing = npu::PackingAttr::of(module);
    if (std::optional<int64_t> bytes =
            packing ? packing.weightsBytes(sources.format, rows, columns, bool(sources.fallback))
                    : std::nullopt)
      return *bytes;
    return op->emitOpError() << "reads @" << sources.elements.getValue() << ", " << rows << " x "
                             << columns << " in " << sources.format << ", of which "
                             << npu::PackingAttr::moduleAttributeName
                             << " on the module gives no size";
  }

  /// Of the matrices of stream machines all, or those that are gathered.
  bool isRecords(const Sources &sources) const {
    return sources.format && !target.getDirect() &&
           (sources.gathered || !npu::PackingAttr::isOwnLayout(module));
  }

  void append(const std::string &name, int64_t bytes, ArrayAttr references, lm::FormatAttr format,
              lm::RopeAttr rope, bool asRecords = false, StringAttr fallback = {}) {
    bool paged = format && target.getWeightBudget() > 0;
    int64_t &offset = paged ? nextPagedOffset : nextOffset;
    auto constant = npu::ConstantOp::create(builder, module.getLoc(), name, offset, bytes,
                                            references, format, rope, paged, asRecords);
    npu::setFallback(constant, fallback);
    offset = llvm::alignTo(offset + bytes, kConstantAlignment);
  }

  /// All weights in memory, in the order in which they were placed.
  void pageNothing() {
    nextOffset = 0;
    for (auto constant : module.getOps<npu::ConstantOp>()) {
      constant.setOffset(uint64_t(nextOffset));
      constant.setPaged(false);
      nextOffset = llvm::alignTo(nextOffset + int64_t(constant.getBytes()), kConstantAlignment);
    }
  }

  /// A cache line: constants start on one, so that host kernels may read them in place as well.
  static constexpr int64_t kConstantAlignment = 64;

  ModuleOp module;
  npu::TargetAttr target;
  SymbolTable symbols;
  OpBuilder builder;
  llvm::MapVector<StringAttr, Sources> placed;
  int64_t nextOffset = 0, nextPagedOffset = 0;
};

struct LayoutWeightsPass : impl::LayoutWeightsPassBase<LayoutWeightsPass> {
  void runOnOperation() override {
    auto target = npu::TargetAttr::of(getOperation());
    if (!target) {
      getOperation().emitError()
          << "llmc-layout-weights needs the attribute npu.target on the module";
      return signalPassFailure();
    }
    if (failed(WeightLayout(getOperation(), target).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace llmc::passes
