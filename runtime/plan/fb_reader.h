// Reads and verifies the one table of a plan's FlatBuffer, with nothing but the two headers every
// compiler has.
//
// `readTable` proves that every field, and every element of its vectors, lies inside the buffer and
// is aligned. After that fields are read in place, and nothing is checked any more.
#ifndef LLMC_RUNTIME_PLAN_FB_READER_H
#define LLMC_RUNTIME_PLAN_FB_READER_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/span.h"
#include "runtime/base/status.h"

namespace llmc::rt::fb {

template <class T> inline T load(const uint8_t *p) {
  T value;
  __builtin_memcpy(&value, p, sizeof(T));
  return value;
}

/// A text: not terminated as far as readers are concerned.
struct Text {
  const char *data = "";
  uint32_t size = 0;
  bool equals(const char *other) const;
};

/// A field of the table.
struct Field {
  const uint8_t *data; // its bytes, or its first element; null where it is absent
  uint32_t value;      // elements of a vector, bytes of a text

  Text text() const { return {reinterpret_cast<const char *>(data), value}; }
  template <class T> Span<const T> vector() const {
    return {reinterpret_cast<const T *>(data), value};
  }
};

enum FieldKind : uint8_t { inlined, vector, text };

struct FieldSpec {
  uint8_t size; // bytes of the scalar or struct, or of one vector element
  uint8_t alignLog2;
  uint8_t mostLog2; // a vector has at most 2^this elements, one less for 8 and 16
  uint8_t kind;     // plus required: absent, or an empty vector, is MISSING
};
inline constexpr uint8_t required = 0x80;

/// Proves the structure of `buffer`, whose address must be a multiple of 8 and which has less than
/// 2 GiB, and fills as many fields of its table as there are specs. `identifier`: four characters,
/// little-endian.
Status readTable(Span<const uint8_t> buffer, uint32_t identifier, Span<const FieldSpec> specs,
                 Field *fields);

} // namespace llmc::rt::fb

#endif
