#include "compiler/Pipeline/Placement.h"

#include "compiler/Emit/EmitProgram.h"
#include "compiler/Emit/KernelSupport.h"
#include "dialects/Npu/NpuAccess.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

#include <map>
#include <numeric>

using namespace mlir;

namespace llmc {

std::vector<target::Extent> chunkTokens(const PlanDevices &devices) {
  constexpr int16_t tokens = 1; // the plan's parameter
  std::vector<target::Extent> all = {{1, -1}};
  for (uint32_t rows : devices.chunks)
    if (rows != 1)
      all.push_back({rows, tokens});
  return all;
}

std::vector<target::Extent> headTokens(const target::Machine &machine) {
  std::vector<target::Extent> all = {{1, -1}};
  if (machine.headRows != 1)
    all.push_back({machine.headRows, -1});
  return all;
}

std::optional<target::Matmul> productOf(lm::QuantizedLinearOp linear) {
  auto type = cast<RankedTensorType>(linear.getWeight().getType());
  target::Matmul product;
  product.n.value = uint32_t(type.getDimSize(0));
  product.k.value = uint32_t(type.getDimSize(1));
  return convertFormat(linear.getFormat(), product.format) ? std::optional(product) : std::nullopt;
}

namespace {

bool isHead(lm::QuantizedLinearOp linear) {
  return llvm::any_of(linear->getUsers(),
                      [](Operation *user) { return isa<func::ReturnOp>(user); });
}

class WeightPlacement {
public:
  WeightPlacement(const PlanDevices &devices, bool gathers) : devices(devices), gathers(gathers) {}

  LogicalResult run(ModuleOp module) {
    llvm::MapVector<StringAttr, SmallVector<Operation *>> users; // by matrix
    module.walk([&](Operation *op) {
      auto linear = dyn_cast<lm::QuantizedLinearOp>(op);
      auto embed = dyn_cast<lm::QuantizedEmbedOp>(op);
      Value matrix = linear ? linear.getWeight() : embed ? embed.getTable() : Value();
      if (auto get = matrix ? matrix.getDefiningOp<lm::GetOp>() : lm::GetOp())
        users[get.getWeightAttr().getAttr()].push_back(op);
    });
    for (const auto &[name, ops] : users)
      if (failed(place(ops)))
        return failure();
    return success();
  }

private:
  LogicalResult place(ArrayRef<Operation *> ops) {
    std::string first;
    for (Operation *op : ops)
      if (first.empty())
        first = refusalOf(op, devices.own);
    if (first.empty())
      return success();
    for (Operation *op : ops) {
      std::string other = refusalOf(op, *devices.fallback), own = refusalOf(op, devices.own);
      if (!other.empty())
        return op->emitOpError() << "has weights that neither " << devices.own.machine->name
                                 << " takes (" << first << ") nor "
                                 << devices.fallback->machine->name << " (" << other
                                 << "); use another recipe or another target";
      // What is refused is said of what is refused; the others are its company.
      npu::setFallback(
          op,
          StringAttr::get(op->getContext(),
                          own.empty() ? "shares weights that are read elsewhere: " + first : own));
    }
    return success();
  }

  std::string refusalOf(Operation *op, const PlanDevice &device) {
    auto embed = dyn_cast<lm::QuantizedEmbedOp>(op);
    return embed ? refusalOfEmbed(embed, device)
                 : refusalOfLinear(cast<lm::QuantizedLinearOp>(op), device);
  }

  /// Layers are alike: each question is asked once.
  std::string refusalOfLinear(lm::QuantizedLinearOp linear, const PlanDevice &device) {
    std::optional<target::Matmul> product = productOf(linear);
    if (!product)
      return "";
    const Key key = {device.machine, isHead(linear), linear.getFormat().getAsOpaquePointer(),
                     product->n.value, product->k.value};
    auto [known, isNew] = answers.try_emplace(key);
    if (isNew)
      known->second =
          ask(*product, npu::PackingAttr::rowsGroupFor(linear.getFormat()),
              isHead(linear) ? headTokens(*devices.own.machine) : chunkTokens(devices), device);
    return known->second;
  }

  static std::string ask(target::Matmul product, int64_t group,
                         const std::vector<target::Extent> &tokens, const PlanDevice &device) {
    for (const target::Extent &rows : tokens) {
      product.tokens = rows;
      if (target::Verdict verdict = verdictOn(product, device); !verdict.supported)
        return verdict.reason;
      target::PackRows pack{rows, 1, product.k.value, uint32_t(group)};
      if (rows.value == 1 || device.target->packedRowsBytes(*device.machine, pack) == 0)
        continue;
      if (target::Verdict verdict = verdictOn(pack, device); !verdict.supported)
        return verdict.reason;
    }
    return layoutRefusal(product.format, product.n.value, product.k.value, device);
  }

  static std::string layoutRefusal(const target::WeightFormat &format, uint32_t rows,
                                   uint32_t columns, const PlanDevice &device) {
    return device.target->packedBytes(*device.machine, format, rows, columns)
               ? ""
               : "it has no layout for weights";
  }

  std::string refusalOfEmbed(lm::QuantizedEmbedOp embed, const PlanDevice &device) {
    auto type = cast<RankedTensorType>(embed.getTable().getType());
    target::EmbedRows rows;
    rows.columns = uint32_t(type.getDimSize(1));
    rows.gathered = gathers;
    if (!convertFormat(embed.getFormat(), rows.format))
      return "";
    for (const target::Extent &tokens : chunkTokens(devices)) {
      rows.tokens = tokens;
      if (target::Verdict verdict = verdictOn(rows, device); !verdict.supported)
        return verdict.reason;
    }
    return layoutRefusal(rows.format, uint32_t(type.getDimSize(0)), rows.columns, device);
  }

  using Key = std::tuple<const target::Machine *, bool, const void *, uint32_t, uint32_t>;

  const PlanDevices &devices;
  bool gathers;
  std::map<Key, std::string> answers;
};

struct PlaceKernelsPass : PassWrapper<PlaceKernelsPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(PlaceKernelsPass)

  explicit PlaceKernelsPass(const PlanDevices &devices) : devices(devices) {}
  StringRef getArgument() const final { return "llmc-place-kernels"; }

  void runOnOperation() override {
    for (auto program : getOperation().getOps<npu::ProgramOp>()) {
      // Where arguments end up in the plan is decided later; here each is itself.
      std::vector<int16_t> arguments(program.getArguments().size());
      std::iota(arguments.begin(), arguments.end(), int16_t(0));
      program.walk([&](Operation *op) {
        if (isa<npu::ChainOp, npu::AttentionOp>(op))
          place(op, emitWork(op, arguments));
      });
    }
  }

  void place(Operation *op, const target::KernelWork &work) {
    target::Verdict own = verdictOn(work, devices.own);
    if (!own.supported && verdictOn(work, *devices.fallback).supported)
      npu::setFallback(op, StringAttr::get(&getContext(), own.reason));
  }

  PlanDevices devices;
};

} // namespace

LogicalResult placeWeights(ModuleOp module, const PlanDevices &devices, bool gathers) {
  return devices.fallback ? WeightPlacement(devices, gathers).run(module) : success();
}

std::unique_ptr<Pass> createPlaceKernelsPass(const PlanDevices &devices) {
  return std::make_unique<PlaceKernelsPass>(devices);
}

} // namespace llmc
