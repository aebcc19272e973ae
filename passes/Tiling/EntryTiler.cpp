// Turns one entry function into one npu.program: structure, and where values live.
#include "passes/Tiling/EntryTiler.h"

using namespace mlir;

namespace llmc::passes {

EntryTiler::EntryTiler(ModuleOp module, func::FuncOp entry, npu::TargetAttr target,
                       const npu::IoLayout &layout, const StagedValues &staged)
    : module(module), entry(entry), target(target), layout(layout), staged(staged), symbols(module),
      builder(entry) {
  rows = lm::EntryAttr::of(entry).getRows();
}

/// The most bytes of one stream buffer. Loads run ahead of their use, so inside a program a tile
/// costs its setup and nothing else; at its end the last tile's kernels are waited for. A 64th of
/// on-chip memory balances the two (docs/decisions/2026-11-23-tile-size.md); below the floor, which
/// still leaves room for several buffers, setups add up.
int64_t EntryTiler::streamLimit() const {
  constexpr int64_t kFloor = 16 * 1024;
  int64_t sram = target.getSramBytes();
  return std::max(sram / 64, std::min(kFloor, sram / 32));
}

LogicalResult EntryTiler::run() {
  lm::EntryKind kind = lm::EntryAttr::of(entry).getKind();
  program = npu::ProgramOp::create(builder, entry.getLoc(), entry.getSymName(), kind, rows,
                                   builder.getArrayAttr({}), IntegerAttr(), IntegerAttr(),
                                   IntegerAttr(), IntegerAttr(), 0);
  program.getBody().emplaceBlock();
  builder.setInsertionPointToEnd(&program.getBody().front());
  out = std::make_unique<ProgramBuilder>(builder, program);
  bindArguments();
  return tileBlock(entry.getBody().front());
}

void EntryTiler::bindArguments() {
  if (lm::EntryAttr::of(entry).getKind() == lm::EntryKind::Head) {
    int64_t columns = cast<RankedTensorType>(entry.getArgument(0).getType()).getDimSize(1);
    int64_t row = out->argument(npu::ArgumentKind::Row, layout.rows - rows);
    TileTensor hidden{{}, npu::Element::F32, rows, columns, 0, columns * 4};
    define(entry.getArgument(0), loadRows("hidden", hidden, npu::Space::Io, 0, row));
    return;
  }
  int64_t capacity = 1;
  for (lm::KvStateOp state : module.getOps<lm::KvStateOp>())
    capacity = std::max(capacity, int64_t(state.getCapacity()));
  positionArgument = out->argument(npu::ArgumentKind::Position, capacity - 1);
  tokensArgument = out->argument(npu::ArgumentKind::Tokens, rows);
}

TileTensor EntryTiler::loadRows(const std::string &label, TileTensor shape, npu::Space space,
                                int64_t offset, int64_t argument) {
  shape.buffer = out->load(label, out->place(space, offset, argument, shape.tokenStride),
                           {shape.bytes(), -1}, 1, /*stream=*/false);
  return shape;
}

LogicalResult EntryTiler::tileBlock(Block &block) {
  for (Operation &op : block)
    if (failed(tileOp(&op)))
      return failure();
  return success();
}

/// Activations come from earlier commands; ids are read by the embedding alone.
LogicalResult EntryTiler::checkOperands(Operation *op) {
  for (Value operand : op->getOperands()) {
    Operation *producer = operand.getDefiningOp();
    bool isWeight = layerConstants.contains(operand) || isa_and_nonnull<lm::GetOp>(producer);
    bool isInGroup = producer && isa<lm::GroupOp>(producer->getParentOp());
    if (isa<RankedTensorType>(operand.getType()) && !isWeight && !isInGroup &&
        !tensors.contains(operand))
      return op->emitOpError() << "reads a value that no command of @" << entry.getSymName()
                               << " computes";
  }
  return success();
}

LogicalResult EntryTiler::tileOp(Operation *op) {
  if (isa<lm::GetOp>(op) || op->hasTrait<OpTrait::ConstantLike>())
    return success();
  if (!isa<lm::QuantizedEmbedOp, func::ReturnOp>(op) && failed(checkOperands(op)))
    return failure();
  if (auto embed = dyn_cast<lm::QuantizedEmbedOp>(op))
    return tileEmbed(embed);
  if (auto repeat = dyn_cast<lm::RepeatOp>(op))
    return tileRepeat(repeat);
  if (auto group = dyn_cast<lm::GroupOp>(op))
    return tileGroup(group);
  if (auto linear = dyn_cast<lm::QuantizedLinearOp>(op))
    return linear.getResult().hasOneUse() && isa<func::ReturnOp>(*linear->user_begin())
               ? tileLogits(linear)
               : tileLinear(linear);
  if (auto attention = dyn_cast<lm::AttentionOp>(op))
    return tileAttention(attention);
  if (auto rope = dyn_cast<lm::RopeOp>(op))
    return tileRope(rope, rope.getResult());
  if (auto ret = dyn_cast<func::ReturnOp>(op))
    return tileReturn(ret);
  if (isa<lm::RmsNormOp, lm::QuantizeRowsOp, lm::RoundF16Op, lm::GatedActOp, lm::AddOp>(op))
    return tileRowwise(op, op->getResults(), op->getName().stripDialect().str());
  return op->emitOpError() << "has no kernel on a quantized target; run llmc-quantize first, or "
                              "choose another recipe";
}

LogicalResult EntryTiler::tileGroup(lm::GroupOp group) {
  Block &body = group.getBody().front();
  SmallVector<Operation *> ops;
  for (Operation &op : body.without_terminator()) {
    if (failed(checkOperands(&op)))
      return failure();
    ops.push_back(&op);
  }
  auto yield = cast<lm::YieldOp>(body.getTerminator());
  for (auto [result, value] : llvm::zip(group.getResults(), yield.getValues()))
    if (value.getDefiningOp() != ops.back())
      return group.emitOpError() << "must yield the results of its last operation";
  if (auto gated = dyn_cast<lm::GatedActOp>(ops.back())) {
    auto gate = gated.getGate().getDefiningOp<lm::QuantizedLinearOp>(),
         up = gated.getUp().getDefiningOp<lm::QuantizedLinearOp>();
    if (gate && up && gate->getBlock() == &body && up->getBlock() == &body)
      return tileGatedGroup(group, gate, up, gated);
  }
  if (auto rope = dyn_cast<lm::RopeOp>(ops.front()))
    return tileRope(rope, group.getResult(0));
  return tileRowwise(ops, group.getResults(), ops.front()->getName().stripDialect().str());
}

LogicalResult EntryTiler::tileRepeat(lm::RepeatOp repeat) {
  // One loop per program: the longest run of layers. Others are tiled layer by layer.
  int64_t longest = 0;
  for (lm::RepeatOp other : entry.getBody().getOps<lm::RepeatOp>())
    longest = std::max(longest, other.count());
  bool hasLoop = !program.getBody().front().getOps<npu::TripsOp>().empty();
  define(repeat.getResult(), tensorOf(repeat.getHidden()));
  if (!hasLoop && repeat.count() == longest) {
    auto callee = symbols.lookup<func::FuncOp>(repeat.getCallee());
    WalkResult tables = callee.walk([&](lm::RopeOp rope) {
      return failed(ropeRows(rope)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (tables.wasInterrupted())
      return failure();
    auto trips = npu::TripsOp::create(builder, repeat.getLoc(), repeat.count());
    trips.getBody().emplaceBlock();
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&trips.getBody().front());
    return tileLayers(repeat, 0, /*looped=*/true);
  }
  for (int64_t layer = 0; layer < repeat.count(); ++layer)
    if (failed(tileLayers(repeat, layer, /*looped=*/false)))
      return failure();
  return success();
}

LogicalResult EntryTiler::tileLayers(lm::RepeatOp repeat, int64_t first, bool looped) {
  auto callee = symbols.lookup<func::FuncOp>(repeat.getCallee());
  layerFirst = int64_t(repeat.getFirst()) + first;
  layerLooped = looped;
  TileTensor hidden = tensorOf(repeat.getHidden());
  tensors[callee.getArgument(lm::RepeatOp::hiddenArgument)] = hidden;
  for (auto [index, binding] : llvm::enumerate(repeat.getBindings().getAsRange<ArrayAttr>())) {
    auto placeIn = [&](int64_t layer) -> ConstantPlace {
      StringRef weight = cast<FlatSymbolRefAttr>(binding[layer]).getValue();
      auto constant = symbols.lookup<npu::ConstantOp>(constantName(module, weight));
      if (!constant)
        return {-1}; // scales travel with their elements
      return placeOf(constant);
    };
    ConstantPlace place = placeIn(first);
    if (looped && repeat.count() > 1)
      place.tripStride = placeIn(1).offset - placeIn(0).offset;
    for (int64_t layer = 1; looped && layer < repeat.count(); ++layer)
      if (placeIn(layer).offset - placeIn(layer - 1).offset != place.tripStride)
        return repeat.emitOpError()
               << "weight " << index
               << " does not lie at a constant stride over the layers; run llmc-layout-weights";
    layerConstants[callee.getArgument(lm::RepeatOp::firstWeightArgument + index)] = place;
  }
  for (Operation &op : callee.getBody().front().without_terminator())
    if (failed(tileOp(&op)))
      return failure();
  const TileTensor &result = tensorOf(callee.getBody().front().getTerminator()->getOperand(0));
  if (!result.sharesPlaceWith(hidden))
    copyRows(result, hidden, "next_hidden");
  return success();
}

LogicalResult EntryTiler::tileReturn(func::ReturnOp ret) {
  auto found = tensors.find(ret.getOperand(0));
  if (found == tensors.end())
    return success(); // logits, stored tile by tile
  const TileTensor &hidden = found->second;
  int64_t perBlock = rowsPerBlock(hidden), rowBytes = hidden.columns * 4;
  for (int64_t first = 0; first < rows; first += perBlock) {
    int64_t count = std::min(perBlock, rows - first);
    TileTensor block = out->onChip("hidden", hidden.rowsFrom(first, count));
    out->store("hidden", block.buffer, block.offset, out->place(npu::Space::Io, first * rowBytes),
               rowBytes, {{count, -1}, rowBytes, block.tokenStride});
  }
  return success();
}

ConstantPlace EntryTiler::placeOf(npu::ConstantOp constant) {
  return {int64_t(constant.getOffset()), int64_t(constant.getBytes()), 0,
          constant.getPaged() ? npu::Space::Paged : npu::Space::Weights};
}

FailureOr<ConstantPlace> EntryTiler::placeOf(Value value, bool gathered) {
  auto layer = layerConstants.find(value);
  if (layer != layerConstants.end() && layer->second.offset >= 0)
    return layer->second;
  if (auto get = value.getDefiningOp<lm::GetOp>())
    if (auto constant =
            symbols.lookup<npu::ConstantOp>(constantName(module, get.getWeight(), gathered)))
      return placeOf(constant);
  return entry.emitError() << "a weight of @" << entry.getSymName()
                           << " has no place in the weights segment; run llmc-layout-weights";
}

bool EntryTiler::isLastUse(Value value, Operation *op) {
  Block *block = op->getBlock();
  while (block->getParentOp() && isa<lm::GroupOp>(block->getParentOp())) {
    op = block->getParentOp();
    block = op->getBlock();
  }
  for (Operation *user : value.getUsers()) {
    Operation *ancestor = block->findAncestorOpInBlock(*user);
    if (!ancestor || op->isBeforeInBlock(ancestor))
      return false;
  }
  return true;
}

void EntryTiler::define(Value value, TileTensor tensor) {
  tensors[value] = tensor;
  if (!tensor.isOffChip())
    holders[tensor.buffer].insert(value);
}

TileTensor EntryTiler::newTensor(Value value, const std::string &label, int64_t columns,
                                 npu::Element element) {
  return staged.contains(value) ? out->scratchTensor(label, rows, columns, element)
                                : out->tensor(label, rows, columns, element);
}

TileTensor EntryTiler::resultLike(Operation *op, Value lhs, Value result,
                                  const std::string &label) {
  const TileTensor &source = tensorOf(lhs);
  if (isLastUse(lhs, op) && source.isOffChip() == staged.contains(result))
    return source;
  return newTensor(result, label, source.columns, source.element);
}

int64_t EntryTiler::rowsPerBlock(ArrayRef<TileTensor> touched) {
  int64_t widest = 0;
  for (const TileTensor &tensor : touched)
    if (tensor.isOffChip())
      widest = std::max(widest, tensor.tokenStride);
  return widest ? std::clamp<int64_t>(streamLimit() / widest, 1, rows) : rows;
}

void EntryTiler::copyRows(const TileTensor &from, const TileTensor &to, const std::string &label) {
  int64_t perBlock = rowsPerBlock({from, to});
  Outlet outlet(*out, label, to, perBlock, to.columns);
  for (int64_t first = 0; first < rows; first += perBlock) {
    int64_t count = std::min(perBlock, rows - first);
    TileTensor source = out->onChip(label, from.rowsFrom(first, count)),
               block = outlet.open(first, count, 0, to.columns);
    ChainBuilder chain(*out, count, 1, {to.columns, -1});
    chain.store(npu::StepKind::StoreMatrix, viewOf(block),
                chain.load(npu::StepKind::LoadMatrix, viewOf(source)));
    chain.finish(label);
    outlet.close();
  }
}

} // namespace llmc::passes
