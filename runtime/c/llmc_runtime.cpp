#include "runtime/c/llmc_runtime.h"

#include "runtime/c/placed.h"
#include "runtime/lm/lm.h"
#include "runtime/lm/sampler.h"
#include "runtime/plan/checked_source.h"
#include "runtime/plan/source.h"

using namespace llmc::rt;

namespace {

/// A model, and the C function its logits go to.
struct Generator {
  Lm lm;
  llmc_logits_fn function;
  void *ctx;
};

static_assert(sizeof(Plan) <= sizeof(llmc_plan) && alignof(Plan) <= alignof(llmc_plan));
static_assert(sizeof(Session) <= sizeof(llmc_session) && alignof(Session) <= alignof(llmc_session));
static_assert(sizeof(Generator) <= sizeof(llmc_lm) && alignof(Generator) <= alignof(llmc_lm));
static_assert(sizeof(Sampler) <= sizeof(llmc_sampler) && alignof(Sampler) <= alignof(llmc_sampler));
static_assert(sizeof(CheckedSource) <= sizeof(llmc_checked_source) &&
              alignof(CheckedSource) <= alignof(llmc_checked_source));
static_assert(sizeof(Candidate) == sizeof(llmc_candidate));

Plan &of(llmc_plan *plan) { return *reinterpret_cast<Plan *>(plan); }
const Plan &of(const llmc_plan *plan) { return *reinterpret_cast<const Plan *>(plan); }
Session &of(llmc_session *session) { return *reinterpret_cast<Session *>(session); }
const Session &of(const llmc_session *session) {
  return *reinterpret_cast<const Session *>(session);
}
Generator &of(llmc_lm *lm) { return *reinterpret_cast<Generator *>(lm); }
const Generator &of(const llmc_lm *lm) { return *reinterpret_cast<const Generator *>(lm); }
Sampler &of(llmc_sampler *sampler) { return *reinterpret_cast<Sampler *>(sampler); }

CheckedSource &of(llmc_checked_source *source) {
  return *reinterpret_cast<CheckedSource *>(source);
}
const CheckedSource &of(const llmc_checked_source *source) {
  return *reinterpret_cast<const CheckedSource *>(source);
}

Status noSuch(Where where, uint32_t index) { return Status(LLMC_INVALID_ARGUMENT, where, index); }

llmc_logits inC(const Logits &logits) {
  return {logits.data, logits.rows, logits.vocab, logits.position};
}

Status handOn(void *ctx, const Logits &logits) {
  const Generator &model = *static_cast<const Generator *>(ctx);
  llmc_logits converted = inC(logits);
  return model.function(model.ctx, &converted);
}

struct Writer {
  llmc_write_fn write;
  void *ctx;
};
struct Reader {
  llmc_read_fn read;
  void *ctx;
};

bool inCpp(const llmc_call *call, Call *out) {
  if (call->struct_size < sizeof(llmc_call))
    return false;
  out->entry = call->entry;
  out->ids = {call->ids, call->n_ids};
  out->nTokens = call->n_tokens;
  out->row = call->row;
  return true;
}

} // namespace

llmc_source llmc_memory_source(const void *bytes, uint64_t size) {
  return memorySource(bytes, size);
}

llmc_status llmc_plan_open(llmc_plan *plan, const llmc_source *source, void *resident,
                           size_t resident_size) {
  return Plan::open(*source, {static_cast<uint8_t *>(resident), resident_size}, &of(plan));
}

llmc_status llmc_plan_resident_bytes(const llmc_source *source, uint64_t *bytes) {
  return Plan::residentBytes(*source, bytes);
}

uint32_t llmc_plan_n_regions(const llmc_plan *plan) { return uint32_t(of(plan).regions().size); }
uint32_t llmc_plan_n_targets(const llmc_plan *plan) { return of(plan).nTargets(); }
uint32_t llmc_plan_n_entries(const llmc_plan *plan) { return of(plan).nEntries(); }
uint32_t llmc_plan_n_segments(const llmc_plan *plan) { return uint32_t(of(plan).segments().size); }
uint32_t llmc_plan_n_states(const llmc_plan *plan) { return uint32_t(of(plan).states().size); }
uint32_t llmc_plan_context_length(const llmc_plan *plan) { return of(plan).contextLength(); }

