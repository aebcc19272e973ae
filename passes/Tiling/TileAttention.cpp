// Attention: cached keys and values stream in by KV head; scores of a block of rows are kept whole,
// since the softmax needs the true maximum.
#include "dialects/Npu/KvLayout.h"
#include "passes/Tiling/EntryTiler.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace llmc::passes {

using npu::StepKind;

/// Shapes and buffers of one attention operation.
struct EntryTiler::AttentionPlan {
  FloatAttr scale;
  TileTensor q, k, v, result;
  npu::KvLayout kv;
  int64_t heads = 0, subRows = 0;       ///< Query heads; those that share one KV head.
  int64_t layer = 0;                    ///< KV layer of the first trip.
  int64_t layerStride = 0;              ///< State bytes per trip.
  int64_t cachedRows = 0;               ///< Most positions before the chunk.
  int64_t rowsPerLoad = 0, loads = 0;   ///< Cached positions per stream buffer.
  int64_t rowsPerBlock = 0, blocks = 0; ///< Query rows whose scores are held together.
  int64_t columns = 0;                  ///< Of a row of scores.
  SmallVector<TileTensor, 2> scores, probabilities, inverseSums;
  bool keepsCache = false;
  SmallVector<Value> keys, values; ///< Of the KV head at hand, where it is kept.

  /// Cached positions that stream buffer `load` covers.
  int64_t firstOf(int64_t load) const { return load * rowsPerLoad; }
  int64_t countOf(int64_t load) const { return std::min(rowsPerLoad, cachedRows - firstOf(load)); }
  int64_t blockRows(int64_t block, int64_t rows) const {
    return std::min(rowsPerBlock, rows - block * rowsPerBlock);
  }
};

EntryTiler::AttentionPlan EntryTiler::planAttention(lm::AttentionOp attention,
                                                    lm::KvStateOp state) {
  AttentionPlan plan;
  plan.scale = attention.getScaleAttr();
  plan.q = tensorOf(attention.getQ());
  plan.k = tensorOf(attention.getK());
  plan.v = tensorOf(attention.getV());
  plan.kv = npu::KvLayout::of(state);
  plan.heads = attention.getHeads();
  plan.subRows = plan.heads / plan.kv.kvHeads;
  plan.layer = layerFirst;
  plan.layerStride = layerLooped ? plan.kv.layerBytes() : 0;
  // A context of one token caches none.
  plan.cachedRows = std::max<int64_t>(plan.kv.capacity - 1, 1);
  int64_t fitting = std::max<int64_t>(2 * streamLimit() / plan.kv.rowBytes(), 16);
  plan.loads = llvm::divideCeil(plan.cachedRows, fitting);
  plan.rowsPerLoad = llvm::divideCeil(plan.cachedRows, plan.loads);
  plan.columns = llvm::alignTo(plan.cachedRows + rows, 8);
  int64_t perRow = plan.subRows * plan.columns * 6; // f32 scores and f16 probabilities
  plan.rowsPerBlock = std::clamp<int64_t>(
      llvm::bit_floor(uint64_t(std::max<int64_t>(target.getSramBytes() / 10 / perRow, 1))), 1,
      rows);
  plan.blocks = llvm::divideCeil(rows, plan.rowsPerBlock);
  // Several blocks read one copy where it leaves room for other streams; else, and for one block,
  // every part of the cache is loaded where it is read.
  plan.keepsCache =
      plan.blocks > 1 && 4 * plan.cachedRows * plan.kv.rowBytes() <= target.getSramBytes();
  return plan;
}

/// Two sets: the next block is scored while one is weighed.
void EntryTiler::allocateScores(AttentionPlan &plan) {
  int64_t blockRows = plan.rowsPerBlock * plan.subRows;
  for (int64_t i = 0; i < std::min<int64_t>(2, plan.blocks * plan.kv.kvHeads); ++i) {
    std::string suffix = std::to_string(i);
    plan.scores.push_back(
        out->tensor("scores" + suffix, blockRows, plan.columns, npu::Element::F32));
    plan.probabilities.push_back(
        out->tensor("probabilities" + suffix, blockRows, plan.columns, npu::Element::F16));
    plan.inverseSums.push_back(
        out->tensor("inverse_sums" + suffix, blockRows, 1, npu::Element::F32));
  }
}

LogicalResult EntryTiler::checkCache(lm::AttentionOp attention, lm::KvStateOp state) {
  if (state.getElement().isF16())
    return success();
  return attention.emitOpError()
         << "keeps f32 keys and values, which has no kernel; a quantized recipe keeps f16";
}

