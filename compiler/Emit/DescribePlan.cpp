#include "compiler/Emit/DescribePlan.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace llmc {

namespace {

plan::RegionKind kindOf(const target::Memory &memory) {
  switch (memory.kind) {
  case target::MemoryKind::FlashXip:
    return plan::RegionKind::FlashXip;
  case target::MemoryKind::FlashPaged:
    return plan::RegionKind::FlashPaged;
  case target::MemoryKind::Sram:
    return plan::RegionKind::Sram;
  case target::MemoryKind::Dram:
    return plan::RegionKind::Dram;
  }
  llvm_unreachable("all memory kinds are listed");
}

std::string hex(const Sha256 &digest) { return llvm::toHex(digest, /*LowerCase=*/true); }

void describeModel(OpBuilder &b, Location loc, const ModelDescription &model) {
  IntegerAttr bos = model.bosId < 0 ? IntegerAttr() : b.getI64IntegerAttr(model.bosId);
  DenseI32ArrayAttr eos =
      model.eosIds.empty() ? DenseI32ArrayAttr() : b.getDenseI32ArrayAttr(model.eosIds);
  StringAttr digest = model.digest ? b.getStringAttr(hex(*model.digest)) : StringAttr();
  plan::ModelOp::create(b, loc, model.name, model.architecture, model.quantization, model.vocabSize,
                        model.contextLength, model.hiddenSize, model.layers, model.heads,
                        model.kvHeads, model.headDim, bos, eos, digest);
}

/// A target for each kind of code.
void describeTargets(OpBuilder &b, Location loc, const PlanDevice &device,
                     const std::string &symbol) {
  for (const target::Variant &variant : device.target->variants(*device.machine))
    plan::TargetOp::create(
        b, loc, symbol + (variant.name.empty() ? "" : "_" + variant.name), device.target->name(),
        device.machine->name, variant.name.empty() ? StringAttr() : b.getStringAttr(variant.name),
        variant.abi, variant.driverMin, b.getStringAttr(hex(device.machine->digest)));
}

} // namespace

void describePlan(ModuleOp module, const PlanDevices &devices, const PlanInputs &inputs) {
  const target::Machine &machine = *devices.own.machine;
  MLIRContext *context = module.getContext();
  context->getOrLoadDialect<plan::PlanDialect>();
  auto kind = [&](const std::string &name) { return kindOf(*machine.memory(name)); };
  const target::Placement &placement = machine.placement;
  module->setAttr(plan::PlacementAttr::moduleAttributeName,
                  plan::PlacementAttr::get(context, kindOf(machine.constants()),
                                           kind(placement.state), kind(placement.io),
                                           kind(placement.scratch)));
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  Location loc = module.getLoc();
  auto file = plan::FileOp::create(b, loc, "llmc " LLMC_VERSION, FlatSymbolRefAttr());
  b.setInsertionPointToEnd(&file.getBody().emplaceBlock());
  describeTargets(b, loc, devices.own, "machine");
  if (devices.fallback)
    describeTargets(b, loc, *devices.fallback, "fallback");
  describeModel(b, loc, inputs.model);
  if (!inputs.tokenizer.empty())
    plan::TokenizerOp::create(b, loc, "bpe", FlatSymbolRefAttr(), inputs.addBos, StringAttr());
  for (const KeyValueDescription &fact : inputs.metadata)
    plan::MetadataOp::create(b, loc, fact.key, fact.value);
}

} // namespace llmc
