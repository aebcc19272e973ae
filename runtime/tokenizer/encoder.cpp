#include "runtime/tokenizer/encoder.h"

#include "runtime/tokenizer/merge.h"

namespace llmc::rt {

using namespace tok;

static_assert(Encoder::scratchWords(1) == ScratchWordsPerByte,
              "the header promises what merging takes");

namespace {

/// The token that is exactly these bytes, or NoId.
uint32_t findToken(const Tables &t, Span<const uint8_t> piece) {
  uint32_t low = 0, high = t.lookup.count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2, id = t.lookup[middle];
    const uint32_t begin = t.tokenOffsets[id];
    const int order =
        compareBytes({t.pool.data + begin, t.tokenOffsets[size_t(id) + 1] - begin}, piece);
    if (order == 0)
      return id;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NoId;
}

} // namespace

/// Sets partEnd and partId for `at`: first come the raw added tokens, then the normalized ones in
/// what is left.
void Encoder::findPart() {
  if (at >= raw.end)
    raw = findAdded(tables, text, at, false);
  if (at == raw.begin) {
    partEnd = raw.end;
    partId = raw.id;
    return;
  }
  if (at >= normalized.end)
    normalized = findAdded(tables, {text.data, raw.begin}, at, true);
  const bool isToken = at == normalized.begin;
  partEnd = isToken ? normalized.end : normalized.begin;
  partId = isToken ? normalized.id : NoId;
}

Status Encoder::mergeNext(Span<const uint32_t> &ids) {
  if (at >= digitEnd)
    digitEnd = digitPartEnd(tables, {text.data, partEnd}, at);
  const size_t end = pieceEnd(tables, {text.data, digitEnd}, at);
  const Span<const uint8_t> piece{text.data + at, end - at};
  single = piece.size == 1 ? tables.byteIds[piece[0]] : findToken(tables, piece);
  if (single != NoId) {
    at = end;
    ids = {&single, 1};
    return {};
  }
  if (piece.size > MaxPieceBytes)
    return Status(LLMC_OUT_OF_RANGE, LLMC_AT_TOKENIZER, PartScratch);
  needed = scratchWords(piece.size);
  if (scratch.size < needed)
    return Status(LLMC_TOO_SMALL, LLMC_AT_TOKENIZER, PartScratch);
  ids = {scratch.data, mergePiece(tables, piece, scratch.data)};
  at = end;
  return {};
}

Status Encoder::next(Span<const uint32_t> &ids) {
  ids = {};
  if (tables.vocab == 0)
    return Status(LLMC_WRONG_STATE, LLMC_AT_TOKENIZER, PartHeader);
  if (at == text.size)
    return {};
  if (at >= partEnd) {
    findPart();
    digitEnd = at;
  }
  if (partId == NoId)
    return mergeNext(ids);
  single = partId;
  at = partEnd;
  ids = {&single, 1};
  return {};
}

Status encode(const Tokenizer &tokenizer, Span<const uint8_t> text, Span<uint32_t> scratch,
              Span<uint32_t> ids, size_t &count) {
  count = 0;
  Encoder encoder(tokenizer, text, scratch);
  while (true) {
    Span<const uint32_t> piece;
    const Status status = encoder.next(piece);
    if (!status.ok() || piece.empty())
      return status;
    if (piece.size > ids.size - count)
      return Status(LLMC_TOO_SMALL, LLMC_AT_TOKENIZER, PartIds);
    for (const uint32_t id : piece)
      ids[count++] = id;
  }
}

} // namespace llmc::rt
