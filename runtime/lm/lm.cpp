#include "runtime/lm/lm.h"

#include "runtime/base/numerics.h"

namespace llmc::rt {
/// Keeps choices in descending order of their chunk, one for each.
void Lm::insert(Choice *choices, uint8_t *n, uint32_t most, const Choice &choice) {
  uint32_t at = 0;
  while (at < *n && choices[at].chunk > choice.chunk)
    ++at;
  // Of variants with the same chunk the plan's first one counts; of more chunks than fit, the
  // largest.
  if ((at < *n && choices[at].chunk == choice.chunk) || at == most)
    return;
  if (*n < most)
    ++*n;
  for (uint32_t i = *n - 1u; i > at; --i)
    choices[i] = choices[i - 1];
  choices[at] = choice;
}

Status Lm::init(Session &target) {
  clearBytes(static_cast<void *>(this), sizeof(*this)); // as it was constructed
  const Plan *plan = target.plan();
  if (!plan)
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  for (uint32_t i = 0; i < plan->nEntries(); ++i) {
    EntryView entry = plan->entry(i);
    if (!target.usable(entry))
      continue;
    bool hasLogits = entry.operandOf(TensorRole::Logits, false) != none32;
    bool takesIds = entry.operandOf(TensorRole::Ids, true) != none32;
    Choice choice = {entry.chunk(), entry.posMax(), uint16_t(i), hasLogits};
    if (hasLogits)
      vocabSize = entry.vocab();
    if (entry.kind() == EntryKind::Head && hasLogits) {
      choice.posMax = entry.rowMax();
      insert(heads, &nHeads, maxHeads, choice);
    } else if (entry.kind() == EntryKind::Prefill && takesIds) {
      insert(prefills, &nPrefills, maxPrefills, choice);
    } else if (entry.kind() == EntryKind::Decode && entry.chunk() == 1 && takesIds && !hasDecode) {
      decode = choice;
      hasDecode = true;
    }
  }
  // The one-row head reads any row that a body leaves.
  uint32_t lastRow = nPrefills ? prefills[0].chunk - 1 : 0;
  bool oneRow = nHeads > 0 && heads[nHeads - 1].chunk == 1 && heads[nHeads - 1].posMax >= lastRow;
  bool allHaveLogits = decode.hasLogits;
  for (uint32_t i = 0; i < nPrefills; ++i)
    allHaveLogits &= prefills[i].hasLogits;
  if (!hasDecode || (!oneRow && !allHaveLogits))
    return Status(LLMC_NOT_FOUND, LLMC_AT_ENTRY, plan->nEntries());
  session = &target;
  return {};
}

/// The entry for the next of `left` tokens: see the head of lm.h.
const Lm::Choice *Lm::chooseBody(uint32_t left) const {
  if (left == 1 && session->position() <= decode.posMax)
    return &decode;
  const Choice *padded = nullptr;
  for (uint32_t i = 0; i < nPrefills; ++i) {
    if (session->position() > prefills[i].posMax)
      continue;
    if (prefills[i].chunk <= left)
      return &prefills[i];
    padded = &prefills[i]; // ends as the smallest that holds the rest
  }
  return padded ? padded : &decode;
}

/// The largest head that reads only rows the body computed.
const Lm::Choice *Lm::chooseHead(uint32_t row) const {
  bool all = function != nullptr;
  for (uint32_t i = 0; i < nHeads; ++i)
    if (heads[i].chunk == 1 ||
        (all && row <= heads[i].posMax && heads[i].chunk <= body->chunk - row))
      return &heads[i];
  return nullptr;
}

Status Lm::start(Span<const int32_t> tokens, LogitsFn toEach, void *ctx) {
  if (!session || phase != Phase::Idle)
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  if (tokens.empty())
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_TOKEN);
  // All or nothing: what begin would refuse later is refused now.
  if (!fits(position(), tokens.size, contextLength()))
    return Status(LLMC_CONTEXT_FULL, LLMC_AT_TOKEN, contextLength() - position());
  uint32_t vocab = session->plan()->entry(decode.entry).vocab();
  for (size_t i = 0; i < tokens.size; ++i)
    if (tokens[i] < 0 || uint32_t(tokens[i]) >= vocab)
      return Status(LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, i);
  ids = tokens;
  fed = 0;
  function = toEach;
  functionCtx = ctx;
  last = Logits();
  return nextBody();
}