LogicalResult EntryTiler::tileAttention(lm::AttentionOp attention) {
  auto state = symbols.lookup<lm::KvStateOp>(attention.getState());
  if (failed(checkCache(attention, state)))
    return failure();
  AttentionPlan plan = planAttention(attention, state);
  int64_t headDim = plan.kv.headDim;
  TileTensor result =
      newTensor(attention.getResult(), "attention", plan.heads * headDim, npu::Element::F32);
  allocateScores(plan);
  Outlet outlet(*out, "attention", result, plan.rowsPerBlock, plan.subRows * headDim);
  for (int64_t head = 0; head < plan.kv.kvHeads; ++head) {
    plan.keys.clear();
    plan.values.clear();
    for (int64_t load = 0; plan.keepsCache && load < plan.loads; ++load) {
      plan.keys.push_back(loadCache(plan, head, load, /*isValue=*/false));
      plan.values.push_back(loadCache(plan, head, load, /*isValue=*/true));
    }
    tileHead(plan, head, outlet);
  }
  appendState(plan);
  define(attention.getResult(), result);
  return success();
}

/// Rows of the cache that are valid, of those that one load covers.
int64_t EntryTiler::cachedCount(const AttentionPlan &plan, int64_t load) {
  if (plan.loads == 1)
    return positionArgument;
  return out->argument(npu::ArgumentKind::Clamp, plan.countOf(load), positionArgument,
                       plan.firstOf(load));
}

Value EntryTiler::loadCache(const AttentionPlan &plan, int64_t head, int64_t load, bool isValue) {
  int64_t first = plan.firstOf(load), count = plan.countOf(load);
  int64_t offset = plan.kv.offsetOf(plan.layer, isValue, head, first);
  return out->load(isValue ? "kv.values" : "kv.keys",
                   out->place(npu::Space::State, offset, -1, 0, plan.layerStride),
                   {count * plan.kv.rowBytes(), cachedCount(plan, load)}, plan.kv.rowBytes());
}

void EntryTiler::tileHead(const AttentionPlan &plan, int64_t head, Outlet &outlet) {
  int64_t columns = plan.subRows * plan.kv.headDim;
  for (int64_t block = 0; block < plan.blocks; ++block) {
    scoreBlock(plan, head, block);
    softmaxBlock(plan, head, block);
    valueBlock(plan, head, block,
               outlet.open(block * plan.rowsPerBlock, plan.blockRows(block, rows), head * columns,
                           columns));
    outlet.close();
  }
}

/// Scores against cached keys, then against the chunk's own, side by side in one row.
void EntryTiler::scoreBlock(const AttentionPlan &plan, int64_t head, int64_t block) {
  int64_t blockRows = plan.blockRows(block, rows), size = plan.kv.rowBytes();
  const TileTensor &scores = plan.scores[(head * plan.blocks + block) % plan.scores.size()];
  OperandView q{plan.q.buffer,
                npu::Element::F16,
                plan.q.offset + block * plan.rowsPerBlock * plan.q.tokenStride +
                    head * plan.subRows * size,
                plan.q.tokenStride,
                size,
                (blockRows - 1) * plan.q.tokenStride + plan.subRows * size};
  auto into = [&](int64_t column, int64_t bytes) {
    return OperandView{scores.buffer,      npu::Element::F32,
                       column * 4,         plan.subRows * scores.tokenStride,
                       scores.tokenStride, bytes - column * 4};
  };
  int64_t scoreBytes = blockRows * plan.subRows * scores.tokenStride;
  FloatAttr scale = plan.scale;
  for (int64_t load = 0; load < plan.loads; ++load) {
    int64_t first = plan.firstOf(load), count = plan.countOf(load);
    Value loaded = plan.keepsCache ? plan.keys[load] : loadCache(plan, head, load, false);
    OperandView keys{loaded, npu::Element::F16, 0, size, 0, count * size};
    out->matmul("scores.cached", npu::MatmulKind::Scores, {q, keys, into(first, scoreBytes)},
                blockRows, plan.subRows, {count, cachedCount(plan, load)}, {plan.kv.headDim, -1},
                {}, scale, false);
  }
  OperandView own{plan.k.buffer,
                  npu::Element::F16,
                  plan.k.offset + head * size,
                  plan.k.tokenStride,
                  0,
                  (rows - 1) * plan.k.tokenStride + size};
  OperandView after = into(0, scoreBytes);
  after.argument = positionArgument;
  after.argumentStride = 4;
  out->matmul("scores.own", npu::MatmulKind::Scores, {q, own, after}, blockRows, plan.subRows,
              {rows, -1}, {plan.kv.headDim, -1}, {}, scale, false);
}

