// Merges the bytes of one piece into tokens, lowest rank first, leftmost first among equals.
#ifndef LLMC_RUNTIME_TOKENIZER_MERGE_H
#define LLMC_RUNTIME_TOKENIZER_MERGE_H

#include "runtime/tokenizer/tokenizer.h"

namespace llmc::rt::tok {

/// Words of scratch per byte of a piece: id, next, previous, rank, and one node of the tree over
/// the ranks.
inline constexpr size_t ScratchWordsPerByte = 5;

/// Longest piece: positions are 32-bit, and twice the length must still be one.
inline constexpr size_t MaxPieceBytes = 0x7FFFFFFF;

/// Leaves the ids in scratch[0, result). Needs ScratchWordsPerByte words per byte; 0 < piece.size
/// <= MaxPieceBytes. O(n log n) in the bytes of the piece.
size_t mergePiece(const Tables &tables, Span<const uint8_t> piece, uint32_t *scratch);

} // namespace llmc::rt::tok

#endif
