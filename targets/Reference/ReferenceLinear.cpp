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

/// Output n of one row of activations, before the row's scale.
float outputOf(const Decoder &decoder, const int8_t *a, uint32_t n, uint32_t columns) {
  float sum = 0.0f;
  for (uint32_t first = 0; first < columns; first += decoder.span()) {
    const uint32_t end = std::min(columns, first + decoder.span());
    int32_t dot = 0;
    for (uint32_t k = first; k < end; ++k)
      dot += a[k] * decoder.element(n, k);
    const float product = float(dot) * decoder.scale(n, first);
    sum = sum + product;
  }
  return sum;
}

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
  std::vector<float> y(matmul.n.value);
  for (uint32_t token = 0; token < call.valueOf(matmul.tokens); ++token)
    for (uint32_t sub = 0; sub < matmul.subRows; ++sub) {
      const auto *a = reinterpret_cast<const int8_t *>(call.row(matmul::A, token, sub));
      const float scale = elementOf(ElementType::F32, call.row(matmul::AScale, token, sub), 0);
      for (uint32_t n = 0; n < matmul.n.value; ++n)
        y[n] = outputOf(decoder, a, n, matmul.k.value) * scale;
      storeRow(y, matmul.epilogue, call.row(matmul::Out, token, sub));
    }
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
