// Where two memories differ.
#pragma once

#include "targets/Interface/Kernel.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace llmc::target {

struct Difference {
  uint64_t element = 0; ///< Index of the first one that differs; of nibbles, of their byte.
  uint32_t got = 0, expected = 0; ///< Their bits.
  uint32_t bytes = 0;             ///< Of an element.
};

/// The first element that differs; one NaN is as good as another. Both are of equal size, what
/// follows the last whole element is compared byte by byte.
std::optional<Difference> firstDifference(ElementType type, std::span<const uint8_t> got,
                                          std::span<const uint8_t> expected);

/// "0x3f800000".
std::string hexOf(uint32_t bits, uint32_t bytes);

} // namespace llmc::target
