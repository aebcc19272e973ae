// Pass llmc-specialize: static entries of the dynamic program.
#include "passes/Specialization/Specialize.h"

#include "dialects/Npu/Npu.h"
#include "passes/Specialization/LayerOutline.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_SPECIALIZEPASS
#include "passes/Specialization/Specialize.h.inc"

namespace {

Type withRows(Type type, int64_t rows) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getRank() == 0 || !tensor.isDynamicDim(0))
    return type;
  SmallVector<int64_t> shape(tensor.getShape());
  shape[0] = rows;
  return RankedTensorType::get(shape, tensor.getElementType());
}

/// Layers of equal signature and consecutive KV index.
struct Run {
  SmallVector<const Layer *> layers;
};

SmallVector<Run> runsOf(const LayeredProgram &program) {
  SmallVector<Run> runs;
  for (const Layer &layer : program.layers) {
    if (runs.empty() || runs.back().layers.front()->signature != layer.signature ||
        runs.back().layers.back()->index + 1 != layer.index)
      runs.emplace_back();
    runs.back().layers.push_back(&layer);
  }
  return runs;
}

/// Builds the entries of one module.
class Specializer {
public:
  Specializer(ModuleOp module, func::FuncOp main, const LayeredProgram &program)
      : module(module), main(main), program(program), runs(runsOf(program)), builder(main) {}

  void buildChunkEntry(lm::EntryKind kind, const std::string &name, int64_t rows) {
    SmallVector<func::FuncOp> callees;
    for (auto [number, run] : llvm::enumerate(runs))
      callees.push_back(buildLayer(run, number, rows));
    Type ids = withRows(main.getFunctionType().getInput(0), rows);
    Type hidden = withRows(program.layers.back().output.getType(), rows);
    func::FuncOp entry = beginFunction(name, {ids, builder.getI32Type()}, {hidden});
    setEntry(entry, kind, rows);
    IRMapping mapping;
    mapping.map(main.getArgument(0), entry.getArgument(0));
    mapping.map(main.getArgument(1), entry.getArgument(1));
    cloneOps(program.prologue, mapping, rows);
    Value state = mapping.lookup(program.layers.front().input);
    for (auto [run, callee] : llvm::zip(runs, callees))
      state =
          lm::RepeatOp::create(builder, main.getLoc(), state.getType(), state, entry.getArgument(1),
                               callee.getSymName(), run.layers.front()->index, bindingsOf(run));
    func::ReturnOp::create(builder, main.getLoc(), state);
  }

  void buildHead(const std::string &name, int64_t rows) {
    Type hidden = withRows(program.layers.back().output.getType(), rows);
    Value logits = main.getBody().front().getTerminator()->getOperand(0);
    func::FuncOp entry = beginFunction(name, {hidden}, {withRows(logits.getType(), rows)});
    setEntry(entry, lm::EntryKind::Head, rows);
    IRMapping mapping;
    mapping.map(program.layers.back().output, entry.getArgument(0));
    cloneOps(program.head, mapping, rows);
    func::ReturnOp::create(builder, main.getLoc(), mapping.lookup(logits));
  }

private:
  static void setEntry(func::FuncOp entry, lm::EntryKind kind, int64_t rows) {
    entry->setAttr(lm::EntryAttr::functionAttributeName,
                   lm::EntryAttr::get(entry.getContext(), kind, rows));
  }

  func::FuncOp beginFunction(const std::string &name, TypeRange inputs, TypeRange results) {
    builder.setInsertionPoint(main);
    auto function = func::FuncOp::create(builder, main.getLoc(), name,
                                         builder.getFunctionType(inputs, results));
    builder.setInsertionPointToStart(function.addEntryBlock());
    return function;
  }

  func::FuncOp buildLayer(const Run &run, size_t number, int64_t rows) {
    const Layer &layer = *run.layers.front();
    Type hidden = withRows(layer.input.getType(), rows);
    SmallVector<Type> inputs = {hidden, builder.getI32Type(), builder.getIndexType()};
    for (lm::GetOp weight : layer.weights)
      inputs.push_back(weight.getType());
    std::string name = "layer_" + std::to_string(number) + "_rows_" + std::to_string(rows);
    func::FuncOp function = beginFunction(name, inputs, {hidden});
    function.setPrivate();
    IRMapping mapping;
    mapping.map(layer.input, function.getArgument(lm::RepeatOp::hiddenArgument));
    mapping.map(main.getArgument(1), function.getArgument(lm::RepeatOp::positionArgument));
    for (auto [index, weight] : llvm::enumerate(layer.weights))
      bindWeight(layer, weight, function.getArgument(lm::RepeatOp::firstWeightArgument + index),
                 mapping);
    for (Operation *op : layer.ops)
      if (auto attention = dyn_cast<lm::AttentionOp>(op))
        mapping.map(attention.getLayer(), function.getArgument(lm::RepeatOp::layerArgument));
    cloneOps(layer.ops, mapping, rows);
    func::ReturnOp::create(builder, main.getLoc(), mapping.lookup(layer.output));
    return function;
  }