void llmc_plan_producer(const llmc_plan *plan, const char **text, size_t *size) {
  Text producer = of(plan).producer();
  *text = producer.data;
  *size = producer.size;
}

llmc_status llmc_plan_segment(const llmc_plan *plan, uint32_t segment, llmc_segment_info *out) {
  if (segment >= of(plan).segments().size)
    return noSuch(LLMC_AT_SEGMENT, segment);
  const Segment &record = of(plan).segments()[segment];
  *out = {
      record.offset, record.size,          record.chunkLog2 ? uint64_t(1) << record.chunkLog2 : 0,
      record.region, uint8_t(record.kind), record.digest != none32};
  return Status();
}

llmc_status llmc_plan_region(const llmc_plan *plan, uint32_t region, llmc_region_info *out) {
  if (region >= of(plan).regions().size)
    return noSuch(LLMC_AT_REGION, region);
  const Region &record = of(plan).regions()[region];
  Text name = of(plan).text(record.name);
  *out = {record.size,      name.data,    name.size, uint8_t(record.kind), uint8_t(record.lifetime),
          record.alignLog2, record.access};
  return Status();
}

llmc_status llmc_plan_target(const llmc_plan *plan, uint32_t target, llmc_target_info *out) {
  if (target >= of(plan).nTargets())
    return noSuch(LLMC_AT_TARGET, target);
  *out = of(plan).target(target);
  return Status();
}

llmc_status llmc_plan_entry(const llmc_plan *plan, uint32_t entry, llmc_entry_info *out) {
  if (entry >= of(plan).nEntries())
    return noSuch(LLMC_AT_ENTRY, entry);
  EntryView view = of(plan).entry(entry);
  *out = {view.name().data, view.name().size, uint32_t(view.kind()), view.chunk(),
          view.posMax(),    view.rowMax(),    view.vocab(),          view.nInputs(),
          view.nOutputs(),  view.stackBytes()};
  return Status();
}

llmc_status llmc_plan_tensor(const llmc_plan *plan, uint32_t entry, uint32_t tensor,
                             llmc_tensor_info *out) {
  if (entry >= of(plan).nEntries())
    return noSuch(LLMC_AT_ENTRY, entry);
  EntryView view = of(plan).entry(entry);
  if (tensor >= view.nInputs() + view.nOutputs())
    return noSuch(LLMC_AT_TENSOR, tensor);
  TensorView record = view.tensor(tensor);
  *out = {record.name().data, record.name().size,     record.dims().data,     record.dims().size,
          record.operand(),   uint8_t(record.role()), uint8_t(record.dtype())};
  return Status();
}

llmc_status llmc_plan_state(const llmc_plan *plan, uint32_t state, llmc_state_info *out) {
  if (state >= of(plan).states().size)
    return noSuch(LLMC_AT_STATE, state);
  const State &record = of(plan).states()[state];
  *out = {record.offset,      record.maxTokens,  record.tokenStride,   record.headStride,
          record.layerStride, record.layoutHash, record.region,        record.layers,
          record.heads,       record.headDim,    uint8_t(record.role), uint8_t(record.dtype)};
  return Status();
}

llmc_status llmc_plan_model(const llmc_plan *plan, llmc_model_info *out) {
  ModelView model = of(plan).model();
  if (!model)
    return Status(LLMC_NOT_FOUND, LLMC_AT_MODEL);
  Text name = model.name(), architecture = model.architecture(), format = model.quantization();
  *out = {name.data,           name.size,
          architecture.data,   architecture.size,
          format.data,         format.size,
          model.eosIds().data, model.eosIds().size,
          model.vocabSize(),   model.contextLength(),
          model.bosId(),       0};
  return Status();
}

