#include "runtime/plan/fb_reader.h"

#include "runtime/base/small.h"

namespace llmc::rt::fb {
LLMC_SMALL_BEGIN

bool Text::equals(const char *other) const {
  for (uint32_t i = 0; i < size; ++i)
    if (other[i] == 0 || data[i] != other[i])
      return false;
  return other[size] == 0;
}

namespace {

/// Offsets stay below 2^31, so a sum of two of them does not wrap.
class Reader {
public:
  Reader(Span<const uint8_t> buffer) : base(buffer.data), size(uint32_t(buffer.size)) {}

  Code open(uint32_t identifier) {
    if (size < 8)
      return LLMC_TRUNCATED;
    if (reinterpret_cast<uintptr_t>(base) % 8)
      return LLMC_BAD_ALIGNMENT;
    if (word(4) != identifier)
      return LLMC_BAD_MAGIC;
    table = target(0);
    // The vtable may stand on either side; a distance beyond the buffer wraps to far outside.
    vtable = table - word(table);
    if (table == 0 || vtable % 2 || !inside(vtable, 4))
      return LLMC_BAD_STRUCTURE;
    slots = half(vtable);
    tableSize = half(vtable + 2);
    bool isSound = slots >= 4 && slots % 2 == 0 && inside(vtable, slots) && tableSize >= 4 &&
                   inside(table, tableSize);
    return isSound ? LLMC_OK : LLMC_BAD_STRUCTURE;
  }

  Code field(uint32_t index, const FieldSpec &spec, Field *out) const {
    uint32_t slot = 4 + 2 * index, inner = slot < slots ? half(vtable + slot) : 0;
    out->data = nullptr;
    out->value = 0;
    if (inner == 0)
      return spec.kind & required ? LLMC_MISSING : LLMC_OK;
    uint32_t kind = spec.kind & (required - 1u), align = (1u << spec.alignLog2) - 1;
    uint32_t n = kind == inlined ? spec.size : 4, at = table + inner;
    if (inner + n > tableSize || at & (kind == inlined ? align : 3))
      return LLMC_BAD_STRUCTURE;
    if (kind != inlined) {
      uint32_t to = target(at);
      if (to == 0)
        return LLMC_BAD_STRUCTURE;
      n = word(to);
      at = to + 4;
      if (n == 0 && (spec.kind & required))
        return LLMC_MISSING;
      if (n > (1u << spec.mostLog2) - (spec.mostLog2 % 8 == 0))
        return LLMC_BAD_RANGE;
      // At most 2^20 elements of 12 bytes; a text has a zero after it.
      if (at & align || !inside(at, n * spec.size + (kind == text)) ||
          (kind == text && base[at + n] != 0))
        return LLMC_BAD_STRUCTURE;
      out->value = n;
    }
    out->data = base + at;
    return LLMC_OK;
  }

private:
  uint32_t word(uint32_t offset) const { return load<uint32_t>(base + offset); }
  uint32_t half(uint32_t offset) const { return load<uint16_t>(base + offset); }
  bool inside(uint32_t offset, uint32_t n) const { return n <= size && offset <= size - n; }

  /// What the offset stored at `at` leads to: forward, aligned to 4, with room for four bytes. 0
  /// where it does not.
  uint32_t target(uint32_t at) const {
    uint32_t distance = word(at), to = at + distance;
    return distance != 0 && distance < size && to % 4 == 0 && inside(to, 4) ? to : 0;
  }

  const uint8_t *base;
  uint32_t size;
  uint32_t table, vtable, slots, tableSize;
};

} // namespace

Status readTable(Span<const uint8_t> buffer, uint32_t identifier, Span<const FieldSpec> specs,
                 Field *fields) {
  Reader reader(buffer);
  Code code = reader.open(identifier);
  uint32_t i = 0;
  for (; code == LLMC_OK && i < specs.size; ++i)
    code = reader.field(i, specs[i], &fields[i]);
  return code == LLMC_OK ? Status() : Status(code, LLMC_AT_PLAN, i ? i - 1 : 0);
}

LLMC_SMALL_END
} // namespace llmc::rt::fb
