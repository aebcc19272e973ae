// Operands with random content.
#pragma once

#include "tools/conformance/Case.h"

namespace llmc::conformance {

/// Rows of an operand: (token, sub-row) rows of columns.
struct RowShape {
  uint32_t tokens = 1, subRows = 1, columns = 1;
  uint32_t gap = 0; ///< Elements between the end of a row and the next.
};

class CaseMemory {
public:
  CaseMemory(Case &data, target::Random &random) : data(data), random(random) {}

  /// Appends one with content that its type can hold; its number.
  uint8_t add(target::ElementType type, const RowShape &shape, float factor = 1.0f);
  /// Numbers among which are zeros, and the least and greatest that occur.
  uint8_t addSpecial(const RowShape &shape);
  uint8_t addIds(uint32_t count, uint32_t bound);
  /// A place for packed weights, or one that is not used.
  uint8_t addNone(target::ElementType type);

private:
  uint8_t append(target::ElementType type, const RowShape &shape);

  Case &data;
  target::Random &random;
};

} // namespace llmc::conformance
