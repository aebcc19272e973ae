// Text to ids and back, by the tokenizer segment of a plan or of a model's folder.
#pragma once

#include "runtime/tokenizer/decoder.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmc {

class TextCodec {
public:
  /// `segment` outlives the codec. Throws InputError where it is not a tokenizer; `origin` names
  /// it.
  TextCodec(rt::Span<const uint8_t> segment, const std::string &origin);
  TextCodec(const TextCodec &) = delete;
  TextCodec &operator=(const TextCodec &) = delete;

  const rt::Tokenizer &tokenizer() const { return opened; }
  std::optional<int32_t> bos() const;

  /// The first `most` ids of the text, nothing added.
  std::vector<int32_t> encode(std::string_view text, size_t most = SIZE_MAX) const;

  /// What `id` completes, without special tokens; nothing for ids that the tokenizer does not have
  /// (vocabularies are padded).
  std::string decodeNext(int32_t id);
  /// What was held back at the end of the text.
  std::string decodeEnd();

private:
  rt::Tokenizer opened;
  rt::Decoder decoder;
  std::vector<uint8_t> output;
};

} // namespace llmc
