#include "passes/Tiling/DirectTiler.h"

#include "dialects/Npu/Fallback.h"
#include "dialects/Npu/KvLayout.h"

using namespace mlir;

namespace llmc::passes {

using npu::StepKind;

LogicalResult DirectTiler::run() {
  if (failed(EntryTiler::run()))
    return failure();
  bindTokens();
  return success();
}

/// Heads take all their rows; of one row there is nothing to leave out.
void DirectTiler::bindTokens() {
  if (tokensArgument < 0 || rows == 1)
    return;
  auto tokens = out->extent({rows, tokensArgument});
  program.walk([&](Operation *op) {
    if (npu::isCommand(op) && op->getAttrOfType<npu::ExtentAttr>("tokens") == out->extent({rows}))
      op->setAttr("tokens", tokens);
  });
}

TileTensor DirectTiler::loadRows(const std::string &label, TileTensor shape, npu::Space space,
                                 int64_t offset, int64_t argument) {
  auto bound = cast<npu::ArgumentAttr>(program.getArguments()[argument]);
  shape.argument = argument;
  shape.argumentStride = shape.tokenStride;
  shape.argumentBytes = bound.getMaximum() * shape.tokenStride;
  shape.buffer = out->view(label, out->place(space, offset), shape.bytes() + shape.argumentBytes);
  return shape;
}

Value DirectTiler::loadConstant(const std::string &label, const ConstantPlace &place,
                                int64_t bytes) {
  return out->view(label, placeAttr(place), bytes);
}

LogicalResult DirectTiler::tileReturn(func::ReturnOp ret) {
  auto found = tensors.find(ret.getOperand(0));
  if (found == tensors.end())
    return success(); // logits, which were computed in place
  TileTensor hidden = found->second, result = hidden;
  result.offset = 0;
  result.tokenStride = hidden.columns * 4;
  result.buffer = out->view("hidden", out->place(npu::Space::Io, 0), rows * result.tokenStride);
  copyRows(hidden, result, "hidden");
  return success();
}

LogicalResult DirectTiler::tileEmbed(lm::QuantizedEmbedOp embed) {
  FailureOr<ConstantPlace> place = placeOf(embed.getTable(), /*gathered=*/true);
  if (failed(place))
    return failure();
  auto type = cast<RankedTensorType>(embed.getTable().getType());
  TileTensor ids{
      out->view("ids", out->place(npu::Space::Ids, 0), rows * 4), npu::Element::I32, rows, 1, 0, 4};
  OperandView table{loadConstant("embedding", *place, place->bytes),
                    weightElementOf(embed.getFormat()),
                    0,
                    0,
                    0,
                    place->bytes};
  TileTensor result = newTensor(embed.getResult(), "hidden", type.getDimSize(1), npu::Element::F32);
  auto command = out->embedRows("embedding", {viewOf(ids), table, viewOf(result)}, rows,
                                result.columns, embed.getFormat());
  npu::setFallback(command, npu::fallbackOf(embed));
  define(embed.getResult(), result);
  return success();
}

bool DirectTiler::takes(lm::QuantizedLinearOp linear, int64_t columns, npu::Epilogue epilogue) {
  auto packing = npu::PackingAttr::of(module);
  int64_t k = tensorOf(linear.getInput()).columns;
  return !packing ||
         packing.takes(npu::ProductAttr::get(module.getContext(), linear.getFormat(), rows, columns,
                                             k, epilogue, bool(npu::fallbackOf(linear))));
}

FailureOr<OperandView> DirectTiler::packedRows(const TileTensor &input,
                                               lm::QuantizedLinearOp linear) {
  int64_t group = npu::PackingAttr::rowsGroupFor(linear.getFormat());
  StringAttr fallback = npu::fallbackOf(linear);
  auto packing = npu::PackingAttr::of(module);
  std::optional<int64_t> bytes =
      packing ? packing.rowsBytes(rows, input.columns, group, bool(fallback)) : std::nullopt;
  if (!bytes)
    return entry.emitError() << "@" << entry.getSymName() << " needs " << rows << " rows of "
                             << input.columns << " columns packed by groups of " << group
                             << ", of which " << npu::PackingAttr::moduleAttributeName
                             << " on the module gives no size";
  if (*bytes == 0)
    return viewOf(input);
  Value &known = packed[bool(fallback)][{input.buffer, group}];
  if (!known) {
    known = out->buffer("packed", *bytes);
    auto command =
        out->packRows("pack", {viewOf(input), {known, npu::Element::U8, 0, 0, 0, *bytes}}, rows,
                      input.columns, group);
    npu::setFallback(command, fallback);
  }
  return OperandView{known, npu::Element::U8, 0, 0, 0, *bytes};
}

static int64_t columnsOf(lm::QuantizedLinearOp linear) {
  return cast<RankedTensorType>(linear.getResult().getType()).getDimSize(1);
}

SmallVector<lm::QuantizedLinearOp> DirectTiler::adjacentTo(lm::QuantizedLinearOp first) {
  SmallVector<lm::QuantizedLinearOp> all = {first};
  FailureOr<LinearTiles> last = tilesOf(first);
  bool onFallback = bool(npu::fallbackOf(first));
  int64_t columns = columnsOf(first), granule = target.granuleOf(onFallback);
  for (Operation *op = first->getNextNode(); op && succeeded(last); op = op->getNextNode()) {
    auto next = dyn_cast<lm::QuantizedLinearOp>(op);
    if (!next || next.getInput() != first.getInput() || next.getFormat() != first.getFormat() ||
        next.getBias() || bool(npu::fallbackOf(next)) != onFallback || last->rows % granule != 0 ||
        !takes(first, columns + columnsOf(next), npu::Epilogue::Store))
      continue;
    FailureOr<LinearTiles> tiles = tilesOf(next);
    if (failed(tiles) || tiles->place.offset != last->place.offset + last->place.bytes ||
        tiles->place.tripStride != last->place.tripStride)
      continue;
    all.push_back(next);
    columns += columnsOf(next);
    last = tiles;
  }
  return all;
}

LogicalResult DirectTiler::multiply(ArrayRef<lm::QuantizedLinearOp> linears, int64_t columns,
                                    const TileTensor &result, const std::string &label,
                                    npu::Epilogue epilogue) {
  lm::QuantizedLinearOp first = linears.front();
  FailureOr<LinearTiles> tiles = tilesOf(first);
  if (failed(tiles))
    return failure();
  int64_t bytes = 0;
  for (lm::QuantizedLinearOp linear : linears)
    bytes += placeOf(linear.getWeight())->bytes;
  OperandView weights{loadConstant(label + ".weights", tiles->place, bytes),
                      weightElementOf(first.getFormat()),
                      0,
                      0,
                      0,
                      bytes};
  const TileTensor &input = tensorOf(first.getInput()), &scales = tensorOf(first.getInputScales());
  FailureOr<OperandView> a =
      rows == 1 ? FailureOr<OperandView>(viewOf(input)) : packedRows(input, first);
  if (failed(a))
    return failure();
  auto command =
      out->matmul(label, npu::MatmulKind::Linear, {*a, viewOf(scales), weights, viewOf(result)},
                  rows, 1, {columns}, {tiles->columns}, first.getFormat(), {}, false, epilogue);
  npu::setFallback(command, npu::fallbackOf(first));
  return success();
}

static Value otherTerm(lm::AddOp add, Value term) {
  return add.getLhs() == term ? add.getRhs() : add.getLhs();
}

lm::AddOp DirectTiler::addedBy(lm::QuantizedLinearOp linear) {
  if (!linear.getResult().hasOneUse() || !takes(linear, columnsOf(linear), npu::Epilogue::Add))
    return {};
  auto add = dyn_cast<lm::AddOp>(*linear->user_begin());
  if (!add || add->getBlock() != linear->getBlock())
    return {};
  Value other = otherTerm(add, linear.getResult());
  if (!tensors.contains(other))
    return {};
  for (Operation *user : other.getUsers()) {
    Operation *reader = linear->getBlock()->findAncestorOpInBlock(*user);
    if (user != add && (!reader || linear->isBeforeInBlock(reader)))
      return {};
  }
  return add;
}

LogicalResult DirectTiler::tileLinear(lm::QuantizedLinearOp linear) {
  if (merged.erase(linear))
    return success();
  if (lm::AddOp add = addedBy(linear)) {
    TileTensor sum = tensorOf(otherTerm(add, linear.getResult()));
    define(linear.getResult(), sum);
    define(add.getResult(), sum);
    merged.insert(add);
    return multiply({linear}, sum.columns, sum, "linear", npu::Epilogue::Add);
  }
  SmallVector<lm::QuantizedLinearOp> linears = adjacentTo(linear);
  int64_t columns = 0;
  for (lm::QuantizedLinearOp part : linears)
    columns += columnsOf(part);
  TileTensor result = out->tensor("linear", rows, columns, npu::Element::F32);
  if (failed(multiply(linears, columns, result, "linear")))
    return failure();
  int64_t first = 0;
  for (lm::QuantizedLinearOp part : linears) {
    define(part.getResult(), result.columnsFrom(first, columnsOf(part)));
    first += columnsOf(part);
    if (part != linear)
      merged.insert(part);
  }
  return success();
}

LogicalResult DirectTiler::tileLogits(lm::QuantizedLinearOp linear) {
  int64_t columns = columnsOf(linear);
  TileTensor logits{{}, npu::Element::F32, rows, columns, 0, columns * 4};
  logits.buffer =
      out->view("logits", out->place(npu::Space::Io, layout.logitsOffset()), logits.bytes());
  return multiply({linear}, columns, logits, "logits");
}

LogicalResult DirectTiler::tileGatedGroup(lm::GroupOp group, lm::QuantizedLinearOp gate,
                                          lm::QuantizedLinearOp up, lm::GatedActOp gated) {
  int64_t columns = columnsOf(gate);
  TileTensor g = out->tensor("gated", rows, columns, npu::Element::F32);
  define(group.getResult(0), g);
  if (ArrayRef(adjacentTo(gate)) == ArrayRef({gate, up}) &&
      takes(gate, 2 * columns, npu::Epilogue::SiluMul))
    return multiply({gate, up}, 2 * columns, g, "gated", npu::Epilogue::SiluMul);
  TileTensor u = out->tensor("up", rows, columns, npu::Element::F32);
  if (failed(multiply({gate}, columns, g, "gate")) || failed(multiply({up}, columns, u, "up")))
    return failure();
  ChainBuilder chain(*out, rows, 1, {columns});
  int64_t activated = chain.silu(chain.load(StepKind::LoadMatrix, viewOf(g)));
  chain.store(StepKind::StoreMatrix, viewOf(g),
              chain.step(StepKind::Mul, activated, chain.load(StepKind::LoadMatrix, viewOf(u))));
  chain.finish("gated_act");
  return success();
}

lm::AttentionOp DirectTiler::cachedBy(Value value) {
  if (!value.hasOneUse())
    return {};
  auto attention = dyn_cast<lm::AttentionOp>(*value.user_begin());
  bool isCached = attention && (attention.getK() == value || attention.getV() == value);
  return isCached ? attention : lm::AttentionOp();
}

/// A sub-row for each head.
TileTensor DirectTiler::cacheRows(lm::AttentionOp attention, bool isValue) {
  npu::KvLayout kv = npu::KvLayout::of(symbols.lookup<lm::KvStateOp>(attention.getState()));
  npu::PlaceAttr place = out->place(npu::Space::State, kv.offsetOf(layerFirst, isValue), -1, 0,
                                    layerLooped ? kv.layerBytes() : 0);
  TileTensor cache{out->view(isValue ? "kv.values" : "kv.keys", place, kv.keyBytes()),
                   npu::Element::F16,
                   rows,
                   kv.kvHeads * kv.headDim,
                   0,
                   kv.rowBytes()};
  cache.headStride = kv.headBytes();
  cache.argument = positionArgument;
  cache.argumentStride = kv.rowBytes();
  cache.argumentBytes = kv.keyBytes() - cache.bytes();
  return cache;
}

/// The whole of what `rows` is the part behind the position of.
static OperandView cacheView(const TileTensor &rows, const npu::KvLayout &kv) {
  return {rows.buffer, rows.element, 0, kv.rowBytes(), kv.headBytes(), kv.keyBytes()};
}

/// Rotated keys go to the cache at once.
TileTensor DirectTiler::rotatedTensor(Value value, int64_t columns, npu::Element element) {
  lm::AttentionOp attention = cachedBy(value);
  if (!attention || element != npu::Element::F16)
    return EntryTiler::rotatedTensor(value, columns, element);
  return cacheRows(attention, attention.getV() == value);
}

/// What is only rounded before it is cached is rounded by the store.
LogicalResult DirectTiler::tileRowwise(ArrayRef<Operation *> ops, ValueRange results,
                                       const std::string &label) {
  if (merged.erase(ops.front()))
    return success();
  auto round = dyn_cast<lm::RoundF16Op>(ops.front());
  if (!round || ops.size() != 1 || !cachedBy(results.front()))
    return EntryTiler::tileRowwise(ops, results, label);
  define(results.front(), tensorOf(round.getInput()));
  return success();
}

void DirectTiler::appendRows(const TileTensor &from, const TileTensor &cache, int64_t heads) {
  OperandView source = viewOf(from), into = viewOf(cache);
  source.subStride = from.columns / heads * from.elementBytes();
  into.subStride = cache.headStride;
  ChainBuilder chain(*out, rows, heads, {from.columns / heads});
  chain.store(StepKind::StoreMatrix, into, chain.load(StepKind::LoadMatrix, source));
  chain.finish("kv.append");
}

/// The chunk's rows join the cache before anything reads it.
LogicalResult DirectTiler::tileAttention(lm::AttentionOp attention) {
  auto state = symbols.lookup<lm::KvStateOp>(attention.getState());
  if (failed(checkCache(attention, state)))
    return failure();
  npu::KvLayout kv = npu::KvLayout::of(state);
  TileTensor cached[2];
  for (bool isValue : {false, true}) {
    const TileTensor &from = tensorOf(isValue ? attention.getV() : attention.getK());
    cached[isValue] = from.headStride ? from : cacheRows(attention, isValue);
    if (!from.headStride)
      appendRows(from, cached[isValue], kv.kvHeads);
  }
  int64_t heads = attention.getHeads();
  TileTensor result =
      newTensor(attention.getResult(), "attention", heads * kv.headDim, npu::Element::F32);
  OperandView q = viewOf(tensorOf(attention.getQ())), into = viewOf(result);
  q.subStride = kv.rowBytes();
  into.subStride = kv.headDim * 4;
  out->attention("attention", {q, cacheView(cached[0], kv), cacheView(cached[1], kv), into}, rows,
                 heads, state, attention.getScaleAttr(), positionArgument);
  define(attention.getResult(), result);
  return success();
}

} // namespace llmc::passes
