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

uint64_t Field::wide() const { return data ? load<uint64_t>(data) : 0; }

uint32_t number(const uint8_t *at, unsigned field) {
  const uint8_t *vtable = at - load<int32_t>(at);
  unsigned slot = 4 + 2 * field;
  unsigned inner = slot < load<uint16_t>(vtable) ? load<uint16_t>(vtable + slot) : 0;
  return inner ? load<uint32_t>(at + inner) : 0;
}

void unpack(const Schema &schema, uint8_t table, const uint8_t *at, Field *fields) {
  const TableSpec &layout = schema.tables[table];
  const FieldSpec *spec = schema.fields + layout.firstField;
  const uint8_t *slot = at - load<int32_t>(at), *end = slot + load<uint16_t>(slot);
  for (unsigned i = 0; i < layout.nFields; ++i, ++spec, ++fields) {
    slot += i == 0 ? 4 : 2;
    const uint8_t *p = at + (slot < end ? load<uint16_t>(slot) : 0);
    fields->data = nullptr;
    fields->value = 0;
    if (p == at) {
      if (spec->kind == FieldKind::Text)
        fields->data = reinterpret_cast<const uint8_t *>("");
      else if (spec->kind == FieldKind::Inline && spec->mostLog2)
        fields->value = UINT32_MAX >> (32 - 8 * spec->size);
      continue;
    }
    if (spec->kind != FieldKind::Inline) {
      p = follow(p);
      fields->data = p + 4;
      fields->value = load<uint32_t>(p);
      continue;
    }
    fields->data = p;
    fields->value = spec->size == 1 ? *p : spec->size == 2 ? load<uint16_t>(p) : load<uint32_t>(p);
  }
}

namespace {

/// Offsets stay below 2^31, so a sum of two of them does not wrap.
class Verifier {
public:
  Verifier(Span<const uint8_t> buffer, const Schema &schema)
      : base(buffer.data), size(uint32_t(buffer.size)), schema(schema) {}

  Code run() {
    if (size < 8)
      return LLMC_TRUNCATED;
    if (reinterpret_cast<uintptr_t>(base) % 8)
      return LLMC_BAD_ALIGNMENT;
    if (word(4) != schema.identifier)
      return LLMC_BAD_MAGIC;
    uint32_t root = target(0);
    return root ? table(root, schema.tables[0]) : LLMC_BAD_STRUCTURE;
  }

  // Where in the plan the finding is: the innermost vector element being looked at.
  uint8_t where = LLMC_AT_PLAN;
  uint32_t detail = 0;

private:
  uint32_t word(uint32_t offset) const { return load<uint32_t>(base + offset); }
  uint32_t half(uint32_t offset) const { return load<uint16_t>(base + offset); }
  bool inside(uint32_t offset, uint32_t n) const { return n <= size && offset <= size - n; }

  /// What the offset stored at `field` leads to: forward, aligned to 4, with room for four bytes.
  /// 0 where it does not.
  [[gnu::noinline]] uint32_t target(uint32_t field) const {
    uint32_t distance = word(field), to = field + distance;
    return distance != 0 && distance < size && to % 4 == 0 && inside(to, 4) ? to : 0;
  }

  Code table(uint32_t offset, const TableSpec &spec) {
    // A vtable may stand on either side; a distance beyond the buffer wraps to far outside.
    uint32_t vtable = offset - word(offset);
    if (vtable % 2 || !inside(vtable, 4))
      return LLMC_BAD_STRUCTURE;
    uint32_t slots = half(vtable), tableSize = half(vtable + 2);
    if (slots < 4 || slots % 2 || !inside(vtable, slots) || tableSize < 4 ||
        !inside(offset, tableSize))
      return LLMC_BAD_STRUCTURE;
    const FieldSpec *field = schema.fields + spec.firstField;
    for (uint32_t i = 0; i < spec.nFields; ++i, ++field) {
      if (spec.where == LLMC_AT_PLAN) {
        where = LLMC_AT_PLAN;
        detail = i;
      }
      uint32_t slot = 4 + 2 * i, inner = slot < slots ? half(vtable + slot) : 0;
      if (inner == 0) {
        if (field->mostLog2 & FieldSpec::requiredBit)
          return LLMC_MISSING;
        continue;
      }
      if (Code code = fieldAt(offset, inner, tableSize, *field); code != LLMC_OK)
        return code;
    }
    return LLMC_OK;
  }

