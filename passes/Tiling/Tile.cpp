// Pass llmc-tile: entries become programs of transfers, matrix tiles and vector chains.
#include "passes/Tiling/Tile.h"

#include "passes/Tiling/DirectTiler.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_TILEPASS
#include "passes/Tiling/Tile.h.inc"

namespace {

struct TilePass : impl::TilePassBase<TilePass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto target = npu::TargetAttr::of(module);
    if (!target) {
      module.emitError() << "llmc-tile needs the attribute npu.target on the module";
      return signalPassFailure();
    }
    SmallVector<func::FuncOp> entries, functions(module.getOps<func::FuncOp>());
    llvm::copy_if(functions, std::back_inserter(entries),
                  [](func::FuncOp f) { return bool(lm::EntryAttr::of(f)); });
    npu::IoLayout layout = layoutOf(entries);
    npu::NpuDialect::setChunkRows(module, layout.rows);
    for (func::FuncOp entry : entries)
      if (failed(tileEntry(entry, target, layout)))
        return signalPassFailure();
    for (func::FuncOp function : functions)
      function.erase();
  }

  /// Tiles again, with one buffer's values in scratch besides, as long as the program needs more
  /// than there is and something can be staged. What does not fit then is for llmc-plan-memory to
  /// say.
  LogicalResult tileEntry(func::FuncOp entry, npu::TargetAttr target, const npu::IoLayout &layout) {
    StagedValues staged;
    if (target.getDirect())
      return DirectTiler(getOperation(), entry, target, layout, staged).run();
    int64_t capacity = target.getSramBytes();
    while (true) {
      EntryTiler tiler(getOperation(), entry, target, layout, staged);
      if (failed(tiler.run()))
        return failure();
      ArrayRef<Value> more = valuesToStage(tiler.result(), tiler.bufferHolders(), target, capacity);
      if (more.empty())
        return placeScratch(tiler.result(), tiler.scratchTensors());
      numStaged += more.size();
      staged.insert(more.begin(), more.end());
      tiler.result().erase();
      // Once something leaves, a 16th is left for gaps between buffers and loads running ahead.
      capacity = target.getSramBytes() / 16 * 15;
    }
  }

  static npu::IoLayout layoutOf(ArrayRef<func::FuncOp> entries) {
    npu::IoLayout layout;
    for (func::FuncOp entry : entries) {
      FunctionType type = entry.getFunctionType();
      bool isHead = lm::EntryAttr::of(entry).getKind() == lm::EntryKind::Head;
      auto hidden = cast<RankedTensorType>(isHead ? type.getInput(0) : type.getResult(0));
      layout.rows = std::max(layout.rows, hidden.getDimSize(0));
      layout.hidden = std::max(layout.hidden, hidden.getDimSize(1));
    }
    return layout;
  }
};

} // namespace
} // namespace llmc::passes
