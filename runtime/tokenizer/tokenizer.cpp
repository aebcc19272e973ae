#include "runtime/tokenizer/tokenizer.h"

namespace llmc::rt {

int tok::compareBytes(Span<const uint8_t> a, Span<const uint8_t> b) {
  const size_t common = a.size < b.size ? a.size : b.size;
  for (size_t i = 0; i < common; ++i)
    if (a[i] != b[i])
      return a[i] < b[i] ? -1 : 1;
  return a.size == b.size ? 0 : a.size < b.size ? -1 : 1;
}

bool Tokenizer::isEos(uint32_t id) const {
  for (uint32_t i = 0; i < tables.eos.count; ++i)
    if (tables.eos[i] == id)
      return true;
  return false;
}

bool Tokenizer::isSpecial(uint32_t id) const {
  uint32_t low = 0, high = tables.specials.count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (tables.specials[middle] < id)
      low = middle + 1;
    else
      high = middle;
  }
  return low < tables.specials.count && tables.specials[low] == id;
}

Span<const uint8_t> Tokenizer::tokenBytes(uint32_t id) const {
  if (id >= tables.vocab)
    return {};
  const uint32_t begin = tables.tokenOffsets[id];
  return {tables.pool.data + begin, tables.tokenOffsets[size_t(id) + 1] - begin};
}

} // namespace llmc::rt