void EntryTiler::softmaxBlock(const AttentionPlan &plan, int64_t head, int64_t block) {
  int64_t blockRows = plan.blockRows(block, rows),
          set = (head * plan.blocks + block) % plan.scores.size();
  const TileTensor &scores = plan.scores[set], &probabilities = plan.probabilities[set],
                   &sums = plan.inverseSums[set];
  auto view = [&](const TileTensor &tensor) {
    return OperandView{tensor.buffer,
                       tensor.element,
                       0,
                       plan.subRows * tensor.tokenStride,
                       tensor.tokenStride,
                       blockRows * plan.subRows * tensor.tokenStride};
  };
  int64_t length =
      out->argument(npu::ArgumentKind::Add, plan.cachedRows + rows, positionArgument, rows);
  ChainBuilder chain(*out, blockRows, plan.subRows, {plan.cachedRows + rows, length});
  chain.setPosition(positionArgument, block * plan.rowsPerBlock);
  int64_t score = chain.load(StepKind::LoadMatrix, view(scores));
  int64_t below = chain.step(StepKind::Sub, score, chain.step(StepKind::MaxVisible, score));
  int64_t scaled =
      chain.step(StepKind::Mul, chain.step(StepKind::Exp, below), chain.constant(32768.0f));
  int64_t kept = chain.keepGe(chain.step(StepKind::RoundF16, scaled), below, -20.0f);
  int64_t p = chain.step(StepKind::MaskVisible, kept);
  chain.store(StepKind::StoreMatrix, view(probabilities), p);
  chain.store(StepKind::StoreScalar, view(sums),
              chain.step(StepKind::Recip, chain.step(StepKind::SumLanes, p)));
  chain.finish("softmax");
}

void EntryTiler::valueBlock(const AttentionPlan &plan, int64_t head, int64_t block,
                            const TileTensor &into) {
  int64_t blockRows = plan.blockRows(block, rows), size = plan.kv.rowBytes(),
          set = (head * plan.blocks + block) % plan.scores.size();
  const TileTensor &p = plan.probabilities[set];
  int64_t pBytes = blockRows * plan.subRows * p.tokenStride;
  OperandView result = viewOf(into);
  result.subStride = plan.kv.headDim * into.elementBytes();
  for (int64_t load = 0; load < plan.loads; ++load) {
    int64_t first = plan.firstOf(load), count = plan.countOf(load);
    OperandView from{p.buffer,      npu::Element::F16, first * 2, plan.subRows * p.tokenStride,
                     p.tokenStride, pBytes - first * 2};
    Value loaded = plan.keepsCache ? plan.values[load] : loadCache(plan, head, load, true);
    OperandView values{loaded, npu::Element::F16, 0, size, 0, count * size};
    out->matmul("values.cached", npu::MatmulKind::Values, {from, values, result}, blockRows,
                plan.subRows, {plan.kv.headDim, -1}, {count, cachedCount(plan, load)}, {}, {},
                load > 0);
  }
  OperandView after{p.buffer, npu::Element::F16, 0, plan.subRows * p.tokenStride, p.tokenStride,
                    pBytes,   positionArgument,  2};
  OperandView own{plan.v.buffer,
                  npu::Element::F16,
                  plan.v.offset + head * size,
                  plan.v.tokenStride,
                  0,
                  (rows - 1) * plan.v.tokenStride + size};
  out->matmul("values.own", npu::MatmulKind::Values, {after, own, result}, blockRows, plan.subRows,
              {plan.kv.headDim, -1}, {rows, -1}, {}, {}, true);
  normalizeBlock(plan, result, blockRows, plan.inverseSums[set]);
}

void EntryTiler::normalizeBlock(const AttentionPlan &plan, const OperandView &result,
                                int64_t blockRows, const TileTensor &sums) {
  ChainBuilder chain(*out, blockRows, plan.subRows, {plan.kv.headDim, -1});
  OperandView sum{sums.buffer,
                  npu::Element::F32,
                  0,
                  plan.subRows * sums.tokenStride,
                  sums.tokenStride,
                  blockRows * plan.subRows * sums.tokenStride};
  int64_t product = chain.step(StepKind::Mul, chain.load(StepKind::LoadMatrix, result),
                               chain.load(StepKind::LoadScalar, sum));
  chain.store(StepKind::StoreMatrix, result, product);
  chain.finish("normalize");
}

/// The chunk's valid rows join the cache behind the position.
void EntryTiler::appendState(const AttentionPlan &plan) {
  int64_t size = plan.kv.rowBytes();
  for (bool isValue : {false, true}) {
    const TileTensor &from = isValue ? plan.v : plan.k;
    out->store(isValue ? "kv.append_values" : "kv.append_keys", from.buffer, from.offset,
               out->place(npu::Space::State, plan.kv.offsetOf(plan.layer, isValue),
                          positionArgument, size, plan.layerStride),
               size, {{rows, tokensArgument}, size, from.tokenStride},
               {{plan.kv.kvHeads, -1}, plan.kv.headBytes(), size});
  }
}

} // namespace llmc::passes
