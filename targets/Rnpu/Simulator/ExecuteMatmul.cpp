// The tensor engine.
#include "targets/Rnpu/Simulator/Execute.h"

#include "runtime/base/numerics.h"
#include "targets/Rnpu/WeightTile.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace llmc::rnpu {

using namespace target;

/// How the columns of a row are cut into sums: whole rows where the format decodes to int8, groups
/// where each has its own scale. Every piece is padded with zeros to a multiple of dotGranule.
struct DotShape {
  TileLayout layout;
  uint32_t pieces = 1; ///< Integer sums per output.
  uint64_t size = 0;   ///< Columns per piece; the last may be short.
  uint64_t depth = 0;  ///< The same, padded.

  DotShape(const WeightFormat &format, uint64_t n, uint64_t k)
      : layout(format, uint32_t(n), uint32_t(k)) {
    const bool grouped = format.scale == ScaleKind::F16Group || format.scale == ScaleKind::F32Group;
    pieces = grouped ? layout.record.groups : 1;
    size = grouped ? layout.record.groupSize : k;
    depth = (size + dotGranule - 1) / dotGranule * dotGranule;
  }
  uint64_t stride() const { return pieces * depth; }
  uint64_t sizeOf(uint32_t piece) const { return std::min(size, layout.columns - piece * size); }
};

/// From this many columns on an int32 sum could overflow: 128 * 128 * 131072 = 2^31.
static constexpr uint64_t overflowDepth = 131072;

static uint8_t *rowOf(const Operand &operand, uint64_t address, uint64_t subRows, uint64_t row,
                      uint8_t *sram) {
  return sram + address + row / subRows * operand.tokenStride + row % subRows * operand.subStride;
}

static const uint8_t *rowOf(const Operand &operand, uint64_t address, uint64_t subRows,
                            uint64_t row, const uint8_t *sram) {
  return rowOf(operand, address, subRows, row, const_cast<uint8_t *>(sram));
}

static float floatAt(const uint8_t *at) {
  float value;
  std::memcpy(&value, at, 4);
  return value;
}

void Executor::widenActivations(const MatmulCommand &command, const Resolved &r,
                                const uint8_t *sram, const DotShape &shape) {
  activations.assign(r.rows() * shape.stride(), 0);
  scales.resize(r.rows());
  const Operand *ops = command.operands;
  for (uint64_t m = 0; m < r.rows(); ++m) {
    const uint8_t *a = rowOf(ops[matmul::A], r.addresses[matmul::A], r.subRows, m, sram);
    int16_t *out = activations.data() + m * shape.stride();
    const auto *in = reinterpret_cast<const int8_t *>(a);
    for (uint32_t p = 0; p < shape.pieces; ++p)
      widen(in + p * shape.size, shape.sizeOf(p), out + p * shape.depth);
    const uint64_t scale = r.addresses[matmul::AScale];
    scales[m] = floatAt(rowOf(ops[matmul::AScale], scale, r.subRows, m, sram));
  }
}

/// Moves the groups of a row, packed from the front, to their padded places.
static void spreadGroups(const DotShape &shape, int16_t *row) {
  if (shape.size == shape.depth)
    return;
  for (uint32_t p = shape.pieces; p-- > 0;) {
    const uint64_t size = shape.sizeOf(p);
    std::memmove(row + p * shape.depth, row + p * shape.size, size * 2);
    std::memset(row + p * shape.depth + size, 0, (shape.depth - size) * 2);
  }
}

/// The integers of one weight row: q, or m*q.
static void decodeRow(const DotShape &shape, const uint8_t *record, int16_t *out) {
  const TileLayout &layout = shape.layout;
  const RowRecord &where = layout.record;
  if (layout.format.element == ElementType::I4)
    widenNibbles(record, layout.columns, out);
  else
    widen(reinterpret_cast<const int8_t *>(record), layout.columns, out);
  for (uint32_t g = 0; where.multiplierBytes && g < where.groups; ++g) {
    const uint64_t first = uint64_t(g) * where.groupSize;
    const int factor = (record[where.multipliers + g / 2] >> (g % 2 * 4) & 15) + 1;
    multiply(out + first, std::min<uint64_t>(where.groupSize, layout.columns - first),
             int16_t(factor));
  }
  spreadGroups(shape, out);
  const uint64_t used = (shape.pieces - 1) * shape.depth + shape.sizeOf(shape.pieces - 1);
  std::fill(out + used, out + shape.stride(), int16_t(0));
}

/// Padding of a record is zero and its scales are finite: anything else was not packed.
static bool recordIsWellFormed(const TileLayout &layout, const uint8_t *record) {
  const RowRecord &where = layout.record;
  uint32_t bits = 0;
  for (uint64_t i = where.multipliers + where.multiplierBytes; i < where.scales; ++i)
    bits |= record[i];
  for (uint64_t i = where.scales + where.scaleBytes; i < where.bytes; ++i)
    bits |= record[i];
  if (layout.format.element == ElementType::I4 && layout.columns % 2)
    bits |= uint32_t(record[layout.columns / 2]) >> 4;
  if (where.multiplierBytes && where.groups % 2)
    bits |= uint32_t(record[where.multipliers + where.groups / 2]) >> 4;
  return bits == 0;
}

static bool loadScales(const TileLayout &layout, const uint8_t *record, std::vector<float> &out) {
  const bool halves = layout.format.scale == ScaleKind::F16Group;
  const uint64_t count = layout.record.scaleBytes / (halves ? 2 : 4);
  out.resize(count);
  if (halves)
    widenHalves(record + layout.record.scales, count, out.data());
  else
    std::memcpy(out.data(), record + layout.record.scales, count * 4);
  return countNonFinite(out.data(), count) == 0;
}