Status Lm::nextBody() {
  size_t left = ids.size - fed;
  body = chooseBody(left > none32 ? none32 : uint32_t(left));
  bodyTokens = left < body->chunk ? uint32_t(left) : body->chunk;
  Call call;
  call.entry = body->entry;
  call.ids = {ids.data + fed, bodyTokens};
  Status status = session->begin(call);
  phase = status.ok() ? Phase::Body : Phase::Idle;
  return status;
}

Status Lm::nextHead() {
  head = chooseHead(headRow);
  Call call;
  call.entry = head->entry;
  call.nTokens = bodyTokens - headRow < head->chunk ? bodyTokens - headRow : head->chunk;
  call.row = headRow;
  Status status = session->begin(call);
  phase = status.ok() ? Phase::Head : Phase::Idle;
  return status;
}

/// Checks rows of an entry's logits and hands them out. `skip` rows come before them in memory.
Status Lm::deliver(uint32_t entry, uint32_t firstRow, uint32_t skip, uint32_t rows) {
  EntryView record = session->plan()->entry(entry);
  llmc_operand_view view;
  Status status = session->view(record.operandOf(TensorRole::Logits, false), &view);
  if (!status.ok())
    return status;
  uint32_t vocab = record.vocab();
  last.data = static_cast<const float *>(view.base) + size_t(skip) * vocab;
  last.rows = rows;
  last.vocab = vocab;
  last.position = position() - bodyTokens + firstRow;
  for (size_t i = 0; i < size_t(rows) * vocab; ++i)
    if (!llmc_is_finite(last.data[i]))
      return session->poison(Status(LLMC_NOT_FINITE, LLMC_AT_LOGITS, i / vocab));
  return function ? function(functionCtx, last) : Status();
}

/// A body entry is complete: its logits, then the next one.
Status Lm::bodyDone() {
  fed += bodyTokens;
  bool wanted = function || fed == ids.size;
  if (wanted && body->hasLogits) {
    uint32_t skip = function ? 0 : bodyTokens - 1;
    Status status = deliver(body->entry, skip, skip, bodyTokens - skip);
    if (!status.ok())
      return status;
  } else if (wanted) {
    headRow = function ? 0 : bodyTokens - 1;
    return nextHead();
  }
  return fed < ids.size ? nextBody() : Status();
}

Status Lm::headDone() {
  uint32_t left = bodyTokens - headRow;
  uint32_t rows = left < head->chunk ? left : head->chunk;
  Status status = deliver(head->entry, headRow, 0, rows);
  if (!status.ok())
    return status;
  headRow += rows;
  if (headRow < bodyTokens)
    return nextHead();
  return fed < ids.size ? nextBody() : Status();
}

Status Lm::poll() {
  if (phase == Phase::Idle)
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  Status status;
  while (phase != Phase::Idle) {
    status = session->poll();
    if (status.pending())
      return status;
    Phase finished = phase;
    phase = Phase::Idle; // unless what follows begins another entry
    if (!status.ok())
      return status;
    status = finished == Phase::Body ? bodyDone() : headDone();
  }
  return status;
}

Status Lm::runToEnd() {
  const llmc_platform *platform = session->platform();
  Status status;
  while ((status = poll()).pending())
    if (session->waiting() && platform && platform->idle)
      platform->idle(platform->ctx);
  return status;
}

Status Lm::feed(Span<const int32_t> tokens, Logits *out) {
  Status status = start(tokens);
  if (status.ok())
    status = runToEnd();
  if (status.ok() && out)
    *out = last;
  return status;
}

Status Lm::evaluate(Span<const int32_t> tokens, LogitsFn toEach, void *ctx) {
  if (!toEach)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_LOGITS);
  Status status = start(tokens, toEach, ctx);
  return status.ok() ? runToEnd() : status;
}

Status Lm::cancel() {
  if (phase == Phase::Idle)
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  Status status = session->cancel();
  if (!status.pending())
    phase = Phase::Idle;
  return status;
}

Status Lm::truncate(uint32_t position) {
  if (!session || phase != Phase::Idle)
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  return session->truncate(position);
}

Status Lm::reset() {
  if (!session)
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  phase = Phase::Idle;
  return session->reset();
}

} // namespace llmc::rt
