#include "test/unit/targets/LlvmMatmulKit.h"

#include "targets/Reference/ReferenceKernel.h"

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
  weights = randomWeights(format, n, k, random);
  for (size_t i = 0; i < size_t(m) * k; ++i)
    activations.push_back(int8_t(int(random.below(255)) - 127));
  std::fill_n(activations.begin(), k, int8_t(127));
  for (uint32_t i = 0; i < m; ++i)
    activationScales.push_back(i == 1 ? 0.0f : random.value());
  if (epilogue == Epilogue::SiluMul) // Gates of a few units, where a sigmoid is neither 0 nor 1.
    for (float &scale : activationScales)
      scale *= 0x1p-14f;
  for (size_t i = 0; i < size_t(m) * outputs(); ++i)
    before.push_back(random.value() * 0x1p14f);
  packX86(layout, rows(), packed);
}

template <class T> static uint8_t *bytesOf(const std::vector<T> &values) {
  return reinterpret_cast<uint8_t *>(const_cast<T *>(values.data()));
}

std::vector<float> LinearCase::expected() const {
  std::vector<float> result = before;
  Matmul matmul;
  matmul.tokens = {m};
  matmul.n = {n};
  matmul.k = {k};
  matmul.format = format;
  matmul.epilogue = epilogue;
  const KernelOperand operands[] = {{ElementType::I8, k},
                                    {ElementType::F32, 4},
                                    {format.element},
                                    {ElementType::F32, outputs() * 4}};
  uint8_t *memory[] = {bytesOf(activations), bytesOf(activationScales), nullptr, bytesOf(result)};
  const WeightRows all = rows();
  runReference({matmul, operands, memory, &all, {}});
  return result;
}

std::vector<float> LinearCase::embedded(std::vector<int32_t> ids) const {
  std::vector<float> result(ids.size() * k);
  const KernelWork work = EmbedRows{{uint32_t(ids.size())}, k, format};
  const KernelOperand operands[] = {
      {ElementType::I32, 4}, {format.element}, {ElementType::F32, k * 4}};
  uint8_t *memory[] = {bytesOf(ids), nullptr, bytesOf(result)};
  const WeightRows all = rows();
  runReference({work, operands, memory, &all, {}});
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
