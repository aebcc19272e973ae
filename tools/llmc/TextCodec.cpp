#include "tools/llmc/TextCodec.h"

#include "runtime/schema/explain.h"
#include "runtime/tokenizer/encoder.h"
#include "tools/llmc/Errors.h"

#include <algorithm>

namespace llmc {

TextCodec::TextCodec(rt::Span<const uint8_t> segment, const std::string &origin)
    : decoder(opened, rt::SpecialTokens::Skip) {
  if (const rt::Status status = rt::Tokenizer::open(segment, opened); !status.ok())
    throw InputError(origin + ": its tokenizer is corrupt: " + rt::explain(status));
  output.resize(decoder.maxOutput());
}

std::optional<int32_t> TextCodec::bos() const {
  if (opened.bosId() == rt::tok::NoId)
    return std::nullopt;
  return int32_t(opened.bosId());
}

std::vector<int32_t> TextCodec::encode(std::string_view text, size_t most) const {
  std::vector<uint32_t> scratch(rt::Encoder::scratchWords(256));
  rt::Encoder encoder(opened, {reinterpret_cast<const uint8_t *>(text.data()), text.size()},
                      {scratch.data(), scratch.size()});
  std::vector<int32_t> ids;
  while (ids.size() < most) {
    rt::Span<const uint32_t> piece;
    rt::Status status = encoder.next(piece);
    if (status.code == LLMC_TOO_SMALL) {
      scratch.resize(std::max(encoder.wordsNeeded(), 2 * scratch.size()));
      encoder.setScratch({scratch.data(), scratch.size()});
      continue;
    }
    if (!status.ok())
      throw std::logic_error("encoding failed: " + rt::explain(status));
    if (piece.empty())
      break;
    const size_t count = std::min(piece.size, most - ids.size());
    ids.insert(ids.end(), piece.begin(), piece.begin() + count);
  }
  return ids;
}

std::string TextCodec::decodeNext(int32_t id) {
  size_t written = 0;
  const rt::Status status = decoder.push(uint32_t(id), {output.data(), output.size()}, written);
  if (status.code == LLMC_OUT_OF_RANGE)
    return {};
  if (!status.ok())
    throw std::logic_error("decoding failed: " + rt::explain(status));
  return std::string(output.begin(), output.begin() + ptrdiff_t(written));
}

std::string TextCodec::decodeEnd() {
  size_t written = 0;
  if (const rt::Status status = decoder.finish({output.data(), output.size()}, written);
      !status.ok())
    throw std::logic_error("decoding failed: " + rt::explain(status));
  return std::string(output.begin(), output.begin() + ptrdiff_t(written));
}

} // namespace llmc
