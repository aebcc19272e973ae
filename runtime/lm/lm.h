// Language models on a session: prompts of any length, one token at a time, logits, and going back.
//
// What is fed is split over the plan's entries. While the rest is at least the smallest prefill
// chunk, the largest chunk that fits into the rest; then the rest in the smallest chunk that holds
// it, zero-padded. One token goes to decode, and so does everything where no prefill entry may
// start (near the end of the context). Results do not depend on the split.
#ifndef LLMC_RUNTIME_LM_LM_H
#define LLMC_RUNTIME_LM_LM_H

#include "runtime/exec/session.h"

namespace llmc::rt {

/// Logits of consecutive positions, in the memory of the plan, valid until the next call. All are
/// finite.
struct Logits {
  const float *data = nullptr; // [rows][vocab]
  uint32_t rows = 0;
  uint32_t vocab = 0;
  uint32_t position = 0; // of the first row's token
};

/// Takes the logits of some positions, in ascending order; an error ends the evaluation.
using LogitsFn = Status (*)(void *ctx, const Logits &logits);
/// Take or give exactly n bytes; anything but OK ends saving or restoring.
using WriteFn = Status (*)(void *ctx, const void *bytes, size_t n);
using ReadFn = Status (*)(void *ctx, void *bytes, size_t n);

class Lm {
public:
  /// Finds the entries of the plan that the bound devices can run. NOT_FOUND without decode, or
  /// without a way to logits.
  Status init(Session &session);

  /// Feeds ids and leaves the logits of the last one. One id is a decode step, N ids are chunked.
  /// CONTEXT_FULL, with nothing fed, where they do not fit.
  Status feed(Span<const int32_t> ids, Logits *out);
  /// Feeds ids and hands out the logits of every position.
  Status evaluate(Span<const int32_t> ids, LogitsFn function, void *ctx);

  /// The same without blocking: start, then poll until it is not PENDING. `ids` must stay until
  /// then. With a function, the logits of every position; without one, those of the last id, in
  /// logits() afterwards.
  Status start(Span<const int32_t> ids, LogitsFn function = nullptr, void *ctx = nullptr);
  Status poll();
  Status cancel();
  const Logits &logits() const { return last; }

  uint32_t position() const { return session->position(); }
  uint32_t contextLength() const { return session->plan()->contextLength(); }
  uint32_t vocab() const { return vocabSize; }
  /// Forgets the tokens at and after `position`.
  Status truncate(uint32_t position);
  Status reset();

  /// The tokens held so far, as bytes that only this model with this state layout takes back.
  Status save(WriteFn write, void *ctx);
  /// On an error the session is poisoned: its state is partly overwritten.
  Status restore(ReadFn read, void *ctx);
  /// Starts from the first `tokens` tokens of another session of the same plan, which only reads
  /// them: their rows are copied, nothing is computed. Flat KV only. Sessions that take turns may
  /// also be bound to the same memory; then nothing is copied.
  Status fork(Lm &prefix, uint32_t tokens);

private:
  static constexpr uint32_t maxPrefills = 6;
  static constexpr uint32_t maxHeads = 4;

  struct Choice {
    uint32_t chunk;
    uint32_t posMax; // for heads: the last row they may start at
    uint16_t entry;
    bool hasLogits;
  };
  enum class Phase : uint8_t { Idle, Body, Head };

  [[gnu::noinline]] static void insert(Choice *choices, uint8_t *n, uint32_t most,
                                       const Choice &choice);
  const Choice *chooseBody(uint32_t left) const;
  const Choice *chooseHead(uint32_t row) const;
  Status nextBody();
  Status nextHead();
  Status bodyDone();
  Status headDone();
  Status deliver(uint32_t entry, uint32_t firstRow, uint32_t skip, uint32_t rows);
  Status runToEnd();
  Status visitRows(uint32_t state, uint32_t tokens, ReadFn visit, void *ctx);

  Session *session = nullptr;
  uint32_t vocabSize = 0;
  Choice prefills[maxPrefills] = {}; // chunks descending
  Choice heads[maxHeads] = {};       // chunks descending
  Choice decode = {};
  uint8_t nPrefills = 0;
  uint8_t nHeads = 0;
  bool hasDecode = false;

  // What is being fed.
  Phase phase = Phase::Idle;
  Span<const int32_t> ids;
  size_t fed = 0;
  LogitsFn function = nullptr;
  void *functionCtx = nullptr;
  const Choice *body = nullptr;
  uint32_t bodyTokens = 0;
  uint32_t headRow = 0;
  const Choice *head = nullptr;
  Logits last;
};

} // namespace llmc::rt

#endif