llmc_status llmc_plan_tokenizer(const llmc_plan *plan, uint64_t *offset, uint64_t *size) {
  uint16_t index = of(plan).segmentOf(SegmentKind::Tokenizer);
  if (index == none16)
    return Status(LLMC_NOT_FOUND, LLMC_AT_TOKENIZER);
  const Segment &segment = of(plan).segments()[index];
  *offset = segment.offset;
  *size = segment.size;
  return Status();
}

llmc_status llmc_plan_region_offset(const llmc_plan *plan, uint32_t region, uint64_t *offset) {
  return of(plan).regionFileOffset(region, offset);
}

llmc_status llmc_plan_map_region(const llmc_plan *plan, uint32_t region, const void **base) {
  return of(plan).mapRegion(region, base);
}

llmc_status llmc_plan_load_region(const llmc_plan *plan, uint32_t region, const llmc_memory *memory,
                                  const llmc_platform *platform) {
  return of(plan).loadRegion(region, *memory, platform);
}

llmc_status llmc_plan_root_digest(const llmc_plan *plan, const llmc_platform *platform,
                                  uint8_t out[32]) {
  return of(plan).rootDigest(*platform, out);
}

llmc_status llmc_plan_check_root(const llmc_plan *plan, const llmc_platform *platform) {
  return of(plan).checkRoot(*platform);
}

llmc_status llmc_plan_check_signature(const llmc_plan *plan, const llmc_platform *platform) {
  return of(plan).checkSignature(*platform);
}

llmc_status llmc_plan_check_segment(const llmc_plan *plan, uint32_t segment, const void *data,
                                    const llmc_platform *platform) {
  return of(plan).checkSegment(segment, data, *platform);
}

void llmc_checked_source_init(llmc_checked_source *source, const llmc_source *flash) {
  new (source) Placed<CheckedSource>(*flash);
}

const llmc_source *llmc_checked_source_table(const llmc_checked_source *source) {
  return &of(source).table();
}

llmc_status llmc_checked_source_work_bytes(const llmc_checked_source *source, const llmc_plan *plan,
                                           uint32_t reads, uint64_t *bytes) {
  return of(source).workBytes(of(plan), reads, bytes);
}

llmc_status llmc_checked_source_check(llmc_checked_source *source, const llmc_plan *plan,
                                      const llmc_platform *platform, void *memory, size_t size) {
  return of(source).check(of(plan), *platform, {static_cast<uint8_t *>(memory), size});
}

llmc_status llmc_session_bind(llmc_session *session, const llmc_plan *plan,
                              const llmc_bindings *bindings) {
  if (bindings->struct_size < sizeof(llmc_bindings))
    return Status(LLMC_UNSUPPORTED, LLMC_AT_SESSION);
  Bindings inCpp;
  inCpp.memories = {bindings->memories, bindings->n_memories};
  inCpp.devices = {bindings->devices, bindings->n_devices};
  inCpp.platform = bindings->platform;
  inCpp.trace = bindings->trace;
  return of(session).bind(of(plan), inCpp);
}

llmc_status llmc_session_reset(llmc_session *session) { return of(session).reset(); }

llmc_status llmc_session_begin(llmc_session *session, const llmc_call *call) {
  Call converted;
  if (!inCpp(call, &converted))
    return Status(LLMC_UNSUPPORTED, LLMC_AT_SESSION);
  return of(session).begin(converted);
}

llmc_status llmc_session_poll(llmc_session *session) { return of(session).poll(); }

llmc_status llmc_session_run(llmc_session *session, const llmc_call *call) {
  Call converted;
  if (!inCpp(call, &converted))
    return Status(LLMC_UNSUPPORTED, LLMC_AT_SESSION);
  return of(session).run(converted);
}

llmc_status llmc_session_cancel(llmc_session *session) { return of(session).cancel(); }

int llmc_session_waiting(const llmc_session *session) { return of(session).waiting(); }

int llmc_session_idle(const llmc_session *session) { return of(session).idle(); }

int llmc_session_usable(const llmc_session *session, uint32_t entry) {
  const Plan *plan = of(session).plan();
  return plan && entry < plan->nEntries() && of(session).usable(plan->entry(entry));
}

llmc_status llmc_session_set_param(llmc_session *session, uint32_t param, uint32_t value) {
  return of(session).setParam(param, value);
}

