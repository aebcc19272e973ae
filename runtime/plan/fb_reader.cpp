#include "runtime/plan/fb_reader.h"

namespace llmc::rt::fb {

bool Text::equals(Text other) const {
  if (size != other.size)
    return false;
  for (uint32_t i = 0; i < size; ++i)
    if (data[i] != other.data[i])
      return false;
  return true;
}

bool Text::equals(const char *other) const {
  uint32_t n = 0;
  while (other[n])
    ++n;
  return equals(Text{other, n});
}

namespace {

/// Where in the plan a finding is reported: the innermost vector element being looked at.
struct Place {
  Where where;
  uint32_t detail;
};

class Verifier {
public:
  Verifier(Span<const uint8_t> buffer, const Schema &schema) : buffer(buffer), schema(schema) {}

  Status run() {
    Place top{LLMC_AT_PLAN, 0};
    if (buffer.size < 8)
      return fail(LLMC_TRUNCATED, top);
    if (buffer.size > 0x7FFFFFFFu)
      return fail(LLMC_BAD_RANGE, top);
    if (reinterpret_cast<uintptr_t>(buffer.data) % 8)
      return fail(LLMC_BAD_ALIGNMENT, top);
    for (unsigned i = 0; i < 4; ++i)
      if (buffer[4 + i] != static_cast<uint8_t>(schema.identifier[i]))
        return fail(LLMC_BAD_MAGIC, top);
    uint32_t at = 0;
    if (!target(0, &at))
      return fail(LLMC_BAD_STRUCTURE, top);
    return table(at, schema.root, top);
  }

private:
  static Status fail(Code code, Place place) { return Status(code, place.where, place.detail); }

  bool inside(uint64_t offset, uint64_t size) const { return fits(offset, size, buffer.size); }
  template <class T> T at(uint32_t offset) const { return load<T>(buffer.data + offset); }

  /// Follows the offset stored at `field`: it must be forward, aligned to 4 and leave room for four
  /// bytes.
  bool target(uint32_t field, uint32_t *out) const {
    uint64_t to = uint64_t(field) + at<uint32_t>(field);
    if (to == field || to % 4 || !inside(to, 4))
      return false;
    *out = static_cast<uint32_t>(to);
    return true;
  }

  /// A vector of `size`-byte elements at `offset`.
  bool vectorFits(uint32_t offset, uint32_t size, uint32_t align) const {
    uint64_t first = uint64_t(offset) + 4;
    return first % align == 0 && inside(first, uint64_t(at<uint32_t>(offset)) * size);
  }

  bool textFits(uint32_t offset) const {
    uint32_t n = at<uint32_t>(offset);
    return inside(uint64_t(offset) + 4, uint64_t(n) + 1) && buffer[offset + 4 + n] == 0;
  }

  Status table(uint32_t offset, unsigned spec, Place place) const {
    int64_t vtable64 = int64_t(offset) - at<int32_t>(offset);
    if (vtable64 < 0 || vtable64 % 2 || !inside(uint64_t(vtable64), 4))
      return fail(LLMC_BAD_STRUCTURE, place);
    uint32_t vtable = static_cast<uint32_t>(vtable64);
    uint16_t vtableSize = at<uint16_t>(vtable), tableSize = at<uint16_t>(vtable + 2);
    if (vtableSize < 4 || vtableSize % 2 || !inside(vtable, vtableSize) || tableSize < 4 ||
        !inside(offset, tableSize))
      return fail(LLMC_BAD_STRUCTURE, place);
    const TableSpec &layout = schema.tables[spec];
    for (unsigned i = 0; i < layout.nFields; ++i) {
      const FieldSpec &field = layout.fields[i];
      Place here = spec == schema.root ? Place{LLMC_AT_PLAN, i} : place;
      uint32_t slot = 4 + 2 * i;
      uint16_t inner = slot + 2 <= vtableSize ? at<uint16_t>(vtable + slot) : 0;
      if (inner == 0) {
        if (field.required)
          return fail(LLMC_MISSING, here);
        continue;
      }
      Status status = fieldAt(offset, inner, tableSize, field, here);
      if (!status.ok())
        return status;
    }
    return {};
  }

  Status fieldAt(uint32_t offset, uint16_t inner, uint16_t tableSize, const FieldSpec &field,
                 Place place) const {
    bool isInline = field.kind == FieldKind::Inline;
    uint32_t size = isInline ? field.size : 4, align = isInline ? field.align : 4;
    if (inner < 4 || !fits(inner, size, tableSize) || (offset + inner) % align)
      return fail(LLMC_BAD_STRUCTURE, place);
    if (isInline)
      return {};
    uint32_t to = 0;
    if (!target(offset + inner, &to))
      return fail(LLMC_BAD_STRUCTURE, place);
    switch (field.kind) {
    case FieldKind::Text:
      return textFits(to) ? Status() : fail(LLMC_BAD_STRUCTURE, place);
    case FieldKind::Table:
      return table(to, field.table, Place{schema.tables[field.table].where, 0});
    default:
      return vector(to, field, place);
    }
  }

  Status vector(uint32_t at, const FieldSpec &field, Place place) const {
    bool byOffset = field.kind != FieldKind::Vector;
    if (!vectorFits(at, byOffset ? 4 : field.size, byOffset ? 4 : field.align))
      return fail(LLMC_BAD_STRUCTURE, place);
    uint32_t n = load<uint32_t>(buffer.data + at);
    if (field.required && n == 0)
      return fail(LLMC_MISSING, place);
    if (n > field.maxCount)
      return fail(LLMC_BAD_RANGE, place);
    for (uint32_t i = 0; byOffset && i < n; ++i) {
      Status status = element(at + 4 + 4 * i, i, field, place);
      if (!status.ok())
        return status;
    }
    return {};
  }

  Status element(uint32_t slot, uint32_t i, const FieldSpec &field, Place place) const {
    bool isText = field.kind == FieldKind::Texts;
    Place here = isText ? Place{LLMC_AT_STRING, i} : Place{schema.tables[field.table].where, i};
    // A tensor is named by its entry and its own index.
    if (here.where == LLMC_AT_TENSOR)
      here.detail = place.detail * 256 + i;
    uint32_t to = 0;
    if (!target(slot, &to))
      return fail(LLMC_BAD_STRUCTURE, here);
    if (isText)
      return textFits(to) ? Status() : fail(LLMC_BAD_STRUCTURE, here);
    return table(to, field.table, here);
  }

  Span<const uint8_t> buffer;
  const Schema &schema;
};

} // namespace

Status verifyBuffer(Span<const uint8_t> buffer, const Schema &schema) {
  return Verifier(buffer, schema).run();
}

} // namespace llmc::rt::fb
