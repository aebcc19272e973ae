// Reads and verifies FlatBuffers of the plan schema, with nothing but the two headers every
// compiler has.
//
// `verifyBuffer` walks a schema given as tables of field descriptions and proves that every later
// access through fields stays inside the buffer. After that `unpack` reads a table at once, and
// nothing is checked any more.
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

/// Follows the 32-bit offset stored at p.
inline const uint8_t *follow(const uint8_t *p) { return p + load<uint32_t>(p); }

/// A string: not terminated as far as readers are concerned.
struct Text {
  const char *data = "";
  uint32_t size = 0;
  bool equals(const char *other) const;
  bool equals(Text other) const;
};

/// A field of a table.
struct Field {
  const uint8_t *data; // its bytes, the first element or character; null where it is absent
  uint32_t value; // the number, of 64 bits the lower half; elements of a vector, bytes of a text

  Text text() const { return {reinterpret_cast<const char *>(data), value}; }
  template <class T> Span<const T> vector() const {
    return {reinterpret_cast<const T *>(data), value};
  }
  /// Element i of a vector of tables or texts; a text's length comes first.
  const uint8_t *element(size_t i) const { return follow(data + 4 * i); }
  /// The table that the field leads to.
  const uint8_t *table() const { return data - 4; }
  /// A number of 64 bits.
  uint64_t wide() const;
};

enum class FieldKind : uint8_t { Inline, Text, Vector, Texts, Tables, Table };

struct FieldSpec {
  FieldKind kind;
  uint8_t size;         // bytes of the scalar or struct, or of one vector element
  uint8_t alignOrTable; // of the same; for Table and Tables: index among the specs
  uint8_t mostLog2;     // a vector has at most 2^this elements, 65535 for 16; plus requiredBit.
                        // 1 for a number that is none where it is absent

  static constexpr uint8_t requiredBit = 0x80; // absent, or an empty vector: MISSING
};

struct TableSpec {
  uint8_t firstField; // among Schema::fields
  uint8_t nFields;
  uint8_t where; // reported with the element's index
};

struct Schema {
  const TableSpec *tables; // the root is the first
  const FieldSpec *fields;
  uint32_t identifier; // four characters, little-endian
};

/// Proves the structure of `buffer`, whose address must be a multiple of 8. Buffers beyond 2 GiB
/// are refused.
Status verifyBuffer(Span<const uint8_t> buffer, const Schema &schema);

/// One field of four bytes of a table, 0 where it is absent.
uint32_t number(const uint8_t *at, unsigned field);

/// All fields of a table of a verified buffer; `fields` has as many as the table's spec.
void unpack(const Schema &schema, uint8_t table, const uint8_t *at, Field *fields);

} // namespace llmc::rt::fb

#endif
