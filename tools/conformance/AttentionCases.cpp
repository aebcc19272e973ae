// Products over the cache, and attention.
#include "tools/conformance/CaseMemory.h"
#include "tools/conformance/Cases.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::conformance {

using namespace target;

namespace {

struct ProductShape {
  uint32_t tokens, subRows, positions, width;
  bool bound = false; ///< Positions are as many as the cache has.
  uint32_t gap = 0;
};

Case productCase(const ProductShape &shape, MatmulKind kind, bool accumulate, Random &random) {
  const bool scores = kind == MatmulKind::Scores;
  const Extent positions = {shape.positions, shape.bound ? lengthArgument : noArgument};
  Matmul matmul;
  matmul.kind = kind;
  matmul.tokens = {shape.tokens};
  matmul.subRows = shape.subRows;
  matmul.n = scores ? positions : Extent{shape.width};
  matmul.k = scores ? Extent{shape.width} : positions;
  matmul.scale = scores ? 0.1375f : 1.0f;
  matmul.accumulate = accumulate;
  Case data;
  data.shape = fmt::format("tokens {} x {}, positions {}{}, width {}", shape.tokens, shape.subRows,
                           shape.positions, shape.bound ? " (bound)" : "", shape.width);
  data.work = matmul;
  const uint32_t n = matmul.n.value, k = matmul.k.value;
  CaseMemory memory(data, random);
  memory.add(ElementType::F16, {shape.tokens, shape.subRows, k, shape.gap});
  memory.addNone(ElementType::F32);
  memory.add(ElementType::F16, {shape.positions, 1, shape.width, shape.gap});
  memory.add(ElementType::F32, {shape.tokens, shape.subRows, n, shape.gap});
  data.operands[matmul::AScale] = {};
  data.most = {shape.bound ? shape.positions - 1 : 0, 1};
  data.calls = {data.most};
  if (shape.bound)
    data.calls.push_back({0, 1});
  return data;
}

struct AttentionShape {
  uint32_t tokens, position, heads, kvHeads, headDim;
  bool byPosition = false; ///< The cache is [position][KV head], else [KV head][position].
};

KernelOperand cacheOperand(Case &data, CaseMemory &memory, const Attention &attention,
                           bool byPosition) {
  const uint32_t row = attention.headDim * 2;
  const uint8_t number =
      memory.add(ElementType::F16, {attention.capacity, attention.kvHeads, attention.headDim});
  KernelOperand &operand = data.operands[number];
  operand.tokenStride = byPosition ? row * attention.kvHeads : row;
  operand.subStride = byPosition ? row : row * attention.capacity;
  return operand;
}

Case attentionCase(const AttentionShape &shape, Random &random) {
  Attention attention;
  attention.tokens = {shape.tokens, shape.tokens > 1 ? tokensArgument : noArgument};
  attention.heads = shape.heads;
  attention.kvHeads = shape.kvHeads;
  attention.headDim = shape.headDim;
  attention.capacity = shape.position + shape.tokens;
  attention.scale = 0.11f;
  attention.positionArgument = positionArgument;
  Case data;
  data.shape = fmt::format("tokens {}, position {}, heads {}/{} of {}{}", shape.tokens,
                           shape.position, shape.heads, shape.kvHeads, shape.headDim,
                           shape.byPosition ? ", cache by position" : "");
  data.work = attention;
  CaseMemory memory(data, random);
  memory.add(ElementType::F16, {shape.tokens, shape.heads, shape.headDim});
  cacheOperand(data, memory, attention, shape.byPosition);
  cacheOperand(data, memory, attention, shape.byPosition);
  memory.add(ElementType::F32, {shape.tokens, shape.heads, shape.headDim});
  data.most = {shape.position, shape.tokens};
  data.calls = {data.most};
  if (shape.position > 0)
    data.calls.push_back({0, shape.tokens});
  if (shape.position > 1 && shape.tokens > 1)
    data.calls.push_back({1, shape.tokens - 1});
  return data;
}

} // namespace

std::vector<Case> productCases(const CaseSizes &sizes, MatmulKind kind, bool accumulate) {
  Random random(sizes.seed * 31 + unsigned(kind) * 2 + accumulate);
  const uint32_t chunk = std::min(sizes.chunk, 32u);
  std::vector<Case> cases;
  for (const ProductShape &shape : std::initializer_list<ProductShape>{
           {1, 1, 1, 1},
           {1, 1, 17, 3},
           {1, 3, 16, 16, true},
           {3, 1, 33, 17, false, 5},
           {3, 2, 65, 20, true},
           {1, 4, 257, 64, true},
           {chunk, 2, 100, 64, true},
           {1 + random.below(8), 1 + random.below(4), 1 + random.below(200), 1 + random.below(96)}})
    cases.push_back(productCase(shape, kind, accumulate, random));
  return cases;
}

std::vector<Case> attentionCases(const CaseSizes &sizes) {
  Random random(sizes.seed * 37);
  const uint32_t chunk = std::min(sizes.chunk, 64u);
  std::vector<Case> cases;
  for (const AttentionShape &shape : std::initializer_list<AttentionShape>{
           {1, 0, 1, 1, 1},
           {1, 15, 4, 4, 20},
           {1, 130, 9, 3, 64},
           {1, 40, 11, 1, 16},
           {3, 0, 6, 2, 48},
           {3, 1, 2, 1, 128},
           {5, 33, 4, 2, 64, true},
           {chunk, 0, 4, 2, 32},
           {chunk, 100, 3, 1, 64},
           {1 + random.below(17), random.below(80), 6, 2, 1 + random.below(80), true}})
    cases.push_back(attentionCase(shape, random));
  return cases;
}

} // namespace llmc::conformance
