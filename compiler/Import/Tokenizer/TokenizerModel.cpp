#include "compiler/Import/Tokenizer/TokenizerModel.h"

#include <algorithm>
#include <utility>

#include "runtime/tokenizer/tokenizer.h"

namespace llmc {

namespace {

using namespace rt::tok;
using Bytes = std::vector<uint8_t>;

void putWord(Bytes &out, size_t word) {
  for (int shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<uint8_t>(word >> shift));
}

void setWord(Bytes &out, size_t at, size_t word) {
  for (size_t i = 0; i < 4; ++i)
    out[at + i] = static_cast<uint8_t>(word >> (8 * i));
}

/// Raw ones first, then normalized, each by content: the order the reader demands.
std::vector<TokenizerModel::Added> sortedAdded(const TokenizerModel &model) {
  std::vector<TokenizerModel::Added> added = model.added;
  std::sort(added.begin(), added.end(), [](const auto &a, const auto &b) {
    return a.normalized != b.normalized ? b.normalized : a.content < b.content;
  });
  return added;
}

void putMerges(const TokenizerModel &model, Bytes &out) {
  std::vector<uint32_t> order(model.merges.size()), starts(model.tokens.size() + 1);
  for (uint32_t rank = 0; rank < order.size(); ++rank) {
    order[rank] = rank;
    ++starts[model.merges[rank].left + 1];
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const auto &x = model.merges[a], &y = model.merges[b];
    return x.left != y.left ? x.left < y.left : x.right < y.right;
  });
  for (size_t i = 1; i < starts.size(); ++i)
    starts[i] += starts[i - 1];
  for (const uint32_t start : starts)
    putWord(out, start);
  for (const uint32_t rank : order) {
    putWord(out, model.merges[rank].right);
    putWord(out, rank);
    putWord(out, model.merges[rank].result);
  }
}

void putLookup(const TokenizerModel &model, Bytes &out) {
  std::vector<uint32_t> ids = model.wholeWords;
  std::sort(ids.begin(), ids.end(),
            [&](uint32_t a, uint32_t b) { return model.tokens[a] < model.tokens[b]; });
  for (const uint32_t id : ids)
    putWord(out, id);
}

/// Everything behind the header. The tokens' bytes come first in the pool, then what added tokens
/// look like in a text.
size_t putTables(const TokenizerModel &model, Bytes &out) {
  std::string pool;
  for (const uint32_t id : model.byteIds)
    putWord(out, id);
  for (const std::string &token : model.tokens) {
    putWord(out, pool.size());
    pool += token;
  }
  putWord(out, pool.size());
  putMerges(model, out);
  putLookup(model, out);
  std::vector<uint32_t> specials;
  for (const auto &added : sortedAdded(model)) {
    putWord(out, added.id);
    putWord(out, pool.size());
    putWord(out, added.content.size());
    putWord(out, (added.normalized ? AddedNormalized : 0u) |
                     (added.stripLeft ? AddedStripLeft : 0u) |
                     (added.stripRight ? AddedStripRight : 0u));
    pool += added.content;
    if (added.special)
      specials.push_back(added.id);
  }
  std::sort(specials.begin(), specials.end());
  for (const std::vector<uint32_t> *ids : {&std::as_const(specials), &model.eos, &model.classRuns})
    for (const uint32_t id : *ids)
      putWord(out, id);
  out.insert(out.end(), pool.begin(), pool.end());
  return pool.size();
}

void putHeader(const TokenizerModel &model, size_t poolBytes, Bytes &out) {
  const auto specials = std::count_if(model.added.begin(), model.added.end(),
                                      [](const auto &a) { return a.special; });
  setWord(out, AtMagic, Magic);
  setWord(out, AtVersion, VersionMajor);
  setWord(out, AtTotalBytes, out.size());
  setWord(out, AtFlags,
          (model.ignoreMerges ? FlagIgnoreMerges : 0u) | (model.addsBos ? FlagAddBos : 0u));
  setWord(out, AtVocab, model.tokens.size());
  setWord(out, AtMerges, model.merges.size());
  setWord(out, AtLookup, model.wholeWords.size());
  setWord(out, AtAdded, model.added.size());
  setWord(out, AtSpecials, static_cast<size_t>(specials));
  setWord(out, AtEos, model.eos.size());
  setWord(out, AtClassRuns, model.classRuns.size());
  setWord(out, AtPoolBytes, poolBytes);
  setWord(out, AtBos, model.bos.value_or(NoId));
  out[AtPattern] = model.pattern;
  out[AtDigitSplit] = model.digitSplit;
  setWord(out, AtUnicode, model.unicode);
}

} // namespace

TokenizerResult<Bytes> writeTokenizerSegment(const TokenizerModel &model) {
  for (const auto &merge : model.merges)
    if (std::max({merge.left, merge.right, merge.result}) >= model.tokens.size())
      return TokenizerError{"tokenizer: a merge names an id outside the vocabulary of " +
                            std::to_string(model.tokens.size()) + " tokens"};
  for (const uint32_t id : model.wholeWords)
    if (id >= model.tokens.size())
      return TokenizerError{"tokenizer: whole word " + std::to_string(id) +
                            " is outside the vocabulary of " + std::to_string(model.tokens.size()) +
                            " tokens"};
  Bytes out(HeaderBytes);
  const size_t poolBytes = putTables(model, out);
  if (out.size() > UINT32_MAX)
    return TokenizerError{"tokenizer: the segment has " + std::to_string(out.size()) +
                          " bytes; its offsets reach 4294967295"};
  putHeader(model, poolBytes, out);
  rt::Tokenizer opened;
  const rt::Status status = rt::Tokenizer::open({out.data(), out.size()}, opened);
  if (!status.ok())
    return TokenizerError{"tokenizer: the tables contradict each other (code " +
                          std::to_string(status.code) + ", part " + std::to_string(status.detail) +
                          " of the segment)"};
  return out;
}

} // namespace llmc
