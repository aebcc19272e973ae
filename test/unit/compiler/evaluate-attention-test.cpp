// The attention kernels against a scalar version written from docs/numerics.md, bit for bit.
#include "compiler/Evaluate/Kernels.h"
#include "runtime/base/numerics.h"
#include "test/unit/compiler/evaluate-test-support.h"

#include "catch2/catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace llmc::evaluate;
using llmc::evaluate::test::Random;
using llmc::evaluate::test::sameBytes;

namespace {

const uint32_t tokenCounts[] = {1, 2, 3, 4, 5, 16, 63};

/// Attention of docs/numerics.md for one head and row on fp32 values.
void plainAttention(const AttentionShape &s, bool half, uint32_t row, uint32_t head, const float *q,
                    const float *keys, const float *values, float *y) {
  const uint32_t visible = s.position + row + 1, dim = s.headDim;
  const uint32_t kvHead = head / (s.heads / s.kvHeads);
  std::vector<float> scores(visible), weights(visible);
  float most = -std::numeric_limits<float>::infinity();
  for (uint32_t p = 0; p < visible; ++p) {
    float dot = 0;
    for (uint32_t d = 0; d < dim; ++d) {
      const float product =
          q[(row * s.heads + head) * dim + d] * keys[(p * s.kvHeads + kvHead) * dim + d];
      dot = dot + product;
    }
    scores[p] = dot * s.scale;
    most = std::max(most, scores[p]);
  }
  float lanes[16] = {};
  for (uint32_t p = 0; p < visible; ++p) {
    const float below = scores[p] - most;
    if (half)
      weights[p] = below < -20.0f ? 0.0f : llmc_round_f16(32768.0f * llmc_exp(below));
    else
      weights[p] = llmc_exp(below);
    lanes[p % 16] = lanes[p % 16] + weights[p];
  }
  for (uint32_t stride : {8u, 4u, 2u, 1u})
    for (uint32_t i = 0; i < stride; ++i)
      lanes[i] = lanes[i] + lanes[i + stride];
  for (uint32_t d = 0; d < dim; ++d) {
    float sum = 0;
    for (uint32_t p = 0; p < visible; ++p) {
      const float product = weights[p] * values[(p * s.kvHeads + kvHead) * dim + d];
      sum = sum + product;
    }
    y[(row * s.heads + head) * dim + d] = sum * llmc_recip(lanes[0]);
  }
}

std::vector<float> toFloats(const std::vector<uint16_t> &x) {
  std::vector<float> y;
  for (uint16_t v : x)
    y.push_back(llmc_f16_bits_to_f32(v));
  return y;
}

} // namespace

TEST_CASE("attention equals the plain form, in f16 and fp32") {
  Random random;
  Workers workers(2);
  for (uint32_t tokens : tokenCounts)
    for (uint32_t position : {0u, 1u, 62u, 200u})
      for (uint32_t dim : {32u, 20u}) {
        // A large scale spreads the scores beyond the cut at -20.
        const AttentionShape shape{tokens, position, 4, 2, dim, tokens % 2 ? 1.7f : 0.17f};
        const size_t cache = size_t{position + tokens} * 2 * dim;
        const auto q = random.halves(size_t{tokens} * 4 * dim), k = random.halves(cache),
                   v = random.halves(cache);
        const auto qf = toFloats(q), kf = toFloats(k), vf = toFloats(v);
        for (bool half : {true, false}) {
          std::vector<float> got(q.size()), want(q.size());
          if (half)
            attentionHalf(workers, shape, q.data(), k.data(), v.data(), 2 * dim, got.data());
          else
            attention(workers, shape, qf.data(), kf.data(), vf.data(), 2 * dim, got.data());
          for (uint32_t row = 0; row < tokens; ++row)
            for (uint32_t head = 0; head < 4; ++head)
              plainAttention(shape, half, row, head, qf.data(), kf.data(), vf.data(), want.data());
          CAPTURE(tokens, position, dim, half);
          REQUIRE(sameBytes(got, want));
        }
      }
}

TEST_CASE("fp32 attention is a softmax") {
  Random random;
  Workers workers(1);
  const AttentionShape shape{1, 99, 1, 1, 8, 0.5f};
  const auto q = random.floats(8), k = random.floats(800), v = random.floats(800);
  std::vector<float> y(8);
  attention(workers, shape, q.data(), k.data(), v.data(), 8, y.data());
  double sum = 0, blend = 0;
  for (int p = 0; p < 100; ++p) {
    double dot = 0;
    for (int d = 0; d < 8; ++d)
      dot += static_cast<double>(q[d]) * k[p * 8 + d];
    sum += std::exp(dot * 0.5);
    blend += std::exp(dot * 0.5) * v[p * 8 + 3];
  }
  CHECK(y[3] == Approx(blend / sum).epsilon(1e-5));
}

TEST_CASE("a later row's NaN does not reach earlier rows") {
  Random random;
  Workers workers(1);
  const AttentionShape shape{4, 0, 1, 1, 16, 0.25f};
  const auto q = random.halves(64), k = random.halves(64);
  auto v = random.halves(64);
  std::vector<float> clean(64), dirty(64);
  attentionHalf(workers, shape, q.data(), k.data(), v.data(), 16, clean.data());
  v[3 * 16 + 5] = 0x7e00;
  attentionHalf(workers, shape, q.data(), k.data(), v.data(), 16, dirty.data());
  CHECK(std::memcmp(clean.data(), dirty.data(), 48 * 4) == 0);
  CHECK(std::isnan(dirty[53]));
}
