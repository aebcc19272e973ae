// Linear layers, and rows of tables.
#include "targets/Reference/ReferenceParts.h"

#include "runtime/base/numerics.h"

#include <algorithm>
#include <vector>

namespace llmc::target {

namespace {

/// How weights decode.
class Decoder {
public:
  explicit Decoder(const WeightRows &weights)
      : weights(weights), record(rowRecord(weights.format, weights.columns)) {}

  bool scaledByGroup() const {
    return weights.format.scale == ScaleKind::F16Group ||
           weights.format.scale == ScaleKind::F32Group;
  }
  /// Columns that one scale covers.
  uint32_t span() const { return scaledByGroup() ? record.groupSize : weights.columns; }

  /// The element, times the multiplier of its group where it has one.
  int32_t element(uint32_t row, uint32_t column) const {
    const int32_t q = weights.elements[size_t(row) * weights.columns + column];
    if (weights.format.scale != ScaleKind::MultiplierF32Row)
      return q;
    return q * weights.multipliers[size_t(row) * record.groups + column / record.groupSize];
  }
  float scale(uint32_t row, uint32_t column) const {
    const size_t group = size_t(row) * record.groups + column / record.groupSize;
    switch (weights.format.scale) {
    case ScaleKind::F16Group:
      return llmc_f16_bits_to_f32(weights.halfScales[group]);
    case ScaleKind::F32Group:
      return weights.groupScales[group];
    default:
      return weights.rowScales[row];
    }
  }

private:
  const WeightRows &weights;
  const RowRecord record;
};

/// One output's weights, decoded.
struct Output {
  std::vector<int32_t> weights;
  std::vector<float> scales; ///< Of every `span` columns.
  uint32_t span;

  Output(const Decoder &decoder, uint32_t n, uint32_t columns) : span(decoder.span()) {
    for (uint32_t k = 0; k < columns; ++k)
      weights.push_back(decoder.element(n, k));
    for (uint32_t k = 0; k < columns; k += span)
      scales.push_back(decoder.scale(n, k));
  }

  /// Of one row of activations, before the row's scale.
  float of(const int8_t *a) const {
    float sum = 0.0f;
    for (size_t group = 0; group < scales.size(); ++group) {
      const size_t end = std::min(weights.size(), (group + 1) * span);
      int32_t dot = 0;
      for (size_t k = group * span; k < end; ++k)
        dot += a[k] * weights[k];
      const float product = float(dot) * scales[group];
      sum = sum + product;
    }
    return sum;
  }
};

void storeRow(const std::vector<float> &y, Epilogue epilogue, uint8_t *out) {
  const size_t count = epilogue == Epilogue::SiluMul ? y.size() / 2 : y.size();
  for (size_t i = 0; i < count; ++i) {
    float value = y[i];
    if (epilogue == Epilogue::Add)
      value = elementOf(ElementType::F32, out, i) + value;
    else if (epilogue == Epilogue::SiluMul)
      value = llmc_swiglu(value, y[count + i]);
    storeElement(ElementType::F32, value, out, i);
  }
}

} // namespace

void runLinear(const KernelCall &call, const Matmul &matmul) {
  const Decoder decoder(*call.weights);
  const uint32_t subRows = matmul.subRows, rows = call.valueOf(matmul.tokens) * subRows;
  std::vector<std::vector<float>> y(rows);
  for (uint32_t n = 0; n < matmul.n.value; ++n) {
    const Output output(decoder, n, matmul.k.value);
    for (uint32_t row = 0; row < rows; ++row) {
      const uint8_t *a = call.row(matmul::A, row / subRows, row % subRows);
      const uint8_t *scale = call.row(matmul::AScale, row / subRows, row % subRows);
      y[row].push_back(output.of(reinterpret_cast<const int8_t *>(a)) *
                       elementOf(ElementType::F32, scale, 0));
    }
  }
  for (uint32_t row = 0; row < rows; ++row)
    storeRow(y[row], matmul.epilogue, call.row(matmul::Out, row / subRows, row % subRows));
}

void runEmbedRows(const KernelCall &call, const EmbedRows &embed) {
  const Decoder decoder(*call.weights);
  for (uint32_t token = 0; token < call.valueOf(embed.tokens); ++token) {
    const auto *ids = reinterpret_cast<const int32_t *>(call.row(embed::Ids, 0, 0));
    const uint32_t row = embed.gathered ? token : uint32_t(ids[token]);
    for (uint32_t column = 0; column < embed.columns; ++column)
      storeElement(ElementType::F32,
                   float(decoder.element(row, column)) * decoder.scale(row, column),
                   call.row(embed::Out, token, 0), column);
  }
}

} // namespace llmc::target
