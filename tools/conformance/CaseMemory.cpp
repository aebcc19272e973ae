#include "tools/conformance/CaseMemory.h"

#include "runtime/base/numerics.h"

#include <cstring>

namespace llmc::conformance {

using namespace target;

template <class T> static void put(std::vector<uint8_t> &bytes, size_t index, T value) {
  std::memcpy(bytes.data() + index * sizeof(T), &value, sizeof(T));
}

/// Nibbles take whole bytes a row.
uint8_t CaseMemory::append(ElementType type, const RowShape &shape) {
  const auto bits = [&](uint32_t columns) { return (columns * bitsOf(type) + 7) / 8; };
  const uint32_t row = bits(shape.columns) + bits(shape.gap);
  KernelOperand operand;
  operand.type = type;
  operand.tokenStride = row * shape.subRows;
  operand.subStride = shape.subRows > 1 ? row : 0;
  operand.bytes = uint64_t(row) * shape.subRows * shape.tokens - bits(shape.gap);
  data.operands.push_back(operand);
  data.memory.emplace_back(operand.bytes);
  return uint8_t(data.operands.size() - 1);
}

uint8_t CaseMemory::add(ElementType type, const RowShape &shape, float factor) {
  const uint8_t number = append(type, shape);
  std::vector<uint8_t> &bytes = data.memory[number];
  const size_t count = bytes.size() * 8 / bitsOf(type);
  for (size_t i = 0; i < count; ++i) {
    if (type == ElementType::F32)
      put(bytes, i, random.value() * factor);
    else if (type == ElementType::F16) // the last place of a half, and now and then nothing
      put(bytes, i,
          random.below(9)
              ? llmc_f32_to_f16(factor * (float(random.below(4001)) - 2000.0f) * 0x1p-10f)
              : uint16_t(0));
    else if (type == ElementType::I8)
      bytes[i] = uint8_t(int(random.below(255)) - 127);
    else
      bytes[i * bitsOf(type) / 8] = uint8_t(random.next());
  }
  return number;
}

uint8_t CaseMemory::addSpecial(const RowShape &shape) {
  const float specials[] = {0.0f, -0.0f, 1e-30f, 1e30f, -87.5f, 65504.0f, 65520.0f, 0x1p-14f};
  const uint8_t number = add(ElementType::F32, shape);
  std::vector<uint8_t> &bytes = data.memory[number];
  for (size_t i = 0; i < bytes.size() / 4; ++i)
    if (random.below(4) == 0)
      put(bytes, i, specials[random.below(8)]);
  return number;
}

uint8_t CaseMemory::addIds(uint32_t count, uint32_t bound) {
  const uint8_t number = append(ElementType::I32, {count, 1, 1, 0});
  for (uint32_t i = 0; i < count; ++i)
    put(data.memory[number], i, int32_t(i == 1 ? bound - 1 : random.below(bound)));
  return number;
}

uint8_t CaseMemory::addNone(ElementType type) {
  data.operands.push_back({.type = type});
  data.memory.emplace_back();
  return uint8_t(data.operands.size() - 1);
}

} // namespace llmc::conformance
