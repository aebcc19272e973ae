#include "runtime/tokenizer/merge.h"

namespace llmc::rt::tok {

namespace {

constexpr uint32_t NoRank = 0xFFFFFFFFu; // ranks are smaller than the number of merges

/// Index of the merge of two ids, or NoId: binary search among the merges of the left one.
uint32_t findMerge(const Tables &t, uint32_t left, uint32_t right) {
  uint32_t low = t.mergeStarts[left];
  const uint32_t end = t.mergeStarts[size_t(left) + 1];
  uint32_t high = end;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (t.merges[size_t(middle) * 3] < right)
      low = middle + 1;
    else
      high = middle;
  }
  return low < end && t.merges[size_t(low) * 3] == right ? low : NoId;
}

/// A linked list of symbols, and a tournament over the rank of each symbol's pair with its
/// successor. Node 1 is the root, nodes n to 2n-1 are the symbols; an inner node names the symbol
/// that wins below it.
class Merger {
public:
  Merger(const Tables &t, Span<const uint8_t> piece, uint32_t *scratch)
      : t(t), n(static_cast<uint32_t>(piece.size)), ids(scratch), next(scratch + piece.size),
        previous(scratch + 2 * piece.size), ranks(scratch + 3 * piece.size),
        tree(scratch + 4 * piece.size) {
    for (uint32_t i = 0; i < n; ++i) {
      ids[i] = t.byteIds[piece[i]];
      next[i] = i + 1;
      previous[i] = i - 1; // of the first one: past the end, like next of the last
    }
    for (uint32_t i = 0; i < n; ++i)
      ranks[i] = rankOf(i);
    for (uint32_t node = n - 1; node >= 1; --node)
      tree[node] = winner(node);
  }

  size_t run() {
    while (n > 1 && ranks[tree[1]] != NoRank)
      join(tree[1]);
    size_t count = 0;
    for (uint32_t i = 0; i < n; i = next[i])
      ids[count++] = ids[i];
    return count;
  }

private:
  uint32_t mergeAt(uint32_t i) const {
    return next[i] < n ? findMerge(t, ids[i], ids[next[i]]) : NoId;
  }
  uint32_t rankOf(uint32_t i) const {
    const uint32_t merge = mergeAt(i);
    return merge == NoId ? NoRank : t.merges[size_t(merge) * 3 + 1];
  }
  uint32_t symbol(uint32_t node) const { return node >= n ? node - n : tree[node]; }
  uint32_t winner(uint32_t node) const {
    const uint32_t a = symbol(2 * node), b = symbol(2 * node + 1);
    const bool first = ranks[a] != ranks[b] ? ranks[a] < ranks[b] : a < b;
    return first ? a : b;
  }
  void setRank(uint32_t i, uint32_t rank) {
    ranks[i] = rank;
    for (uint32_t node = (i + n) / 2; node >= 1; node /= 2)
      tree[node] = winner(node);
  }
  void join(uint32_t i) {
    const uint32_t gone = next[i];
    ids[i] = t.merges[size_t(mergeAt(i)) * 3 + 2];
    next[i] = next[gone];
    if (next[i] < n)
      previous[next[i]] = i;
    setRank(gone, NoRank);
    setRank(i, rankOf(i));
    if (previous[i] < n)
      setRank(previous[i], rankOf(previous[i]));
  }

  const Tables &t;
  const uint32_t n;
  uint32_t *const ids, *const next, *const previous, *const ranks, *const tree;
};

} // namespace

size_t mergePiece(const Tables &tables, Span<const uint8_t> piece, uint32_t *scratch) {
  return Merger(tables, piece, scratch).run();
}

} // namespace llmc::rt::tok
