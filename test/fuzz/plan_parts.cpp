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

std::optional<Sha256> digestOf(const rt::Digest &from) {
  Sha256 digest;
  std::memcpy(digest.data(), &from, digest.size());
  return digest == Sha256{} ? std::nullopt : std::optional(digest);
}

std::string nameAt(const std::string &text, uint16_t name) {
  return name < text.size() ? text.c_str() + name : "";
}

/// Those of [first, first + n) that there are.
template <class T> std::vector<T> partOf(const std::vector<T> &all, size_t first, size_t n) {
  first = std::min(first, all.size());
  return {all.begin() + long(first), all.begin() + long(std::min(first + n, all.size()))};
}

EntryDescription entryOf(const rt::Entry &e, const std::vector<rt::Tensor> &tensors,
                         const std::vector<uint32_t> &numbers, const std::string &text) {
  EntryDescription entry;
  entry.name = nameAt(text, e.name);
  entry.kind = e.kind;
  entry.chunk = e.chunk;
  entry.posMax = e.posMax;
  entry.firstStep = e.firstStep;
  entry.nSteps = e.nSteps;
  for (const rt::Tensor &t : partOf(tensors, e.firstTensor, size_t(e.nInputs) + e.nOutputs))
    (entry.inputs.size() < e.nInputs ? entry.inputs : entry.outputs)
        .push_back({nameAt(text, t.name), t.role, t.dtype, partOf(numbers, t.firstDim, t.rank),
                    t.operand});
  entry.firstState = e.firstState;
  entry.nStates = e.nStates;
  entry.targetMask = e.targetMask;
  entry.rowParam = e.rowParam;
  entry.rowMax = e.rowMax;
  entry.vocab = e.vocab;
  entry.variant = nameAt(text, e.variant);
  return entry;
}

SegmentDescription segmentOf(const rt::Segment &record, const std::string &text,
                             std::span<const uint8_t> file) {
  SegmentDescription segment;
  segment.kind = record.kind;
  segment.name = nameAt(text, record.name);
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
  d.producer = plan.producer()->str();
  d.text = plan.text()->str();
  d.regions = recordsOf<rt::Region>(plan.regions());
  d.params = recordsOf<rt::Param>(plan.params());
  d.moves = recordsOf<rt::Move>(plan.moves());
  d.operands = recordsOf<rt::Operand>(plan.operands());
  d.args = scalarsOf(plan.args());
  d.blobs = recordsOf<rt::Blob>(plan.blobs());
  d.kernels = recordsOf<rt::Kernel>(plan.kernels());
  d.queues = recordsOf<rt::Queue>(plan.queues());
  d.rows = recordsOf<rt::Rows>(plan.rows());
  d.steps = recordsOf<rt::Step>(plan.steps());
  d.states = recordsOf<rt::State>(plan.states());
}

/// What the encoder makes of descriptions.
void takeDescriptions(const fb::Plan &plan, PlanDescription &d) {
  const std::vector<uint32_t> numbers = scalarsOf(plan.numbers());
  const auto tensors = recordsOf<rt::Tensor>(plan.tensors());
  for (const rt::Target &t : recordsOf<rt::Target>(plan.targets()))
    d.targets.push_back({nameAt(d.text, t.backend), nameAt(d.text, t.device),
                         nameAt(d.text, t.variant), t.abi, t.driverMin, digestOf(t.config)});
  for (const rt::Entry &entry : recordsOf<rt::Entry>(plan.entries()))
    d.entries.push_back(entryOf(entry, tensors, numbers, d.text));
  if (!plan.model())
    return;
  rt::Model m;
  std::memcpy(&m, plan.model(), sizeof(m));
  const std::vector<uint32_t> eos = partOf(numbers, m.firstEos, m.nEos);
  d.model = ModelDescription{nameAt(d.text, m.name),
                             nameAt(d.text, m.architecture),
                             nameAt(d.text, m.quantization),
                             m.vocabSize,
                             m.contextLength,
                             m.hiddenSize,
                             m.layers,
                             m.heads,
                             m.kvHeads,
                             m.headDim,
                             m.bosId,
                             {eos.begin(), eos.end()},
                             digestOf(m.digest)};
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
  takeDescriptions(plan, d);
  for (const rt::Segment &record : recordsOf<rt::Segment>(plan.segments()))
    if (record.kind != rt::SegmentKind::Digests) // the encoder makes its own
      d.segments.push_back(segmentOf(record, d.text, bytes));
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
