// Products of fp16 rows, and attention made of them.
#include "targets/Reference/ReferenceParts.h"

#include "runtime/base/numerics.h"

#include <vector>

namespace llmc::target {

void runProducts(const KernelCall &call, const Matmul &matmul) {
  const bool scores = matmul.kind == MatmulKind::Scores;
  const uint32_t n = call.valueOf(matmul.n), depth = call.valueOf(matmul.k);
  const auto half = [&](unsigned operand, const uint8_t *row, size_t index) {
    return elementOf(call.operands[operand].type, row, index);
  };
  for (uint32_t token = 0; token < call.valueOf(matmul.tokens); ++token)
    for (uint32_t sub = 0; sub < matmul.subRows; ++sub)
      for (uint32_t i = 0; i < n; ++i) {
        const uint8_t *a = call.row(matmul::A, token, sub);
        uint8_t *out = call.row(matmul::Out, token, sub);
        float sum = matmul.accumulate ? elementOf(ElementType::F32, out, i) : 0.0f;
        for (uint32_t k = 0; k < depth; ++k) {
          const float b = scores ? half(matmul::B, call.row(matmul::B, i, 0), k)
                                 : half(matmul::B, call.row(matmul::B, k, 0), i);
          const float product = half(matmul::A, a, k) * b;
          sum = sum + product;
        }
        storeElement(ElementType::F32, scores ? sum * matmul.scale : sum, out, i);
      }
}

namespace {

/// One query row over the positions it sees.
void attend(const KernelCall &call, const Attention &attention, uint32_t token, uint32_t head,
            uint32_t visible) {
  const uint32_t kvHead = head / (attention.heads / attention.kvHeads);
  const uint8_t *query = call.row(attention::Queries, token, head);
  std::vector<float> p(visible);
  for (uint32_t position = 0; position < visible; ++position) {
    const uint8_t *key = call.row(attention::Keys, position, kvHead);
    float sum = 0.0f;
    for (uint32_t k = 0; k < attention.headDim; ++k) {
      const float product =
          elementOf(ElementType::F16, query, k) * elementOf(ElementType::F16, key, k);
      sum = sum + product;
    }
    p[position] = sum * attention.scale;
  }
  const float most = llmc_max(p.data(), visible);
  for (float &score : p)
    score = llmc_softmax_weight(score - most);
  const float inverse = llmc_recip(llmc_sum16(p.data(), visible));
  for (uint32_t d = 0; d < attention.headDim; ++d) {
    float sum = 0.0f;
    for (uint32_t position = 0; position < visible; ++position) {
      const uint8_t *value = call.row(attention::Values, position, kvHead);
      const float product = p[position] * elementOf(ElementType::F16, value, d);
      sum = sum + product;
    }
    storeElement(ElementType::F32, sum * inverse, call.row(attention::Out, token, head), d);
  }
}

} // namespace

void runAttention(const KernelCall &call, const Attention &attention) {
  const uint32_t position = call.arguments[size_t(attention.positionArgument)];
  for (uint32_t token = 0; token < call.valueOf(attention.tokens); ++token)
    for (uint32_t head = 0; head < attention.heads; ++head)
      attend(call, attention, token, head, position + token + 1);
}

} // namespace llmc::target