  /// Every lm.get of the same symbol within the layer is the same argument.
  void bindWeight(const Layer &layer, lm::GetOp weight, Value argument, IRMapping &mapping) {
    for (Operation *op : layer.ops)
      for (Value operand : op->getOperands())
        if (auto get = operand.getDefiningOp<lm::GetOp>();
            get && get.getWeight() == weight.getWeight())
          mapping.map(operand, argument);
  }

  ArrayAttr bindingsOf(const Run &run) {
    SmallVector<Attribute> bindings;
    for (size_t weight = 0; weight < run.layers.front()->weights.size(); ++weight) {
      SmallVector<Attribute> symbols;
      for (const Layer *layer : run.layers)
        symbols.push_back(
            FlatSymbolRefAttr::get(lm::GetOp(layer->weights[weight]).getWeightAttr().getAttr()));
      bindings.push_back(builder.getArrayAttr(symbols));
    }
    return builder.getArrayAttr(bindings);
  }

  /// Clones with static rows; constants are cloned where first needed.
  void cloneOps(ArrayRef<Operation *> ops, IRMapping &mapping, int64_t rows) {
    for (Operation *op : ops) {
      for (Value operand : op->getOperands())
        if (!mapping.contains(operand))
          builder.clone(*operand.getDefiningOp(), mapping);
      Operation *copy = builder.clone(*op, mapping);
      for (Value result : copy->getResults())
        result.setType(withRows(result.getType(), rows));
    }
  }

  ModuleOp module;
  func::FuncOp main;
  const LayeredProgram &program;
  SmallVector<Run> runs;
  OpBuilder builder;
};

struct SpecializePass : impl::SpecializePassBase<SpecializePass> {
  using SpecializePassBase::SpecializePassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main || !hasForm(main)) {
      module.emitError() << "llmc-specialize needs a function @main(tensor<?xi32>, i32) with one "
                            "result of two dimensions, the logits; run llmc-raise first";
      return signalPassFailure();
    }
    if (failed(readSizes(module)))
      return signalPassFailure();
    FailureOr<LayeredProgram> program = findLayers(main);
    if (failed(program))
      return signalPassFailure();
    roundCapacity(module);
    Specializer specializer(module, main, *program);
    for (int64_t rows : sizes)
      specializer.buildChunkEntry(lm::EntryKind::Prefill, "prefill_" + std::to_string(rows), rows);
    specializer.buildChunkEntry(lm::EntryKind::Decode, "decode", 1);
    if (rowsOfHead > 1 && rowsCanBeStored(main))
      specializer.buildHead("head_" + std::to_string(rowsOfHead), rowsOfHead);
    specializer.buildHead("head_1", 1);
    main.erase();
  }

  static bool hasForm(func::FuncOp main) {
    FunctionType type = main.getFunctionType();
    if (main.isExternal() || type.getNumInputs() != 2 || type.getNumResults() != 1)
      return false;
    auto ids = dyn_cast<RankedTensorType>(type.getInput(0)),
         logits = dyn_cast<RankedTensorType>(type.getResult(0));
    return ids && ids.getRank() == 1 && ids.getElementType().isInteger(32) &&
           type.getInput(1).isInteger(32) && logits && logits.getRank() == 2;
  }

  /// Rows of logits follow each other without gaps, so where a row's bytes are no multiple of what
  /// a transfer asks for, logits leave row by row.
  bool rowsCanBeStored(func::FuncOp main) {
    auto target = npu::TargetAttr::of(main->getParentOfType<ModuleOp>());
    int64_t vocabulary = cast<RankedTensorType>(main.getFunctionType().getResult(0)).getDimSize(1);
    if (!target || vocabulary * 4 % target.getAlignment() == 0)
      return true;
    main.emitWarning() << "the vocabulary of " << vocabulary
                       << " gives rows of logits that are no multiple of " << target.getAlignment()
                       << " bytes: the head computes one row at a time";
    return false;
  }

  LogicalResult readSizes(ModuleOp module) {
    auto target = npu::TargetAttr::of(module);
    sizes.assign(chunks.begin(), chunks.end());
    if (sizes.empty() && target)
      sizes.assign(target.getChunks().begin(), target.getChunks().end());
    rowsOfHead = headRows ? int64_t(headRows) : target ? target.getHeadRows() : 1;
    llvm::erase(sizes, 1);
    llvm::SmallDenseSet<int64_t> seen;
    for (int64_t size : sizes) {
      if (size < 1)
        return module.emitError() << "chunk size " << size << " is not positive";
      if (!seen.insert(size).second)
        return module.emitError() << "chunk size " << size << " is given twice";
    }
    if (rowsOfHead < 1)
      return module.emitError() << rowsOfHead << " head rows are not positive";
    return success();
  }

  /// A chunk may begin at the last position of the context, so the cache holds whole chunks.
  void roundCapacity(ModuleOp module) {
    int64_t largest = 1;
    for (int64_t size : sizes)
      largest = std::max(largest, size);
    for (lm::KvStateOp state : module.getOps<lm::KvStateOp>()) {
      int64_t capacity = (int64_t(state.getCapacity()) + largest - 1) / largest * largest;
      state.setCapacity(capacity);
    }
  }

  SmallVector<int64_t> sizes;
  int64_t rowsOfHead = 1;
};

} // namespace
} // namespace llmc::passes
