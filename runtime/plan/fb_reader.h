// Reads and verifies FlatBuffers of the plan schema, with nothing but the two headers every
// compiler has.
//
// `verifyBuffer` walks a schema given as tables of field descriptions and proves that every later
// access through Table, Vector and Text stays inside the buffer. After that, accessors check
// nothing.
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

class Table {
public:
  Table() = default;
  explicit Table(const uint8_t *at) : at(at) {}
  explicit operator bool() const { return at != nullptr; }

  /// The bytes of field `id`, or null where it is absent.
  const uint8_t *field(unsigned id) const {
    const uint8_t *vtable = at - load<int32_t>(at);
    unsigned slot = 4 + 2 * id;
    if (slot + 2 > load<uint16_t>(vtable))
      return nullptr;
    uint16_t offset = load<uint16_t>(vtable + slot);
    return offset ? at + offset : nullptr;
  }
  template <class T> T scalar(unsigned id, T fallback) const {
    const uint8_t *p = field(id);
    return p ? load<T>(p) : fallback;
  }
  Table table(unsigned id) const {
    const uint8_t *p = field(id);
    return p ? Table(follow(p)) : Table();
  }
  Text text(unsigned id) const {
    const uint8_t *p = field(id);
    return p ? textAt(follow(p)) : Text();
  }
  /// A vector of scalars or structs; empty where absent.
  template <class T> Span<const T> vector(unsigned id) const {
    const uint8_t *p = field(id);
    if (!p)
      return {};
    p = follow(p);
    return {reinterpret_cast<const T *>(p + 4), load<uint32_t>(p)};
  }
  /// Element i of a vector of tables or strings, by the vector's offsets.
  static Table element(Span<const uint32_t> offsets, size_t i) {
    return Table(follow(reinterpret_cast<const uint8_t *>(&offsets[i])));
  }
  static Text textElement(Span<const uint32_t> offsets, size_t i) {
    return textAt(follow(reinterpret_cast<const uint8_t *>(&offsets[i])));
  }

private:
  static Text textAt(const uint8_t *p) {
    return {reinterpret_cast<const char *>(p + 4), load<uint32_t>(p)};
  }
  const uint8_t *at = nullptr;
};

enum class FieldKind : uint8_t { Inline, Text, Vector, Texts, Tables, Table };

struct FieldSpec {
  FieldKind kind;
  uint8_t size;      // bytes of the scalar or struct, or of one vector element
  uint8_t align;     // of the same
  bool required;     // absent, or an empty vector: MISSING
  uint8_t table;     // for Table and Tables: index among the specs
  uint32_t maxCount; // most elements of a vector
};

struct TableSpec {
  const FieldSpec *fields;
  uint8_t nFields;
  Where where; // reported with the element's index
};

struct Schema {
  const TableSpec *tables;
  uint8_t root;
  char identifier[4];
};

/// Proves the structure of `buffer`, whose address must be a multiple of 8. Buffers beyond 2 GiB
/// are refused.
Status verifyBuffer(Span<const uint8_t> buffer, const Schema &schema);

/// The root table of a verified buffer.
inline Table root(Span<const uint8_t> buffer) { return Table(follow(buffer.data)); }

} // namespace llmc::rt::fb

#endif