/// The integer sums of weight row n are exact in int32.
bool Executor::sumsFit(const Resolved &r, const DotShape &shape, uint64_t n, Reporter &reporter) {
  if (shape.size < overflowDepth)
    return true;
  for (uint64_t m = 0; m < r.rows(); ++m)
    for (uint32_t p = 0; p < shape.pieces; ++p) {
      const int64_t sum = exactDot(activations.data() + m * shape.stride() + p * shape.depth,
                                   weights.data() + p * shape.depth, shape.depth);
      if (sum < INT32_MIN || sum > INT32_MAX)
        return reporter.fail(
            FaultKind::Overflow,
            fmt::format("row {}, output {}, group {}: the dot product is {}", m, n, p, sum),
            Space::Sram, r.addresses[matmul::Out], INT32_MAX);
    }
  return true;
}

/// acc = acc + float(dot_g) * s_g, groups ascending; then the activation's scale.
void Executor::scaleOutputs(const Resolved &r, const DotShape &shape, uint64_t n) {
  for (uint64_t m = 0; m < r.rows(); ++m) {
    float acc = 0.0f;
    for (uint32_t p = 0; p < shape.pieces; ++p)
      acc = acc + float(dots[m * shape.pieces + p]) * rowScales[p];
    const float result = acc * scales[m];
    nonFinite += !llmc_is_finite(result);
    std::memcpy(results[m] + 4 * n, &result, 4);
  }
}

bool Executor::linear(const MatmulCommand &command, const Resolved &r, uint8_t *sram,
                      Reporter &reporter) {
  if (r.rows() == 0 || r.n == 0)
    return true;
  const DotShape shape(command.matmul.format, r.n, r.k);
  widenActivations(command, r, sram, shape);
  weights.resize(std::max<uint64_t>(shape.stride(), r.k));
  dots.resize(r.rows() * shape.pieces);
  results.resize(r.rows());
  for (uint64_t m = 0; m < r.rows(); ++m)
    results[m] = rowOf(command.operands[matmul::Out], r.addresses[matmul::Out], r.subRows, m, sram);
  for (uint64_t n = 0; n < r.n; ++n) {
    const uint64_t at = r.addresses[matmul::B] + n * shape.layout.record.bytes;
    const uint8_t *record = sram + at;
    if (!recordIsWellFormed(shape.layout, record))
      return reporter.fail(FaultKind::WeightTile,
                           fmt::format("row {} of the tile has padding that is not zero", n),
                           Space::Sram, at, shape.layout.record.bytes);
    if (!loadScales(shape.layout, record, rowScales))
      return reporter.fail(FaultKind::WeightTile,
                           fmt::format("row {} of the tile has a scale that is not finite", n),
                           Space::Sram, at + shape.layout.record.scales);
    decodeRow(shape, record, weights.data());
    if (!sumsFit(r, shape, n, reporter))
      return false;
    dot(activations.data(), shape.stride(), uint32_t(r.rows()), weights.data(), shape.pieces,
        uint32_t(shape.depth), dots.data());
    scaleOutputs(r, shape, n);
  }
  return true;
}

/// Columns [first, first + count) of B as fp32, k-major: transposed for Scores.
void Executor::fillPanel(const MatmulCommand &command, const Resolved &r, const uint8_t *sram,
                         uint64_t first, uint64_t count) {
  panel.assign(r.k * panelColumns, 0.0f);
  const uint64_t stride = command.operands[matmul::B].tokenStride;
  const uint8_t *b = sram + r.addresses[matmul::B];
  if (command.matmul.kind == MatmulKind::Values) {
    for (uint64_t k = 0; k < r.k; ++k)
      widenHalves(b + k * stride + 2 * first, count, panel.data() + k * panelColumns);
    return;
  }
  converted.resize(r.k);
  for (uint64_t n = 0; n < count; ++n) {
    widenHalves(b + (first + n) * stride, r.k, converted.data());
    for (uint64_t k = 0; k < r.k; ++k)
      panel[k * panelColumns + n] = converted[k];
  }
}

/// Scores and Values: one fp32 accumulator per output, k ascending.
void Executor::products(const MatmulCommand &command, const Resolved &r, uint8_t *sram) {
  const Operand &a = command.operands[matmul::A], &out = command.operands[matmul::Out];
  const bool scores = command.matmul.kind == MatmulKind::Scores;
  left.resize(r.rows() * r.k);
  for (uint64_t m = 0; m < r.rows() && r.n > 0; ++m)
    widenHalves(rowOf(a, r.addresses[matmul::A], r.subRows, m, sram), r.k, left.data() + m * r.k);
  for (uint64_t first = 0; first < r.n && r.rows() > 0; first += panelColumns) {
    const uint64_t count = std::min<uint64_t>(panelColumns, r.n - first);
    fillPanel(command, r, sram, first, count);
    for (uint64_t m = 0; m < r.rows(); ++m) {
      uint8_t *to = rowOf(out, r.addresses[matmul::Out], r.subRows, m, sram) + 4 * first;
      float acc[panelColumns] = {};
      if (command.matmul.accumulate)
        std::memcpy(acc, to, count * 4);
      accumulatePanel(left.data() + m * r.k, panel.data(), r.k, acc);
      for (uint64_t n = 0; scores && n < count; ++n)
        acc[n] = acc[n] * command.matmul.scale;
      nonFinite += countNonFinite(acc, count);
      std::memcpy(to, acc, count * 4);
    }
  }
}

} // namespace llmc::rnpu
