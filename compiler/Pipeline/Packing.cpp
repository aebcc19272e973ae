#include "compiler/Pipeline/Packing.h"

#include "compiler/Emit/EmitProgram.h"
#include "compiler/Emit/KernelSupport.h"
#include "compiler/Pipeline/Placement.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <algorithm>
#include <fmt/format.h>

using namespace mlir;

namespace llmc {

namespace {

class PackedSizes {
public:
  PackedSizes(MLIRContext *context, const PlanDevices &devices)
      : context(context), devices(devices) {}

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

  npu::PackingAttr attribute(ArrayRef<npu::ProductAttr> refused) const {
    return npu::PackingAttr::get(context, weights.getArrayRef(), rows.getArrayRef(), refused);
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
    const target::Target &target = *devices.of(op).target;
    const target::Machine &machine = *devices.of(op).machine;
    uint64_t bytes = target.packedBytes(machine, linear.format, linear.n.value, linear.k.value);
    if (bytes == 0)
      return op->emitOpError() << "has weights that target '" << target.name()
                               << "' does not take on " << machine.name << ": "
                               << verdictOn(linear, devices.of(op)).reason
                               << "; use another recipe or another target";
    weights.insert(npu::PackedWeightsAttr::get(context, format, type.getDimSize(0),
                                               type.getDimSize(1), int64_t(bytes),
                                               bool(npu::fallbackOf(op))));
    return isStream ? addGranule(op, format, linear, bytes) : success();
  }

  /// Tiles are runs of granules: those must add up, and be fit for transfers.
  LogicalResult addGranule(Operation *op, lm::FormatAttr format, const target::Matmul &linear,
                           uint64_t bytes) {
    const target::Target &target = *devices.own.target;
    const target::Machine &machine = *devices.own.machine;
    uint32_t granule = target.rowGranule(machine), rows = linear.n.value, columns = linear.k.value;
    uint64_t each = target.packedBytes(machine, linear.format, granule, columns),
             rest = rows % granule
                        ? target.packedBytes(machine, linear.format, rows % granule, columns)
                        : 0;
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
    weights.insert(npu::PackedWeightsAttr::get(context, format, granule, columns, int64_t(each),
                                               /*fallback=*/false));
    return success();
  }

  /// One row is read as it is.
  void addRows(lm::QuantizedLinearOp linear) {
    int64_t columns = cast<RankedTensorType>(linear.getInput().getType()).getDimSize(1),
            group = npu::PackingAttr::rowsGroupFor(linear.getFormat());
    const PlanDevice &device = devices.of(linear);
    std::vector<uint32_t> counts = devices.chunks;
    counts.push_back(devices.own.machine->headRows);
    llvm::erase(counts, 1u);
    for (uint32_t count : counts) {
      target::PackRows pack{{count}, 1, uint32_t(columns), uint32_t(group)};
      uint64_t bytes = device.target->packedRowsBytes(*device.machine, pack);
      rows.insert(npu::PackedRowsAttr::get(context, count, columns, group, int64_t(bytes),
                                           bool(npu::fallbackOf(linear))));
    }
  }

  MLIRContext *context;
  const PlanDevices &devices;
  const bool isStream = devices.own.machine->dispatch == target::DispatchKind::Stream;
  llvm::SetVector<npu::PackedWeightsAttr> weights;
  llvm::SetVector<npu::PackedRowsAttr> rows;
};

/// Products that tiling may make of linear layers, asked for before it does: with an epilogue, and
/// of layers side by side that read the same rows.
class Products {
public:
  explicit Products(const PlanDevices &devices) : devices(devices) {}

  void add(func::FuncOp function) {
    using Group = std::pair<Value, Attribute>; // rows and format
    llvm::MapVector<Group, SmallVector<lm::QuantizedLinearOp>> sideBySide;
    function.walk([&](lm::QuantizedLinearOp linear) {
      sideBySide[{linear.getInput(), linear.getFormat()}].push_back(linear);
      if (linear.getResult().hasOneUse())
        addEpilogue(linear, *linear->user_begin());
    });
    for (const auto &[group, linears] : sideBySide)
      for (size_t first = 0; first < linears.size(); ++first) {
        uint32_t columns = productOf(linears[first]) ? productOf(linears[first])->n.value : 0;
        for (size_t last = first + 1; columns && last < linears.size(); ++last)
          ask(linears[first], columns += productOf(linears[last])->n.value, npu::Epilogue::Store);
      }
  }

  ArrayRef<npu::ProductAttr> refused() const { return all.getArrayRef(); }

private:
  void addEpilogue(lm::QuantizedLinearOp linear, Operation *user) {
    std::optional<target::Matmul> product = productOf(linear);
    if (product && isa<lm::AddOp>(user))
      ask(linear, product->n.value, npu::Epilogue::Add);
    if (product && isa<lm::GatedActOp>(user))
      ask(linear, 2 * product->n.value, npu::Epilogue::SiluMul);
  }

  void ask(lm::QuantizedLinearOp linear, uint32_t columns, npu::Epilogue epilogue) {
    target::Matmul product = *productOf(linear);
    product.n.value = columns;
    product.epilogue = target::Epilogue(epilogue);
    for (const target::Extent &tokens : chunkTokens(devices)) {
      auto question =
          npu::ProductAttr::get(linear.getContext(), linear.getFormat(), tokens.value, columns,
                                product.k.value, epilogue, bool(npu::fallbackOf(linear)));
      product.tokens = tokens;
      if (asked.insert(question).second && !verdictOn(product, devices.of(linear)).supported)
        all.insert(question);
    }
  }

  const PlanDevices &devices;
  llvm::DenseSet<npu::ProductAttr> asked;
  llvm::SetVector<npu::ProductAttr> all;
};

} // namespace

npu::PackingAttr packingOf(ModuleOp module, const PlanDevices &devices) {
  PackedSizes sizes(module.getContext(), devices);
  WalkResult all = module.walk([&](Operation *op) {
    return failed(sizes.add(op)) ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (all.wasInterrupted())
    return {};
  Products products(devices);
  if (devices.own.machine->dispatch == target::DispatchKind::Kernel)
    for (auto function : module.getOps<func::FuncOp>())
      products.add(function);
  return sizes.attribute(products.refused());
}

} // namespace llmc