uint32_t llmc_session_position(const llmc_session *session) { return of(session).position(); }

llmc_status llmc_session_truncate(llmc_session *session, uint32_t position) {
  return of(session).truncate(position);
}

llmc_status llmc_session_view(const llmc_session *session, uint32_t operand,
                              llmc_operand_view *out) {
  return of(session).view(operand, out);
}

llmc_status llmc_session_state_memory(llmc_session *session, uint32_t state, int written,
                                      llmc_memory *out) {
  return of(session).stateMemory(state, written != 0, out);
}

llmc_status llmc_session_adopt(llmc_session *session, uint32_t position) {
  return of(session).adopt(position);
}

llmc_status llmc_session_poison(llmc_session *session, llmc_status status) {
  return of(session).poison(status);
}

llmc_status llmc_lm_init(llmc_lm *lm, llmc_session *session) { return of(lm).lm.init(of(session)); }

llmc_status llmc_lm_feed(llmc_lm *lm, const int32_t *ids, size_t n, llmc_logits *out) {
  Logits logits;
  Status status = of(lm).lm.feed({ids, n}, &logits);
  if (status.ok() && out)
    *out = inC(logits);
  return status;
}

llmc_status llmc_lm_start(llmc_lm *lm, const int32_t *ids, size_t n, llmc_logits_fn function,
                          void *ctx) {
  Generator &model = of(lm);
  model.function = function;
  model.ctx = ctx;
  return model.lm.start({ids, n}, function ? handOn : nullptr, &model);
}

llmc_status llmc_lm_poll(llmc_lm *lm) { return of(lm).lm.poll(); }
llmc_status llmc_lm_cancel(llmc_lm *lm) { return of(lm).lm.cancel(); }
void llmc_lm_logits(const llmc_lm *lm, llmc_logits *out) { *out = inC(of(lm).lm.logits()); }
uint32_t llmc_lm_position(const llmc_lm *lm) { return of(lm).lm.position(); }
uint32_t llmc_lm_context_length(const llmc_lm *lm) { return of(lm).lm.contextLength(); }
uint32_t llmc_lm_vocab(const llmc_lm *lm) { return of(lm).lm.vocab(); }

llmc_status llmc_lm_truncate(llmc_lm *lm, uint32_t position) {
  return of(lm).lm.truncate(position);
}

llmc_status llmc_lm_reset(llmc_lm *lm) { return of(lm).lm.reset(); }

llmc_status llmc_lm_save(llmc_lm *lm, llmc_write_fn write, void *ctx) {
  Writer writer = {write, ctx};
  auto hand = [](void *to, const void *bytes, size_t n) -> Status {
    const Writer &writer = *static_cast<const Writer *>(to);
    return writer.write(writer.ctx, bytes, n);
  };
  return of(lm).lm.save(hand, &writer);
}

llmc_status llmc_lm_restore(llmc_lm *lm, llmc_read_fn read, void *ctx) {
  Reader reader = {read, ctx};
  auto hand = [](void *from, void *bytes, size_t n) -> Status {
    const Reader &reader = *static_cast<const Reader *>(from);
    return reader.read(reader.ctx, bytes, n);
  };
  return of(lm).lm.restore(hand, &reader);
}

llmc_status llmc_lm_fork(llmc_lm *lm, llmc_lm *prefix, uint32_t tokens) {
  return of(lm).lm.fork(of(prefix).lm, tokens);
}

llmc_status llmc_sampler_init(llmc_sampler *sampler, const llmc_sampler_options *options) {
  SamplerOptions wanted;
  wanted.temperature = options->temperature;
  wanted.topK = options->top_k;
  wanted.topP = options->top_p;
  wanted.seed = options->seed;
  return of(sampler).init(wanted);
}

llmc_status llmc_sampler_sample(llmc_sampler *sampler, const float *logits, size_t n,
                                llmc_candidate *scratch, size_t n_scratch, uint32_t *id) {
  return of(sampler).sample({logits, n}, {reinterpret_cast<Candidate *>(scratch), n_scratch}, id);
}
