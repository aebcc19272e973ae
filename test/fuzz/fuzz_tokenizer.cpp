// Opens hostile bytes as a tokenizer segment, and encodes and decodes with what is accepted.
//
// The input is a segment, a text, and the length of the text in the last byte.
#include <memory>
#include <vector>

#include "runtime/tokenizer/decoder.h"
#include "runtime/tokenizer/encoder.h"
#include "test/fuzz/reference_device.h"

using namespace llmc;
using namespace llmc::fuzz;

namespace {

/// Bytes in a block of exactly their size.
struct Exact {
  Exact(const uint8_t *data, size_t size) : bytes(new uint8_t[size]), size(size) {
    std::copy(data, data + size, bytes.get());
  }
  rt::Span<const uint8_t> span() const { return {bytes.get(), size}; }
  std::unique_ptr<uint8_t[]> bytes;
  size_t size;
};

std::vector<uint8_t> decodeAll(const rt::Tokenizer &tokenizer, const std::vector<uint32_t> &ids,
                               rt::SpecialTokens special, rt::InvalidBytes invalid) {
  rt::Decoder decoder(tokenizer, special, invalid);
  std::vector<uint8_t> text;
  size_t written = 0;
  for (size_t i = 0; i <= ids.size(); ++i) {
    std::unique_ptr<uint8_t[]> out(new uint8_t[decoder.maxOutput()]);
    rt::Span<uint8_t> room(out.get(), decoder.maxOutput());
    rt::Status status =
        i < ids.size() ? decoder.push(ids[i], room, written) : decoder.finish(room, written);
    if (status.failed() && status.code != LLMC_OUT_OF_RANGE)
      finding("a token does not fit into maxOutput");
    text.insert(text.end(), out.get(), out.get() + written);
  }
  return text;
}

/// The text comes back, as far as no added token took white space away.
void roundTrip(const rt::Tokenizer &tokenizer, const Exact &text) {
  std::unique_ptr<uint32_t[]> scratch(new uint32_t[rt::Encoder::scratchWords(text.size)]);
  std::vector<uint32_t> ids(text.size);
  size_t count = 0;
  rt::Status status =
      rt::encode(tokenizer, text.span(), {scratch.get(), rt::Encoder::scratchWords(text.size)},
                 {ids.data(), ids.size()}, count);
  if (!status.ok())
    finding("a text cannot be encoded with the memory that always suffices");
  ids.resize(count);
  for (uint32_t id : ids)
    if (id >= tokenizer.vocabSize())
      finding("an id outside the vocabulary");
  decodeAll(tokenizer, ids, rt::SpecialTokens::Skip, rt::InvalidBytes::Replace);
  std::vector<uint8_t> back =
      decodeAll(tokenizer, ids, rt::SpecialTokens::Keep, rt::InvalidBytes::Keep);
  if (tokenizer.view().added.count == 0 &&
      !std::equal(back.begin(), back.end(), text.bytes.get(), text.bytes.get() + text.size))
    finding("decoding does not give the text back");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  const size_t textBytes = std::min<size_t>(data[size - 1], size - 1);
  const Exact segment(data, size - 1 - textBytes), text(data + segment.size, textBytes);
  rt::Tokenizer tokenizer;
  if (!rt::Tokenizer::open(segment.span(), tokenizer).ok())
    return 0;
  roundTrip(tokenizer, text);
  std::vector<uint32_t> ids;
  for (uint32_t id = 0; id < tokenizer.vocabSize() + 2; ++id) {
    ids.push_back(id);
    if (tokenizer.isEos(id) || tokenizer.isSpecial(id))
      ids.push_back(id);
  }
  decodeAll(tokenizer, ids, rt::SpecialTokens::Keep, rt::InvalidBytes::Replace);
  return 0;
}
