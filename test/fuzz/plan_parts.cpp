#include "test/fuzz/plan_parts.h"

#include <algorithm>
#include <cstring>

#include "compiler/Emit/PlanEncoder.h"
#include "compiler/Emit/Sha256.h"
#include "runtime/base/span.h"
#include "runtime/schema/plan_generated.h"

namespace llmc::fuzz {
namespace {

namespace fb = llmc::plan::fb;

std::string textOf(const flatbuffers::String *text) { return text ? text->str() : std::string(); }

/// Structs of the schema as the records of the runtime: the same bytes.
template <class Record, class Struct>
std::vector<Record> recordsOf(const flatbuffers::Vector<const Struct *> *from) {
  static_assert(sizeof(Record) == sizeof(Struct), "records.h and plan.fbs differ");
  std::vector<Record> records(from ? from->size() : 0);
  if (!records.empty())
    std::memcpy(records.data(), from->Data(), records.size() * sizeof(Record));
  return records;
}

template <class T> std::vector<T> scalarsOf(const flatbuffers::Vector<T> *from) {
  return from ? std::vector<T>(from->begin(), from->end()) : std::vector<T>();
}

std::optional<Sha256> digestOf(const fb::Digest *from) {
  if (!from)
    return std::nullopt;
  Sha256 digest;
  std::memcpy(digest.data(), from, digest.size());
  return digest;
}

template <class Tensors> std::vector<TensorDescription> tensorsOf(const Tensors *from) {
  std::vector<TensorDescription> tensors;
  for (uint32_t i = 0; from && i < from->size(); ++i) {
    const fb::TensorDesc &t = *from->Get(i);
    tensors.push_back({textOf(t.name()), rt::TensorRole(t.role()), rt::DType(t.dtype()),
                       scalarsOf(t.dims()), t.operand(), t.scale(), t.zero()});
  }
  return tensors;
}

EntryDescription entryOf(const fb::Entry &e) {
  EntryDescription entry;
  entry.name = textOf(e.name());
  entry.kind = rt::EntryKind(e.kind());
  entry.chunk = e.chunk();
  entry.posMax = e.pos_max();
  entry.firstStep = e.first_step();
  entry.nSteps = e.n_steps();
  entry.inputs = tensorsOf(e.inputs());
  entry.outputs = tensorsOf(e.outputs());
  entry.states = scalarsOf(e.states());
  entry.targetMask = e.target_mask();
  entry.rowParam = e.row_param();
  entry.rowMax = e.row_max();
  entry.vocab = e.vocab();
  entry.peakBytes = scalarsOf(e.peak_bytes());
  entry.estCycles = e.est_cycles();
  entry.maxCycles = e.max_cycles();
  entry.stackBytes = e.stack_bytes();
  entry.variant = textOf(e.variant());
  return entry;
}

SegmentDescription segmentOf(const rt::Segment &record, const std::vector<std::string> &strings,
                             std::span<const uint8_t> file) {
  SegmentDescription segment;
  segment.kind = record.kind;
  segment.name = record.name < strings.size() ? strings[record.name] : "";
  segment.region = record.region;
  segment.regionOffset = record.regionOffset;
  segment.alignLog2 = record.alignLog2;
  segment.chunkLog2 = record.chunkLog2;
  std::vector<uint8_t> bytes(size_t(std::clamp<uint64_t>(record.size, 1, maxPlanBytes / 4)));
  if (rt::fits(record.offset, bytes.size(), file.size()))
    std::memcpy(bytes.data(), file.data() + record.offset, bytes.size());
  segment.source = segmentFromBytes(std::move(bytes));
  return segment;
}

void takeRecords(const fb::Plan &plan, PlanDescription &d) {
  d.regions = recordsOf<rt::Region>(plan.regions());
  d.buffers = recordsOf<rt::Buffer>(plan.buffers());
  d.operands = recordsOf<rt::Operand>(plan.operands());
  d.args = scalarsOf(plan.args());
  d.params = recordsOf<rt::Param>(plan.params());
  d.kernels = recordsOf<rt::Kernel>(plan.kernels());
  d.queues = recordsOf<rt::Queue>(plan.queues());
  d.dmas = recordsOf<rt::Dma>(plan.dmas());
  d.steps = recordsOf<rt::Step>(plan.steps());
  d.states = recordsOf<rt::State>(plan.states());
}

void takeTables(const fb::Plan &plan, PlanDescription &d) {
  d.producer = textOf(plan.producer());
  for (uint32_t i = 0; plan.strings() && i < plan.strings()->size(); ++i)
    d.strings.push_back(plan.strings()->Get(i)->str());
  for (const fb::Target *t : *plan.targets())
    d.targets.push_back({textOf(t->backend()), textOf(t->device()), textOf(t->variant()), t->abi(),
                         t->driver_min(), digestOf(t->config())});
  for (const fb::Entry *entry : *plan.entries())
    d.entries.push_back(entryOf(*entry));
  if (const fb::Model *m = plan.model())
    d.model = ModelDescription{textOf(m->name()),
                               textOf(m->architecture()),
                               textOf(m->quantization()),
                               m->vocab_size(),
                               m->context_length(),
                               m->hidden_size(),
                               m->layers(),
                               m->heads(),
                               m->kv_heads(),
                               m->head_dim(),
                               m->bos_id(),
                               scalarsOf(m->eos_ids()),
                               digestOf(m->digest())};
  if (const fb::Tokenizer *t = plan.tokenizer())
    d.tokenizer = TokenizerDescription{textOf(t->kind()), t->segment(), t->add_bos(),
                                       textOf(t->chat_template())};
  for (uint32_t i = 0; plan.metadata() && i < plan.metadata()->size(); ++i)
    d.metadata.push_back(
        {textOf(plan.metadata()->Get(i)->key()), textOf(plan.metadata()->Get(i)->value())});
  d.debugSegment = plan.debug_segment();
}

/// One digest per chunk, as the writer makes them.
void appendDigests(const rt::Segment &segment, std::span<const uint8_t> bytes,
                   std::vector<uint8_t> &digests) {
  uint64_t chunk = segment.chunkLog2 ? uint64_t(1) << segment.chunkLog2 : segment.size;
  for (uint64_t at = 0; at < segment.size; at += chunk) {
    Sha256 digest = sha256(bytes.subspan(at, std::min(chunk, segment.size - at)));
    digests.insert(digests.end(), digest.begin(), digest.end());
  }
}

} // namespace

std::optional<PlanDescription> takeApart(std::span<const uint8_t> bytes) {
  rt::FileHeader header;
  if (bytes.size() < sizeof(header) || bytes.size() > maxPlanBytes)
    return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (!rt::fits(header.planOffset, header.planSize, bytes.size()))
    return std::nullopt;
  // The verifier wants the buffer aligned as the largest scalar in it.
  std::vector<uint64_t> copy(header.planSize / 8 + 1);
  std::memcpy(copy.data(), bytes.data() + header.planOffset, header.planSize);
  const auto *data = reinterpret_cast<const uint8_t *>(copy.data());
  flatbuffers::Verifier verifier(data, header.planSize, 64, 100000);
  if (header.planSize < 8 || !fb::VerifyPlanBuffer(verifier))
    return std::nullopt;
  const fb::Plan &plan = *fb::GetPlan(data);
  PlanDescription d;
  takeRecords(plan, d);
  takeTables(plan, d);
  for (const rt::Segment &record : recordsOf<rt::Segment>(plan.segments()))
    if (record.kind != rt::SegmentKind::Digests) // the encoder makes its own
      d.segments.push_back(segmentOf(record, d.strings, bytes));
  return d;
}

std::vector<uint8_t> putTogether(const PlanDescription &description) {
  std::string error;
  PlanEncoder encoder(description, true, error);
  if (!error.empty() || encoder.fileSize() > maxPlanBytes)
    return {};
  std::vector<uint8_t> file(encoder.fileSize()), digests;
  for (size_t i = 0; i < encoder.segments().size(); ++i) {
    const rt::Segment &segment = encoder.segments()[i];
    if (!rt::fits(segment.offset, segment.size, file.size()))
      return {};
    uint8_t *to = file.data() + segment.offset;
    if (i == description.segments.size()) {
      std::copy(digests.begin(), digests.end(), to);
      continue;
    }
    auto take = [&](std::span<const uint8_t> part) {
      to = std::copy(part.begin(), part.end(), to);
      return true;
    };
    description.segments[i].source->produce(take, error);
    appendDigests(segment, {file.data() + segment.offset, size_t(segment.size)}, digests);
  }
  std::vector<uint8_t> prefix = encoder.prefix(sha256(digests));
  if (prefix.size() > file.size())
    return {};
  std::copy(prefix.begin(), prefix.end(), file.begin());
  return file;
}

} // namespace llmc::fuzz
