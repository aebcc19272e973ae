#include "targets/Reference/Difference.h"

#include "targets/Reference/ReferenceKernel.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

namespace llmc::target {

namespace {

uint32_t bitsAt(std::span<const uint8_t> memory, size_t offset, size_t bytes) {
  uint32_t bits = 0;
  std::memcpy(&bits, memory.data() + offset, std::min(bytes, memory.size() - offset));
  return bits;
}

bool isNan(ElementType type, std::span<const uint8_t> memory, size_t index) {
  return (type == ElementType::F32 || type == ElementType::F16) &&
         std::isnan(elementOf(type, memory.data(), index));
}

} // namespace

std::optional<Difference> firstDifference(ElementType type, std::span<const uint8_t> got,
                                          std::span<const uint8_t> expected) {
  const size_t bytes = std::max(1u, bitsOf(type) / 8);
  for (size_t i = 0; i * bytes < expected.size(); ++i) {
    const uint32_t x = bitsAt(got, i * bytes, bytes), y = bitsAt(expected, i * bytes, bytes);
    const bool whole = (i + 1) * bytes <= expected.size();
    if (x != y && !(whole && isNan(type, got, i) && isNan(type, expected, i)))
      return Difference{i, x, y, uint32_t(bytes)};
  }
  return std::nullopt;
}

std::string hexOf(uint32_t bits, uint32_t bytes) {
  return fmt::format("0x{:0{}x}", bits, 2 * bytes);
}

} // namespace llmc::target
