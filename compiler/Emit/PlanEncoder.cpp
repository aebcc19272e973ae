#include "compiler/Emit/PlanEncoder.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "compiler/Emit/Sha256.h"
#include "runtime/schema/plan_generated.h"

namespace llmc {
namespace {

namespace fb = plan::fb;
using Builder = flatbuffers::FlatBufferBuilder;
template <class T> using Offset = flatbuffers::Offset<T>;

constexpr uint64_t dataAlign = 64;

uint64_t alignUp(uint64_t value, uint64_t align) { return (value + align - 1) / align * align; }

/// Records of the runtime as the structs of the schema: the same bytes.
template <class Struct, class Record>
Offset<flatbuffers::Vector<const Struct *>> structs(Builder &builder,
                                                    const std::vector<Record> &records) {
  static_assert(sizeof(Struct) == sizeof(Record), "records.h and plan.fbs differ");
  static_assert(std::has_unique_object_representations_v<Record>, "padding would be written");
  if (records.empty())
    return {};
  return builder.CreateVectorOfStructs(reinterpret_cast<const Struct *>(records.data()),
                                       records.size());
}

template <class T>
Offset<flatbuffers::Vector<T>> scalars(Builder &builder, const std::vector<T> &values) {
  return values.empty() ? Offset<flatbuffers::Vector<T>>() : builder.CreateVector(values);
}

rt::Digest digestOf(const std::optional<Sha256> &bytes) {
  rt::Digest digest{};
  if (bytes)
    std::memcpy(&digest, bytes->data(), sizeof(digest));
  return digest;
}

/// Index of the first of `wanted` in `all`: where they stand already, or at its end.
template <class T> uint16_t indexOf(std::vector<T> &all, const std::vector<T> &wanted) {
  auto same = [](const T &a, const T &b) { return std::memcmp(&a, &b, sizeof(T)) == 0; };
  auto found = std::search(all.begin(), all.end(), wanted.begin(), wanted.end(), same);
  auto first = uint16_t(found - all.begin());
  if (found == all.end())
    all.insert(all.end(), wanted.begin(), wanted.end());
  return first;
}

uint64_t chunksOf(const rt::Segment &segment) {
  return segment.chunkLog2 ? ((segment.size - 1) >> segment.chunkLog2) + 1 : 1;
}

} // namespace

PlanEncoder::PlanEncoder(const PlanDescription &description, bool digests, std::string &error)
    : description(description), digests(digests), text(description.text) {
  for (size_t i = 0; i < description.segments.size(); ++i) {
    const SegmentDescription &segment = description.segments[i];
    std::string what = "segment " + std::to_string(i) + " (" + segment.name + ")";
    if (!segment.source || segment.source->size() == 0)
      error = what + " has no bytes; leave it out of the plan";
    else if (segment.alignLog2 > 16)
      error = what + " is to be aligned to 2^" + std::to_string(segment.alignLog2) +
              " bytes; the most is 2^16";
  }
  lower();
  // An index of 16 bits that is not none.
  if (error.empty() && text.size() > 65535)
    error =
        "the names in the plan take " + std::to_string(text.size()) + " bytes; the most is 65535";
  if (error.empty())
    place();
}

/// Cold parts become records too, with their names in one text and their numbers in one vector.
void PlanEncoder::lower() {
  for (const TargetDescription &target : description.targets)
    targets.push_back({digestOf(target.config), target.abi, target.driverMin,
                       intern(text, target.backend), intern(text, target.device),
                       intern(text, target.variant), 0});
  for (const SegmentDescription &segment : description.segments)
    segmentNames.push_back(intern(text, segment.name));
  if (digests)
    segmentNames.push_back(intern(text, "digests"));
  for (const EntryDescription &entry : description.entries)
    lower(entry);
  if (!description.model)
    return;
  const ModelDescription &m = *description.model;
  model = rt::Model{digestOf(m.digest),
                    m.vocabSize,
                    m.contextLength,
                    m.bosId,
                    m.hiddenSize,
                    m.layers,
                    m.heads,
                    m.kvHeads,
                    m.headDim,
                    intern(text, m.name),
                    intern(text, m.architecture),
                    intern(text, m.quantization),
                    indexOf(numbers, {m.eosIds.begin(), m.eosIds.end()}),
                    uint16_t(m.eosIds.size())};
}

void PlanEncoder::lower(const EntryDescription &entry) {
  std::vector<rt::Tensor> own;
  for (const auto *list : {&entry.inputs, &entry.outputs})
    for (const TensorDescription &tensor : *list)
      own.push_back({intern(text, tensor.name), tensor.operand, indexOf(numbers, tensor.dims),
                     uint8_t(tensor.dims.size()), tensor.role, tensor.dtype, 0});
  entries.push_back({entry.firstStep, entry.nSteps, entry.chunk, entry.posMax, entry.rowMax,
                     entry.vocab, intern(text, entry.name), intern(text, entry.variant),
                     indexOf(tensors, own), entry.firstState, entry.nStates,
                     uint8_t(entry.inputs.size()), uint8_t(entry.outputs.size()), entry.kind,
                     entry.targetMask, entry.rowParam, 0});
}

/// Two rounds: the first learns the size of the FlatBuffer, which does not depend on where the
/// segments end up.
void PlanEncoder::place() {
  for (const SegmentDescription &segment : description.segments) {
    rt::Segment record = {};
    record.size = segment.source->size();
    record.regionOffset = segment.regionOffset;
    record.digest = rt::none32;
    record.name = segmentNames[placed.size()];
    record.region = segment.region;
    record.kind = segment.kind;
    record.alignLog2 = segment.alignLog2;
    record.chunkLog2 = segment.chunkLog2;
    placed.push_back(record);
  }
  if (digests)
    placeDigests();
  planBytes = encode({}).size();
  dataOffset = alignUp(sizeof(rt::FileHeader) + planBytes, dataAlign);
  end = dataOffset;
  // A region whose segments are neighbours becomes one range of the file, aligned as the region: it
  // can be mapped.
  std::vector<int64_t> delta(rt::none16, INT64_MIN);
  for (rt::Segment &segment : placed) {
    uint64_t align = uint64_t(1) << segment.alignLog2;
    bool inRegion = segment.region < description.regions.size();
    if (inRegion && delta[segment.region] == INT64_MIN) {
      uint64_t start = alignUp(end, uint64_t(1) << description.regions[segment.region].alignLog2);
      delta[segment.region] = int64_t(start);
      segment.offset = start + segment.regionOffset;
    } else {
      segment.offset = alignUp(end, align);
      int64_t wanted = inRegion ? delta[segment.region] + int64_t(segment.regionOffset) : 0;
      // Only a small gap is worth closing up for.
      if (inRegion && wanted >= int64_t(end) && wanted - int64_t(end) < (1 << 16))
        segment.offset = uint64_t(wanted);
    }
    end = segment.offset + segment.size;
  }
}

void PlanEncoder::placeDigests() {
  uint64_t count = 0;
  for (rt::Segment &segment : placed) {
    segment.digest = static_cast<uint32_t>(count);
    count += chunksOf(segment);
  }
  rt::Segment record = {};
  record.size = count * 32;
  record.digest = rt::none32;
  record.name = segmentNames.back();
  record.region = rt::none16;
  record.kind = rt::SegmentKind::Digests;
  record.alignLog2 = 5;
  placed.push_back(record);
}

std::vector<uint8_t> PlanEncoder::encode(const Sha256 &digestRoot) const {
  Builder builder(1 << 16);
  const PlanDescription &d = description;
  using Plan = fb::Plan;
  // What a table refers to is written before it.
  const std::pair<flatbuffers::voffset_t, Offset<void>> references[] = {
      {Plan::VT_PRODUCER, builder.CreateString(d.producer).Union()},
      {Plan::VT_TARGETS, structs<fb::Target>(builder, targets).Union()},
      {Plan::VT_REGIONS, structs<fb::Region>(builder, d.regions).Union()},
      {Plan::VT_SEGMENTS, structs<fb::Segment>(builder, placed).Union()},
      {Plan::VT_PARAMS, structs<fb::Param>(builder, d.params).Union()},
      {Plan::VT_MOVES, structs<fb::Move>(builder, d.moves).Union()},
      {Plan::VT_OPERANDS, structs<fb::Operand>(builder, d.operands).Union()},
      {Plan::VT_ARGS, scalars(builder, d.args).Union()},
      {Plan::VT_BLOBS, structs<fb::Blob>(builder, d.blobs).Union()},
      {Plan::VT_KERNELS, structs<fb::Kernel>(builder, d.kernels).Union()},
      {Plan::VT_QUEUES, structs<fb::Queue>(builder, d.queues).Union()},
      {Plan::VT_ROWS, structs<fb::Rows>(builder, d.rows).Union()},
      {Plan::VT_STEPS, structs<fb::Step>(builder, d.steps).Union()},
      {Plan::VT_STATES, structs<fb::State>(builder, d.states).Union()},
      {Plan::VT_NUMBERS, scalars(builder, numbers).Union()},
      {Plan::VT_TENSORS, structs<fb::Tensor>(builder, tensors).Union()},
      {Plan::VT_ENTRIES, structs<fb::Entry>(builder, entries).Union()},
      {Plan::VT_TEXT, builder.CreateString(text.empty() ? std::string(1, '\0') : text).Union()},
  };
  rt::Digest root = digestOf(digestRoot);
  // Not PlanBuilder::Finish, which asserts required fields: the verifier names the missing one
  // instead.
  fb::PlanBuilder table(builder);
  table.add_required_features(requiredFeatures(d));
  if (digests)
    table.add_digest_root(reinterpret_cast<const fb::Digest *>(&root));
  for (const auto &[field, reference] : references)
    builder.AddOffset(field, reference);
  if (model)
    table.add_model(reinterpret_cast<const fb::Model *>(&*model));
  builder.Finish(Offset<Plan>(builder.EndTable(table.start_)), fb::PlanIdentifier());
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

std::vector<uint8_t> PlanEncoder::prefix(const Sha256 &digestRoot) const {
  std::vector<uint8_t> plan = encode(digestRoot);
  rt::FileHeader header = {};
  std::memcpy(header.magic, rt::fileMagic, sizeof(header.magic));
  header.formatMajor = rt::formatMajor;
  header.formatMinor = rt::formatMinor;
  header.headerSize = sizeof(header);
  header.fileSize = end;
  header.planOffset = sizeof(header);
  header.planSize = plan.size();
  header.dataOffset = dataOffset;
  std::vector<uint8_t> bytes(sizeof(header) + plan.size());
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + sizeof(header), plan.data(), plan.size());
  Sha256 digest = root(bytes);
  std::memcpy(bytes.data() + offsetof(rt::FileHeader, root), digest.data(), sizeof(header.root));
  return bytes;
}

Sha256 PlanEncoder::root(const std::vector<uint8_t> &prefix) const {
  rt::FileHeader header = {};
  std::memcpy(&header, prefix.data(), sizeof(header));
  std::memset(header.root, 0, sizeof(header.root));
  Sha256 first = sha256({reinterpret_cast<const uint8_t *>(&header), sizeof(header)});
  Sha256 second = sha256(std::span(prefix).subspan(sizeof(header)));
  std::array<uint8_t, 64> both;
  std::copy(first.begin(), first.end(), both.begin());
  std::copy(second.begin(), second.end(), both.begin() + 32);
  return sha256(both);
}

} // namespace llmc
