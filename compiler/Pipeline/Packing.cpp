#include "compiler/Pipeline/Packing.h"

#include "compiler/Emit/EmitProgram.h"

#include "llvm/ADT/SetVector.h"

#include <algorithm>
#include <fmt/format.h>

using namespace mlir;

namespace llmc {

namespace {

class PackedSizes {
public:
  PackedSizes(MLIRContext *context, const target::Target &target, const target::Machine &machine)
      : context(context), target(target), machine(machine) {}

  LogicalResult add(Operation *op) {
    auto embed = dyn_cast<lm::QuantizedEmbedOp>(op);
    if (embed && isStream) // rows are records
      return success();
    if (embed)
      return addWeights(op, embed.getFormat(), embed.getTable());
    auto linear = dyn_cast<lm::QuantizedLinearOp>(op);
    if (!linear)
      return success();
    if (!isStream)
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
    return isStream ? addGranule(op, format, linear, bytes) : success();
  }

  /// Tiles are runs of granules: those must add up, and be fit for transfers.
  LogicalResult addGranule(Operation *op, lm::FormatAttr format, const target::Matmul &linear,
                           uint64_t bytes) {
    uint32_t granule = target.rowGranule(machine), rows = linear.n.value, columns = linear.k.value;
    uint64_t each = target.packedBytes(linear.format, granule, columns),
             rest = rows % granule ? target.packedBytes(linear.format, rows % granule, columns) : 0;
    uint32_t alignment =
        std::max(machine.memory(machine.placement.weights)->alignment, machine.sram().alignment);
    auto refuse = [&](const std::string &reason) {
      return op->emitOpError() << "has weights that target '" << target.name() << "' packs in "
                               << "pieces that do not fit on " << machine.name << ": " << reason;
    };
    if (each == 0 || each % alignment != 0)
      return refuse(fmt::format("{} rows of {} columns take {} bytes, which must be a multiple of "
                                "{}",
                                granule, columns, each, alignment));
    if (bytes != rows / granule * each + rest)
      return refuse(fmt::format("{} rows of {} columns take {} bytes, by {} rows they take {}",
                                rows, columns, bytes, granule, rows / granule * each + rest));
    weights.insert(npu::PackedWeightsAttr::get(context, format, granule, columns, int64_t(each)));
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
  const bool isStream = machine.dispatch == target::DispatchKind::Stream;
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
