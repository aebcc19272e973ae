// What the commands of a direct program become in a plan: kernels, and operands of a trip.
#include "passes/Lowering/DirectOperands.h"

#include "dialects/Npu/NpuAccess.h"

using namespace mlir;

namespace llmc::passes {

DirectCall DirectOperands::callOf(Operation *command, Trip trip) {
  DirectCall call{kernelOf(command), {}};
  ArrayAttr accesses = npu::operandAccessesOf(command);
  SmallVector<unsigned> uses(accesses.size(), 0); // bits of plan::OperandAccess
  for (const npu::BufferAccess &touched : npu::accessesOf(command))
    for (auto [index, operand] : llvm::enumerate(command->getOperands()))
      if (operand == touched.buffer &&
          cast<npu::AccessAttr>(accesses[index]).getOffset() == touched.begin)
        uses[index] |=
            unsigned(touched.isWrite ? plan::OperandAccess::Write : plan::OperandAccess::Read);
  for (auto [index, operand] : llvm::enumerate(command->getOperands()))
    call.args.push_back(operandOf(npu::labelOf(command), operand,
                                  cast<npu::AccessAttr>(accesses[index]),
                                  plan::OperandAccess(uses[index]), trip));
  return call;
}

/// Index of the kernel that does what `command` does.
size_t DirectOperands::kernelOf(Operation *command) {
  SmallVector<Attribute> accesses;
  for (auto access : npu::operandAccessesOf(command).getAsRange<npu::AccessAttr>())
    accesses.push_back(npu::AccessAttr::get(builder.getContext(), access.getElement(),
                                            access.getBytes(), /*offset=*/0,
                                            access.getTokenStride(), access.getSubStride(),
                                            access.getArgument(), access.getArgumentStride()));
  NamedAttrList attributes(command->getAttrs());
  attributes.set("accesses", builder.getArrayAttr(accesses));
  attributes.erase("label");
  Attribute key = builder.getArrayAttr({builder.getStringAttr(command->getName().getStringRef()),
                                        attributes.getDictionary(builder.getContext())});
  auto [known, isNew] = indices.try_emplace(key, kernels.size());
  if (isNew)
    kernels.push_back(outline(command, accesses));
  return known->second;
}

npu::KernelOp DirectOperands::outline(Operation *command, ArrayRef<Attribute> accesses) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfter(kernels.empty() ? program.getOperation()
                                                 : kernels.back().getOperation());
  StringRef label = npu::labelOf(command);
  auto kernel =
      npu::KernelOp::create(builder, command->getLoc(), builder.getStringAttr(symbolOf(label)),
                            FlatSymbolRefAttr::get(program.getSymNameAttr()));
  symbols.insert(kernel); // renames where the name is taken
  builder.setInsertionPointToEnd(&kernel.getBody().emplaceBlock());
  SmallVector<Value> views;
  auto nowhere = npu::PlaceAttr::get(builder.getContext(), npu::Space::Scratch, 0, -1, 0, 0);
  for (auto [index, access] : llvm::enumerate(accesses))
    views.push_back(npu::ViewOp::create(
        builder, command->getLoc(), builder.getType<npu::BufferType>(),
        ("operand" + Twine(index)).str(), nowhere, cast<npu::AccessAttr>(access).getBytes(),
        IntegerAttr(), IntegerAttr()));
  Operation *copy = builder.clone(*command);
  copy->setOperands(views);
  copy->setAttr("accesses", builder.getArrayAttr(accesses));
  return kernel;
}

FlatSymbolRefAttr DirectOperands::operandOf(StringRef label, Value buffer, npu::AccessAttr access,
                                            plan::OperandAccess use, Trip trip) {
  auto view = buffer.getDefiningOp<npu::ViewOp>();
  if (!view)
    return out.operand(symbolOf(label), memories.scratch,
                       *buffer.getDefiningOp<npu::BufferOp>().getOffset() +
                           uint64_t(access.getOffset()),
                       uint64_t(access.getBytes()), use);
  if (view.getPlace().getSpace() != npu::Space::Paged)
    return placed(label, view.getPlace(), access.getOffset(), access.getBytes(), use, trip);
  int64_t slot = view.getSlot() ? int64_t(*view.getSlot()) : memories.slots; // behind all: rows
  return inPages(label, slot * memories.slotBytes + access.getOffset(), access.getBytes(), use);
}

FlatSymbolRefAttr DirectOperands::inPages(StringRef label, int64_t offset, int64_t bytes,
                                          plan::OperandAccess use) {
  return out.operand(symbolOf(label), memories.pages, uint64_t(offset), uint64_t(bytes), use);
}

FlatSymbolRefAttr DirectOperands::placed(StringRef label, npu::PlaceAttr place, int64_t offset,
                                         int64_t bytes, plan::OperandAccess use, Trip trip) {
  int64_t stride = place.getTripStride();
  SmallVector<Attribute> strides;
  if (trip.counted && stride != 0)
    strides.push_back(plan::StrideAttr::get(builder.getContext(), counter, stride));
  return out.operand(symbolOf(label), memoryOf(place.getSpace()),
                     uint64_t(place.getOffset() + offset + trip.shift * stride), uint64_t(bytes),
                     use, builder.getArrayAttr(strides));
}

SmallVector<DirectRead, 2> DirectOperands::readsOf(npu::ViewOp page, Trip trip) {
  SmallVector<DirectRead, 2> reads;
  npu::PlaceAttr place = page.getPlace();
  int64_t parts = page.getSecond() ? 2 : 1, bytes = int64_t(page.getBytes()) / parts,
          slot = int64_t(*page.getSlot()) * memories.slotBytes;
  for (int64_t part = 0; part < parts; ++part) {
    int64_t from = part ? int64_t(*page.getSecond()) - place.getOffset() : 0;
    reads.push_back({placed(page.getLabel(), place, from, bytes, plan::OperandAccess::Read, trip),
                     inPages("slot", slot + part * bytes, bytes, plan::OperandAccess::Write),
                     bytes});
  }
  return reads;
}

DirectGather DirectOperands::gatherOf(npu::EmbedRowsOp embed) {
  enum : unsigned { Ids, Table };
  auto access = [&](unsigned index) { return cast<npu::AccessAttr>(embed.getAccesses()[index]); };
  auto ids = embed.getOperands()[Ids].getDefiningOp<npu::ViewOp>(),
       table = embed.getOperands()[Table].getDefiningOp<npu::ViewOp>();
  int64_t rowBytes = int64_t(*embed.getGathered()), rows = int64_t(table.getBytes()) / rowBytes;
  constexpr auto read = plan::OperandAccess::Read;
  return {placed("table", table.getPlace(), 0, rows * rowBytes, read, {}),
          placed("ids", ids.getPlace(), access(Ids).getOffset(), access(Ids).getBytes(), read, {}),
          inPages("rows", memories.slots * memories.slotBytes, access(Table).getBytes(),
                  plan::OperandAccess::Write),
          rowBytes, rows};
}

FlatSymbolRefAttr DirectOperands::memoryOf(npu::Space space) const {
  switch (space) {
  case npu::Space::Weights:
    return memories.weights;
  case npu::Space::State:
    return memories.state;
  case npu::Space::Ids:
    return memories.ids;
  case npu::Space::Io:
    return memories.io;
  case npu::Space::Scratch:
    return memories.scratch;
  case npu::Space::Paged:
    return memories.paged;
  }
  llvm_unreachable("all spaces are listed");
}

} // namespace llmc::passes
