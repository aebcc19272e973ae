#include "compiler/Evaluate/Kernels.h"

#include "compiler/Evaluate/KernelLoops.h"
#include "runtime/base/numerics.h"

#include <algorithm>
#include <cmath>

namespace llmc::evaluate {
namespace {

/// Below this many elementary operations a loop stays on the calling thread.
constexpr uint64_t worthSharing = 1u << 16;

void share(Workers &workers, uint32_t count, uint64_t work,
           const std::function<void(uint32_t)> &body) {
  if (work >= worthSharing)
    return workers.forEach(count, body);
  for (uint32_t i = 0; i < count; ++i)
    body(i);
}

uint32_t ceilDiv(uint32_t a, uint32_t b) { return a / b + (a % b != 0); }
uint32_t roundUp(uint32_t a, uint32_t b) { return ceilDiv(a, b) * b; }

/// A buffer of the running thread that keeps its storage between calls.
template <class T> T *scratch(std::vector<T> &storage, size_t n) {
  if (storage.size() < n)
    storage.resize(n);
  return storage.data();
}

} // namespace

int64_t firstNonFinite(const float *x, size_t n) {
  constexpr size_t piece = 4096;
  for (size_t i = 0; i < n; i += piece) {
    const size_t length = std::min(piece, n - i);
    if (llmc_is_finite(kernelLoops().absmax(x + i, static_cast<uint32_t>(length))))
      continue;
    for (size_t j = i;; ++j)
      if (!llmc_is_finite(x[j]))
        return static_cast<int64_t>(j);
  }
  return allFinite;
}

//===-- Linear layers -----------------------------------------------------===//

void linear(Workers &workers, const float *x, uint32_t tokens, const FloatMatrix &w,
            const float *bias, float *y) {
  const KernelLoops &loops = kernelLoops();
  const uint64_t work = uint64_t{tokens} * w.rows * w.columns;
  share(workers, ceilDiv(w.rows, stripeWidth), work, [&](uint32_t stripe) {
    static thread_local std::vector<float> storage;
    float *packed = scratch(storage, size_t{w.columns} * stripeWidth);
    const uint32_t first = stripe * stripeWidth;
    const uint32_t count = std::min(stripeWidth, w.rows - first);
    w.packRows(first, count, packed);
    loops.floatStripe({x, w.columns, tokens, w.columns, packed},
                      {y + first, w.rows, count, bias ? bias + first : nullptr});
  });
}

int64_t quantizeRows(Workers &workers, const float *x, uint32_t tokens, uint32_t channels,
                     int8_t *q, float *scales) {
  const KernelLoops &loops = kernelLoops();
  share(workers, tokens, uint64_t{tokens} * channels, [&](uint32_t row) {
    const size_t at = size_t{row} * channels;
    scales[row] = loops.quantizeRow(x + at, channels, q + at);
  });
  return firstNonFinite(scales, tokens);
}

namespace {

float scaleOf(const QuantizedMatrix &w, uint32_t row, uint32_t group) {
  const size_t at = size_t{row} * w.groups() + group;
  return w.halfScales ? llmc_f16_bits_to_f32(w.halfScales[at]) : w.scales[at];
}

/// out[k] = m[k / block] * q[k], which fits int8.
void decodeRow(const QuantizedMatrix &w, uint32_t row, int8_t *out) {
  const int8_t *q = w.elements + size_t{row} * w.columns;
  const uint32_t block = w.block ? w.block : w.columns;
  const uint8_t *multiplier = w.multipliers + size_t{row} * w.groups();
  for (uint32_t k = 0; k < w.columns; k += block, ++multiplier)
    for (uint32_t i = k, end = k + std::min(block, w.columns - k); i < end; ++i)
      out[i] = static_cast<int8_t>(q[i] * *multiplier);
}

/// A quantized layer as integer sums per group, multipliers already decoded away.
struct IntegerLayer {
  const QuantizedMatrix &w;
  uint32_t block;  ///< Of one integer sum.
  uint32_t groups; ///< Sums per row.

  explicit IntegerLayer(const QuantizedMatrix &w)
      : w(w), block(w.multipliers || w.block == 0 ? w.columns : std::min(w.block, w.columns)),
        groups(w.multipliers ? 1 : w.groups()) {}

