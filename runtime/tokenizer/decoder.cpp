#include "runtime/tokenizer/decoder.h"

#include "runtime/tokenizer/utf8.h"

namespace llmc::rt {

using namespace tok;

void Decoder::Sink::put(const uint8_t *bytes, size_t count) {
  if (full || count > out.size - size) {
    full = true;
    return;
  }
  for (size_t i = 0; i < count; ++i)
    out[size++] = bytes[i];
}

void Decoder::putInvalid(const uint8_t *bytes, size_t count, Sink &sink) const {
  static constexpr uint8_t replacement[3] = {0xEF, 0xBF, 0xBD};
  if (invalid == InvalidBytes::Replace)
    sink.put(replacement, 3);
  else
    sink.put(bytes, count);
}

void Decoder::feed(uint8_t byte, Sink &sink) {
  held.bytes[held.count++] = byte;
  const Utf8Char c = readUtf8(held.bytes, held.count);
  if (c.state == Utf8State::Incomplete)
    return;
  const uint32_t count = held.count;
  held.count = 0;
  if (c.state == Utf8State::Valid) {
    sink.put(held.bytes, count);
  } else if (count == 1) {
    putInvalid(held.bytes, 1, sink);
  } else { // the byte does not continue what was held: that part ends, and the byte starts anew
    putInvalid(held.bytes, count - 1, sink);
    feed(byte, sink);
  }
}

Status Decoder::close(const Held &before, const Sink &sink, size_t &written) {
  if (sink.full) {
    held = before;
    return Status(LLMC_TOO_SMALL, LLMC_AT_TOKENIZER, PartOutput);
  }
  written = sink.size;
  return {};
}

Status Decoder::push(uint32_t id, Span<uint8_t> out, size_t &written) {
  written = 0;
  const Span<const uint8_t> token = tokenizer.tokenBytes(id);
  if (token.empty())
    return Status(LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN);
  if (special == SpecialTokens::Skip && tokenizer.isSpecial(id))
    return {};
  const Held before = held;
  Sink sink{out};
  for (const uint8_t byte : token)
    feed(byte, sink);
  return close(before, sink, written);
}

Status Decoder::finish(Span<uint8_t> out, size_t &written) {
  written = 0;
  const Held before = held;
  Sink sink{out};
  if (held.count > 0)
    putInvalid(held.bytes, held.count, sink);
  held.count = 0;
  return close(before, sink, written);
}

Status decode(const Tokenizer &tokenizer, Span<const uint32_t> ids, SpecialTokens special,
              InvalidBytes invalid, Span<uint8_t> out, size_t &written) {
  written = 0;
  Decoder decoder(tokenizer, special, invalid);
  size_t used = 0;
  for (size_t i = 0; i <= ids.size; ++i) {
    const Span<uint8_t> rest{out.data + used, out.size - used};
    size_t now = 0;
    const Status status =
        i < ids.size ? decoder.push(ids[i], rest, now) : decoder.finish(rest, now);
    if (status.code == LLMC_OUT_OF_RANGE)
      return Status(LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, i);
    if (!status.ok())
      return status;
    used += now;
  }
  written = used;
  return {};
}

} // namespace llmc::rt
