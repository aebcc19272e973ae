#include "test/unit/targets/LlvmMatmulKit.h"

#include "runtime/base/numerics.h"

#include <algorithm>
#include <stdexcept>

namespace llmc::test {

using namespace target;

static X86WeightLayout layoutOf(const WeightFormat &format, uint32_t columns) {
  std::string error;
  const auto layout = X86WeightLayout::of(format, columns, error);
  if (!layout)
    throw std::runtime_error(error);
  return *layout;
}

LinearCase::LinearCase(const WeightFormat &format, uint32_t m, uint32_t n, uint32_t k,
                       uint64_t seed, Epilogue epilogue)
    : format(format), m(m), n(n), k(k), layout(layoutOf(format, k)), epilogue(epilogue) {
  Random random(seed);
  const bool bytes = format.element == ElementType::I8;
  const size_t groups = size_t(n) * layout.groups;
  // Extremes among them: sums of many equal signs, and every code.
  for (size_t i = 0; i < size_t(n) * k; ++i)
    weights.push_back(int8_t(bytes ? int(random.below(256)) - 128 : int(random.below(16)) - 8));
  for (size_t i = 0; i < size_t(m) * k; ++i)
    activations.push_back(int8_t(int(random.below(255)) - 127));
  std::fill_n(weights.begin(), k, int8_t(bytes ? -128 : -8));
  std::fill_n(activations.begin(), k, int8_t(127));
  for (size_t i = 0; i < groups; ++i) {
    multipliers.push_back(uint8_t(1 + random.below(16)));
    groupScales.push_back(random.value());
    halfScales.push_back(uint16_t(random.below(0x4000)));
  }
  std::fill_n(multipliers.begin(), layout.groups, uint8_t(16));
  for (uint32_t i = 0; i < n; ++i)
    rowScales.push_back(random.value());
  for (uint32_t i = 0; i < m; ++i)
    activationScales.push_back(i == 1 ? 0.0f : random.value());
  if (epilogue == Epilogue::SiluMul) // Gates of a few units, where a sigmoid is neither 0 nor 1.
    for (float &scale : activationScales)
      scale *= 0x1p-14f;
  for (size_t i = 0; i < size_t(m) * outputs(); ++i)
    before.push_back(random.value() * 0x1p14f);
  packX86(layout, rows(), packed);
}

WeightRows LinearCase::rows() const {
  WeightRows rows;
  rows.format = format;
  rows.rows = n;
  rows.columns = k;
  rows.elements = weights.data();
  rows.rowScales = rowScales.data();
  rows.multipliers = multipliers.data();
  rows.halfScales = halfScales.data();
  rows.groupScales = groupScales.data();
  return rows;
}

std::vector<float> LinearCase::expected() const {
  std::vector<float> result = products();
  if (epilogue == Epilogue::Add)
    for (size_t i = 0; i < result.size(); ++i)
      result[i] = before[i] + result[i];
  if (epilogue != Epilogue::SiluMul)
    return result;
  for (size_t row = 0; row < m; ++row)
    for (size_t i = 0; i < outputs(); ++i)
      result[row * outputs() + i] =
          llmc_swiglu(result[row * n + i], result[row * n + outputs() + i]);
  result.resize(before.size());
  return result;
}

std::vector<float> LinearCase::products() const {
  std::vector<float> result;
  const bool sumOfAll = !layout.scaledByGroup();
  for (size_t row = 0; row < m; ++row)
    for (size_t output = 0; output < n; ++output) {
      int64_t dot = 0;
      float acc = 0.0f;
      for (size_t group = 0; group < layout.groups; ++group) {
        const size_t at = output * layout.groups + group;
        const size_t end = std::min<size_t>(k, (group + 1) * layout.groupSize);
        for (size_t i = group * layout.groupSize; i < end; ++i)
          dot += int64_t(weights[output * k + i]) * activations[row * k + i] *
                 (layout.hasMultipliers() ? multipliers[at] : 1);
        if (sumOfAll && group + 1 < layout.groups)
          continue;
        const float scale = sumOfAll ? rowScales[output]
                            : format.scale == ScaleKind::F16Group
                                ? llmc_f16_bits_to_f32(halfScales[at])
                                : groupScales[at];
        acc = acc + float(int32_t(dot)) * scale;
        dot = 0;
      }
      result.push_back(acc * activationScales[row]);
    }
  return result;
}

static constexpr size_t guardBytes = 256;
static constexpr uint8_t guardValue = 0xa5;

Guarded::Guarded(size_t bytes) : storage(bytes + guardBytes + 64, guardValue), bytes(bytes) {
  start = (64 - reinterpret_cast<uintptr_t>(storage.data()) % 64) % 64;
}

bool Guarded::intact() const {
  const auto end = storage.begin() + ptrdiff_t(start + bytes);
  return std::all_of(storage.begin(), storage.begin() + ptrdiff_t(start),
                     [](uint8_t byte) { return byte == guardValue; }) &&
         std::all_of(end, storage.end(), [](uint8_t byte) { return byte == guardValue; });
}

} // namespace llmc::test