  uint32_t groupPairs() const { return ceilDiv(block, 2); }
  uint32_t pairs() const {
    return (groups - 1) * groupPairs() + ceilDiv(w.columns - (groups - 1) * block, 2);
  }
  float scale(uint32_t row, uint32_t group) const {
    return w.multipliers ? w.scales[row] : scaleOf(w, row, group);
  }
  /// Rows first ... first + count as int8, in the table itself or in `storage`.
  const int8_t *decodedRows(uint32_t first, uint32_t count, std::vector<int8_t> &storage) const {
    if (!w.multipliers)
      return w.elements + size_t{first} * w.columns;
    int8_t *decoded = scratch(storage, size_t{count} * w.columns);
    for (uint32_t n = 0; n < count; ++n)
      decodeRow(w, first + n, decoded + size_t{n} * w.columns);
    return decoded;
  }
};

/// int8 rows to int16, every group padded to even length.
std::vector<int16_t> widenRows(const IntegerLayer &layer, const int8_t *x, uint32_t tokens) {
  const uint32_t columns = layer.w.columns;
  std::vector<int16_t> wide(size_t{tokens} * layer.pairs() * 2);
  for (uint32_t m = 0; m < tokens; ++m) {
    int16_t *out = wide.data() + size_t{m} * layer.pairs() * 2;
    for (uint32_t k = 0; k < columns; k += layer.block, out += 2 * layer.groupPairs())
      std::copy_n(x + size_t{m} * columns + k, std::min(layer.block, columns - k), out);
  }
  return wide;
}

/// Few rows: packing a stripe would cost more than it saves, so each output takes its own dot
/// products.
void linearByRows(Workers &workers, const IntegerLayer &layer, const int8_t *x,
                  const float *rowScales, uint32_t tokens, const float *bias, float *y) {
  const QuantizedMatrix &w = layer.w;
  const KernelLoops &loops = kernelLoops();
  constexpr uint32_t rowsOfTask = 64;
  auto task = [&](uint32_t index) {
    static thread_local std::vector<int8_t> storage;
    const uint32_t end = std::min(w.rows, (index + 1) * rowsOfTask);
    for (uint32_t n = index * rowsOfTask; n < end; ++n) {
      const int8_t *q = layer.decodedRows(n, 1, storage);
      for (uint32_t m = 0; m < tokens; ++m) {
        float sum = 0;
        for (uint32_t g = 0; g < layer.groups; ++g) {
          const uint32_t k = g * layer.block, length = std::min(layer.block, w.columns - k);
          const int32_t dot = loops.dot(x + size_t{m} * w.columns + k, q + k, length);
          sum = sum + static_cast<float>(dot) * layer.scale(n, g);
        }
        sum = sum * rowScales[m];
        y[size_t{m} * w.rows + n] = bias ? sum + bias[n] : sum;
      }
    }
  };
  share(workers, ceilDiv(w.rows, rowsOfTask), uint64_t{tokens} * w.rows * w.columns, task);
}

} // namespace

void quantizedLinear(Workers &workers, const int8_t *x, const float *rowScales, uint32_t tokens,
                     const QuantizedMatrix &w, const float *bias, float *y) {
  const IntegerLayer layer(w);
  if (tokens < 3)
    return linearByRows(workers, layer, x, rowScales, tokens, bias, y);
  const KernelLoops &loops = kernelLoops();
  const std::vector<int16_t> wide = widenRows(layer, x, tokens);
  auto task = [&](uint32_t stripe) {
    static thread_local std::vector<int8_t> decodeStorage;
    static thread_local std::vector<int16_t> packStorage;
    static thread_local std::vector<float> scaleStorage;
    const uint32_t first = stripe * stripeWidth, count = std::min(stripeWidth, w.rows - first);
    int16_t *packed = scratch(packStorage, size_t{layer.pairs()} * 2 * stripeWidth);
    loops.packIntegers(layer.decodedRows(first, count, decodeStorage), w.columns, count, w.columns,
                       layer.block, packed);
    float *scales = scratch(scaleStorage, size_t{layer.groups} * stripeWidth);
    for (uint32_t g = 0; g < layer.groups; ++g)
      for (uint32_t n = 0; n < stripeWidth; ++n)
        scales[size_t{g} * stripeWidth + n] = n < count ? layer.scale(first + n, g) : 0.0f;
    loops.integerStripe(
        {wide.data(), rowScales, tokens, layer.pairs(), layer.groupPairs(), packed, scales},
        {y + first, w.rows, count, bias ? bias + first : nullptr});
  };
  share(workers, ceilDiv(w.rows, stripeWidth), uint64_t{tokens} * w.rows * w.columns, task);
}

//===-- Embedding ---------------------------------------------------------===//

int64_t embed(const int32_t *ids, uint32_t tokens, const FloatMatrix &table, float *y) {
  for (uint32_t m = 0; m < tokens; ++m) {
    if (ids[m] < 0 || static_cast<uint32_t>(ids[m]) >= table.rows)
      return m;
    for (uint32_t k = 0; k < table.columns; ++k)
      y[size_t{m} * table.columns + k] = table.at(static_cast<uint32_t>(ids[m]), k);
  }
  return -1;
}

int64_t quantizedEmbed(const int32_t *ids, uint32_t tokens, const QuantizedMatrix &table,
                       float *y) {
  const IntegerLayer layer(table);
  std::vector<int8_t> storage;
  for (uint32_t m = 0; m < tokens; ++m) {
    if (ids[m] < 0 || static_cast<uint32_t>(ids[m]) >= table.rows)
      return m;
    const uint32_t row = static_cast<uint32_t>(ids[m]);
    const int8_t *q = layer.decodedRows(row, 1, storage);
    float *out = y + size_t{m} * table.columns;
    for (uint32_t g = 0; g < layer.groups; ++g) {
      const float scale = layer.scale(row, g);
      const uint32_t k = g * layer.block, end = k + std::min(layer.block, table.columns - k);
      for (uint32_t i = k; i < end; ++i)
        out[i] = static_cast<float>(q[i]) * scale;
    }
  }
  return -1;
}

//===-- Norm, activation, residual ----------------------------------------===//

void rmsNorm(Workers &workers, const float *x, uint32_t tokens, uint32_t channels, const float *w,
             float eps, float *y) {
  const KernelLoops &loops = kernelLoops();
  const float inverseN = static_cast<float>(1.0 / channels);
  share(workers, tokens, uint64_t{tokens} * channels, [&](uint32_t row) {
    const size_t at = size_t{row} * channels;
    loops.rmsNorm(x + at, w, channels, inverseN, eps, y + at);
  });
}

void swiglu(Workers &workers, const float *gate, const float *up, size_t n, float *y) {
  constexpr size_t piece = 8192;
  const KernelLoops &loops = kernelLoops();
  share(workers, static_cast<uint32_t>((n + piece - 1) / piece), n, [&](uint32_t index) {
    const size_t at = index * piece;
    loops.swiglu(gate + at, up + at, std::min(piece, n - at), y + at);
  });
}

int64_t add(const float *a, const float *b, size_t n, float *y) {
  for (size_t i = 0; i < n; ++i)
    y[i] = a[i] + b[i];
  return firstNonFinite(y, n);
}

//===-- Rotary position embedding -----------------------------------------===//

std::vector<float> ropeInverseFrequencies(double theta, uint32_t dim) {
  std::vector<float> inverse(dim / 2);
  for (uint32_t i = 0; i < dim / 2; ++i)
    inverse[i] = static_cast<float>(std::pow(theta, -2.0 * i / dim));
  return inverse;
}

RopeTable makeRopeTable(const std::vector<float> &inverse, uint32_t positions, float scaling) {
  RopeTable table{positions, static_cast<uint32_t>(inverse.size()), {}, {}};
  table.cos.reserve(size_t{positions} * table.half);
  table.sin.reserve(size_t{positions} * table.half);
  for (uint32_t pos = 0; pos < positions; ++pos)
    for (float frequency : inverse) {
      // long double leaves the rounding to fp32 the only one that counts.
      const float angle = static_cast<float>(pos) * frequency;
      const auto exact = static_cast<long double>(angle);
      table.cos.push_back(static_cast<float>(std::cos(exact)) * scaling);
      table.sin.push_back(static_cast<float>(std::sin(exact)) * scaling);
    }
  return table;
}

void applyRope(const float *x, uint32_t tokens, uint32_t heads, uint32_t headDim, uint32_t position,
               const RopeTable &table, float *y) {
  const uint32_t half = table.half;
  for (uint32_t row = 0; row < tokens; ++row) {
    const float *cos = table.cos.data() + size_t{position + row} * half;
    const float *sin = table.sin.data() + size_t{position + row} * half;
    for (uint32_t h = 0; h < heads; ++h) {
      const size_t at = (size_t{row} * heads + h) * headDim;
      for (uint32_t i = 0; i < half; ++i) {
        const float x1 = x[at + i], x2 = x[at + half + i];
        y[at + i] = x1 * cos[i] - x2 * sin[i];
        y[at + half + i] = x2 * cos[i] + x1 * sin[i];
      }
      if (y != x)
        std::copy(x + at + 2 * half, x + at + headDim, y + at + 2 * half);
    }
  }
}

//===-- Attention ---------------------------------------------------------===//

int64_t roundToHalf(const float *x, size_t n, uint16_t *y, uint64_t &saturated) {
  constexpr size_t piece = 4096;
  const KernelLoops &loops = kernelLoops();
  for (size_t i = 0; i < n; i += piece)
    saturated += loops.countSaturating(x + i, static_cast<uint32_t>(std::min(piece, n - i)));
  loops.roundToHalf(x, n, y);
  return firstNonFinite(x, n);
}

namespace {

void toFloats(const float *x, size_t n, float *y) { std::copy_n(x, n, y); }
void toFloats(const uint16_t *x, size_t n, float *y) { kernelLoops().halfToFloat(x, n, y); }

/// One kv head's keys transposed and values padded, both as fp32, and the scratch of its queries.
struct HeadBuffers {
  std::vector<float> keys, values, queries, scores, row;
};

template <class T> struct Attention {
  const AttentionShape &shape;
  const T *q, *keys, *values;
  size_t cacheStride;
  float *y;

  uint32_t positions() const { return shape.position + shape.tokens; }
  uint32_t keyStride() const { return roundUp(positions(), positionBlock); }
  uint32_t valueStride() const { return roundUp(shape.headDim, 16); }

  void gatherHead(uint32_t kvHead, HeadBuffers &buffers) const {
    const uint32_t dim = shape.headDim;
    buffers.row.resize(dim);
    buffers.keys.assign(size_t{dim} * keyStride(), 0.0f);
    buffers.values.assign(size_t{positions()} * valueStride(), 0.0f);
    for (uint32_t p = 0; p < positions(); ++p) {
      const size_t at = p * cacheStride + size_t{kvHead} * dim;
      toFloats(keys + at, dim, buffers.row.data());
      for (uint32_t d = 0; d < dim; ++d)
        buffers.keys[size_t{d} * keyStride() + p] = buffers.row[d];
      toFloats(values + at, dim, buffers.values.data() + size_t{p} * valueStride());
    }
  }

  void attend(uint32_t head, HeadBuffers &buffers) const {
    const uint32_t dim = shape.headDim;
    const size_t stride = size_t{shape.heads} * dim, at = size_t{head} * dim;
    buffers.queries.resize(size_t{shape.tokens} * dim);
    for (uint32_t r = 0; r < shape.tokens; ++r)
      toFloats(q + r * stride + at, dim, buffers.queries.data() + size_t{r} * dim);
    buffers.scores.resize(size_t{4} * keyStride());
    kernelLoops().attention({buffers.queries.data(), dim, shape.tokens, shape.position, dim,
                             buffers.keys.data(), keyStride(), buffers.values.data(), valueStride(),
                             shape.scale, sizeof(T) == sizeof(uint16_t), buffers.scores.data(),
                             y + at, stride});
  }

  void run(Workers &workers) const {
    const uint32_t group = shape.heads / shape.kvHeads;
    const uint64_t work = uint64_t{shape.tokens} * positions() * shape.heads * shape.headDim;
    share(workers, shape.kvHeads, work, [&](uint32_t kvHead) {
      static thread_local HeadBuffers buffers;
      gatherHead(kvHead, buffers);
      for (uint32_t i = 0; i < group; ++i)
        attend(kvHead * group + i, buffers);
    });
  }
};

} // namespace

void attention(Workers &workers, const AttentionShape &shape, const float *q, const float *keys,
               const float *values, size_t cacheStride, float *y) {
  Attention<float>{shape, q, keys, values, cacheStride, y}.run(workers);
}

void attentionHalf(Workers &workers, const AttentionShape &shape, const uint16_t *q,
                   const uint16_t *keys, const uint16_t *values, size_t cacheStride, float *y) {
  Attention<uint16_t>{shape, q, keys, values, cacheStride, y}.run(workers);
}

} // namespace llmc::evaluate
