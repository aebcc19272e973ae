// Saving and restoring the tokens of a session, and starting from those of another.
//
// Layout, little-endian: "LLMCKV01", position, number of states (4 bytes each), digest of the model
// (32), the layout hash of every state (4 each); then for every state its rows by layer, head and
// token.
#include "runtime/lm/lm.h"

namespace llmc::rt {
namespace {

struct SnapshotHeader {
  uint8_t magic[8];
  uint32_t position;
  uint32_t nStates;
  uint8_t model[32];
};
static_assert(sizeof(SnapshotHeader) == 48, "written as it is");

void makeHeader(const Plan &plan, uint32_t position, SnapshotHeader *out) {
  clearBytes(out, sizeof(*out));
  copyBytes(out->magic, "LLMCKV01", sizeof(out->magic));
  out->position = position;
  out->nStates = uint32_t(plan.states().size);
  if (ModelView model = plan.model())
    copyBytes(out->model, model.digest(), sizeof(out->model));
}

struct Writer {
  WriteFn write;
  void *ctx;
};

Status writeRun(void *ctx, void *bytes, size_t n) {
  const Writer &writer = *static_cast<const Writer *>(ctx);
  return writer.write(writer.ctx, bytes, n);
}

/// The memory of one state in two sessions.
struct Copy {
  const uint8_t *from;
  uint8_t *to;
};

Status copyRun(void *ctx, void *bytes, size_t n) {
  const Copy &copy = *static_cast<const Copy *>(ctx);
  copyBytes(copy.to + (static_cast<const uint8_t *>(bytes) - copy.from), bytes, n);
  return {};
}

} // namespace

/// Calls visit(ctx, bytes, size) for every run of bytes that `tokens` tokens occupy in a state.
Status Lm::visitRows(uint32_t index, uint32_t tokens, ReadFn visit, void *ctx) {
  const State &state = session->plan()->states()[index];
  llmc_memory memory;
  Status status = session->stateMemory(index, false, &memory);
  if (!status.ok())
    return status;
  uint8_t *base = static_cast<uint8_t *>(memory.base);
  size_t row = (size_t(state.headDim) * bitsOf(state.dtype) + 7) / 8;
  bool contiguous = state.tokenStride == row;
  for (uint32_t l = 0; l < state.layers; ++l)
    for (uint32_t h = 0; h < state.heads; ++h) {
      uint8_t *from = base + size_t(l) * state.layerStride + size_t(h) * state.headStride;
      size_t size = contiguous ? row * tokens : row;
      for (uint32_t i = 0; status.ok() && i < (contiguous ? (tokens != 0) : tokens); ++i)
        status = visit(ctx, from + size_t(i) * state.tokenStride, size);
      if (!status.ok())
        return status;
    }
  return status;
}

Status Lm::save(WriteFn write, void *ctx) {
  if (!session || phase != Phase::Idle || !session->idle())
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  const Plan &plan = *session->plan();
  Writer writer = {write, ctx};
  SnapshotHeader header;
  makeHeader(plan, position(), &header);
  Status status = write(ctx, &header, sizeof(header));
  for (uint32_t i = 0; status.ok() && i < header.nStates; ++i)
    status = write(ctx, &plan.states()[i].layoutHash, sizeof(uint32_t));
  for (uint32_t i = 0; status.ok() && i < header.nStates; ++i)
    status = visitRows(i, header.position, writeRun, &writer);
  return status.pending() ? Status(LLMC_IO_ERROR, LLMC_AT_SNAPSHOT) : status;
}

Status Lm::restore(ReadFn read, void *ctx) {
  if (!session || phase != Phase::Idle || !session->idle())
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  const Plan &plan = *session->plan();
  SnapshotHeader header, expected;
  Status status = read(ctx, &header, sizeof(header));
  if (!status.ok())
    return status;
  makeHeader(plan, header.position, &expected);
  if (!sameBytes(&header, &expected, sizeof(header)))
    return Status(LLMC_DEVICE_MISMATCH, LLMC_AT_SNAPSHOT);
  if (header.position > contextLength())
    return Status(LLMC_OUT_OF_RANGE, LLMC_AT_SNAPSHOT);
  for (uint32_t i = 0; i < header.nStates; ++i) {
    uint32_t hash = 0;
    status = read(ctx, &hash, sizeof(hash));
    if (!status.ok())
      return status;
    if (hash != plan.states()[i].layoutHash)
      return Status(LLMC_DEVICE_MISMATCH, LLMC_AT_SNAPSHOT, i);
  }
  for (uint32_t i = 0; status.ok() && i < header.nStates; ++i) {
    status = visitRows(i, header.position, read, ctx);
    llmc_memory memory;
    if (status.ok())
      status = session->stateMemory(i, true, &memory);
  }
  return status.ok() ? session->adopt(header.position) : session->poison(status);
}

Status Lm::fork(Lm &prefix, uint32_t tokens) {
  bool ready = session && prefix.session && session != prefix.session && phase == Phase::Idle &&
               prefix.phase == Phase::Idle && session->idle();
  if (!ready)
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  const Plan &plan = *session->plan();
  if (&plan != prefix.session->plan())
    return Status(LLMC_DEVICE_MISMATCH, LLMC_AT_SNAPSHOT);
  if (tokens > prefix.position())
    return Status(LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, LLMC_P_POS);
  Span<const State> states = plan.states();
  Status status;
  for (uint32_t i = 0; status.ok() && i < states.size; ++i) {
    llmc_memory from, to;
    status = prefix.session->stateMemory(i, false, &from);
    if (status.ok())
      status = session->stateMemory(i, false, &to);
    if (!status.ok() || from.base == to.base)
      continue;
    Copy copy = {static_cast<const uint8_t *>(from.base), static_cast<uint8_t *>(to.base)};
    status = prefix.visitRows(i, tokens, copyRun, &copy);
    if (status.ok())
      status = session->stateMemory(i, true, &to);
  }
  return status.ok() ? session->adopt(tokens) : session->poison(status);
}

} // namespace llmc::rt
