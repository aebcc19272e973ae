#include "compiler/Pipeline/Packing.h"

#include "compiler/Emit/EmitProgram.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace llmc {

namespace {

class PackedSizes {
public:
  PackedSizes(MLIRContext *context, const target::Target &target, const target::Machine &machine)
      : context(context), target(target), machine(machine) {}

  LogicalResult add(Operation *op) {
    if (auto embed = dyn_cast<lm::QuantizedEmbedOp>(op))
      return addWeights(op, embed.getFormat(), embed.getTable());
    auto linear = dyn_cast<lm::QuantizedLinearOp>(op);
    if (!linear)
      return success();
    addRows(linear);
    return addWeights(op, linear.getFormat(), linear.getWeight());
  }

  npu::PackingAttr attribute() const {
    return npu::PackingAttr::get(context, weights.getArrayRef(), rows.getArrayRef());
  }

private:
  LogicalResult addWeights(Operation *op, lm::FormatAttr format, Value matrix) {
    auto type = cast<RankedTensorType>(matrix.getType());
    target::Matmul linear;
    linear.tokens.value = 1;
    linear.n.value = uint32_t(type.getDimSize(0));
    linear.k.value = uint32_t(type.getDimSize(1));
    if (!convertFormat(format, linear.format))
      return op->emitOpError() << "has weights in " << format << ", which no target decodes yet";
    uint64_t bytes = target.packedBytes(linear.format, linear.n.value, linear.k.value);
    if (bytes == 0)
      return op->emitOpError() << "has weights that target '" << target.name()
                               << "' does not take on " << machine.name << ": "
                               << target.supports(machine, linear).reason
                               << "; use another recipe or another target";
    weights.insert(npu::PackedWeightsAttr::get(context, format, type.getDimSize(0),
                                               type.getDimSize(1), int64_t(bytes)));
    return success();
  }

  /// One row is read as it is.
  void addRows(lm::QuantizedLinearOp linear) {
    int64_t columns = cast<RankedTensorType>(linear.getInput().getType()).getDimSize(1),
            group = npu::PackingAttr::rowsGroupFor(linear.getFormat());
    std::vector<uint32_t> counts = machine.prefillChunks;
    counts.push_back(machine.headRows);
    for (uint32_t count : counts) {
      target::PackRows pack{{count}, 1, uint32_t(columns), uint32_t(group)};
      if (uint64_t bytes = count == 1 ? 0 : target.packedRowsBytes(machine, pack))
        rows.insert(npu::PackedRowsAttr::get(context, count, columns, group, int64_t(bytes)));
    }
  }

  MLIRContext *context;
  const target::Target &target;
  const target::Machine &machine;
  llvm::SetVector<npu::PackedWeightsAttr> weights;
  llvm::SetVector<npu::PackedRowsAttr> rows;
};

} // namespace

npu::PackingAttr packingOf(ModuleOp module, const target::Target &target,
                           const target::Machine &machine) {
  PackedSizes sizes(module.getContext(), target, machine);
  WalkResult all = module.walk([&](Operation *op) {
    return failed(sizes.add(op)) ? WalkResult::interrupt() : WalkResult::advance();
  });
  return all.wasInterrupted() ? npu::PackingAttr() : sizes.attribute();
}

} // namespace llmc