  Code fieldAt(uint32_t offset, uint32_t inner, uint32_t tableSize, const FieldSpec &field) {
    bool isInline = field.kind == FieldKind::Inline;
    uint32_t n = isInline ? field.size : 4, align = isInline ? field.alignOrTable : 4;
    if (inner < 4 || inner + n > tableSize || (offset + inner) & (align - 1))
      return LLMC_BAD_STRUCTURE;
    if (isInline)
      return LLMC_OK;
    uint32_t to = target(offset + inner);
    if (!to)
      return LLMC_BAD_STRUCTURE;
    return field.kind == FieldKind::Table ? subTable(to, field, 0) : vector(to, field);
  }

  /// A vector, or a text: a vector of bytes with a zero after it.
  Code vector(uint32_t at, const FieldSpec &field) {
    uint32_t n = word(at), mostLog2 = field.mostLog2 & (FieldSpec::requiredBit - 1u);
    bool isText = field.kind == FieldKind::Text, byOffset = field.kind > FieldKind::Vector;
    if (n == 0 && !isText && (field.mostLog2 & FieldSpec::requiredBit))
      return LLMC_MISSING;
    if (n > (1u << mostLog2) - (mostLog2 == 16))
      return LLMC_BAD_RANGE;
    // At most 2^20 elements of 48 bytes, or a text of 2^31 bytes.
    uint32_t align = byOffset ? 4 : field.alignOrTable;
    if ((at + 4) & (align - 1) || !inside(at + 4, n * field.size + isText) ||
        (isText && base[at + 4 + n] != 0))
      return LLMC_BAD_STRUCTURE;
    if (!byOffset)
      return LLMC_OK;
    uint8_t outerWhere = where;
    uint32_t outerDetail = detail;
    for (uint32_t i = 0; i < n; ++i) {
      if (Code code = element(at + 4 + 4 * i, i, field, outerDetail); code != LLMC_OK)
        return code;
    }
    where = outerWhere;
    detail = outerDetail;
    return LLMC_OK;
  }

  Code element(uint32_t slot, uint32_t i, const FieldSpec &field, uint32_t outer) {
    uint32_t to = target(slot);
    if (field.kind == FieldKind::Tables)
      return subTable(to, field, i, outer);
    where = LLMC_AT_STRING;
    detail = i;
    constexpr FieldSpec text = {FieldKind::Text, 1, 1, 31};
    return to ? vector(to, text) : LLMC_BAD_STRUCTURE;
  }

  Code subTable(uint32_t to, const FieldSpec &field, uint32_t i, uint32_t outer = 0) {
    const TableSpec &spec = schema.tables[field.alignOrTable];
    where = spec.where;
    // A tensor is named by its entry and its own index.
    detail = spec.where == LLMC_AT_TENSOR ? outer * 256 + i : i;
    return to ? table(to, spec) : LLMC_BAD_STRUCTURE;
  }

  const uint8_t *base;
  uint32_t size;
  const Schema &schema;
};

} // namespace

Status verifyBuffer(Span<const uint8_t> buffer, const Schema &schema) {
  if (buffer.size > 0x7FFFFFFFu)
    return Status(LLMC_BAD_RANGE, LLMC_AT_PLAN);
  Verifier verifier(buffer, schema);
  Code code = verifier.run();
  return code == LLMC_OK ? Status() : Status(code, Where(verifier.where), verifier.detail);
}

} // namespace llmc::rt::fb
