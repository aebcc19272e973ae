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

fb::Digest digestOf(const Sha256 &bytes) {
  uint64_t words[4];
  std::memcpy(words, bytes.data(), sizeof(words));
  return fb::Digest(words[0], words[1], words[2], words[3]);
}

/// An optional string: absent where empty.
Offset<flatbuffers::String> text(Builder &builder, const std::string &value) {
  return value.empty() ? Offset<flatbuffers::String>() : builder.CreateSharedString(value);
}

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

Offset<fb::TensorDesc> encodeTensor(Builder &builder, const TensorDescription &tensor) {
  auto name = builder.CreateSharedString(tensor.name);
  auto dims = builder.CreateVector(tensor.dims);
  return fb::CreateTensorDesc(builder, name, fb::TensorRole(tensor.role), fb::DType(tensor.dtype),
                              dims, tensor.operand, tensor.scale, tensor.zero);
}

Offset<flatbuffers::Vector<Offset<fb::TensorDesc>>>
encodeTensors(Builder &builder, const std::vector<TensorDescription> &tensors) {
  if (tensors.empty())
    return {};
  std::vector<Offset<fb::TensorDesc>> offsets;
  for (const TensorDescription &tensor : tensors)
    offsets.push_back(encodeTensor(builder, tensor));
  return builder.CreateVector(offsets);
}

Offset<fb::Entry> encodeEntry(Builder &builder, const EntryDescription &entry) {
  auto name = builder.CreateSharedString(entry.name);
  auto inputs = encodeTensors(builder, entry.inputs);
  auto outputs = encodeTensors(builder, entry.outputs);
  auto states = scalars(builder, entry.states);
  auto peaks = scalars(builder, entry.peakBytes);
  auto variant = text(builder, entry.variant);
  return fb::CreateEntry(builder, name, fb::EntryKind(entry.kind), entry.chunk, entry.posMax,
                         entry.firstStep, entry.nSteps, inputs, outputs, states, entry.targetMask,
                         entry.rowParam, entry.rowMax, entry.vocab, peaks, entry.estCycles,
                         entry.maxCycles, entry.stackBytes, variant);
}

Offset<fb::Target> encodeTarget(Builder &builder, const TargetDescription &target) {
  auto backend = builder.CreateSharedString(target.backend);
  auto device = builder.CreateSharedString(target.device);
  auto variant = text(builder, target.variant);
  fb::Digest config = digestOf(target.config.value_or(Sha256{}));
  return fb::CreateTarget(builder, backend, device, variant, target.abi, target.driverMin,
                          target.config ? &config : nullptr);
}

Offset<fb::Model> encodeModel(Builder &builder, const ModelDescription &model) {
  auto name = text(builder, model.name);
  auto architecture = text(builder, model.architecture);
  auto quantization = text(builder, model.quantization);
  auto eosIds = scalars(builder, model.eosIds);
  fb::Digest digest = digestOf(model.digest.value_or(Sha256{}));
  return fb::CreateModel(builder, name, architecture, quantization, model.vocabSize,
                         model.contextLength, model.hiddenSize, model.layers, model.heads,
                         model.kvHeads, model.headDim, model.bosId, eosIds,
                         model.digest ? &digest : nullptr);
}

Offset<fb::Tokenizer> encodeTokenizer(Builder &builder, const TokenizerDescription &tokenizer) {
  auto kind = builder.CreateSharedString(tokenizer.kind);
  auto chatTemplate = text(builder, tokenizer.chatTemplate);
  return fb::CreateTokenizer(builder, kind, tokenizer.segment, tokenizer.addBos, chatTemplate);
}

Offset<flatbuffers::Vector<Offset<fb::KeyValue>>>
encodeMetadata(Builder &builder, const std::vector<KeyValueDescription> &metadata) {
  if (metadata.empty())
    return {};
  std::vector<Offset<fb::KeyValue>> offsets;
  for (const KeyValueDescription &entry : metadata) {
    auto key = builder.CreateSharedString(entry.key);
    auto value = builder.CreateSharedString(entry.value);
    offsets.push_back(fb::CreateKeyValue(builder, key, value));
  }
  return builder.CreateVector(offsets);
}

uint64_t chunksOf(const rt::Segment &segment) {
  return segment.chunkLog2 ? ((segment.size - 1) >> segment.chunkLog2) + 1 : 1;
}

} // namespace

PlanEncoder::PlanEncoder(const PlanDescription &description, bool digests, std::string &error)
    : description(description), digests(digests), strings(description.strings) {
  for (size_t i = 0; i < description.segments.size(); ++i) {
    const SegmentDescription &segment = description.segments[i];
    std::string what = "segment " + std::to_string(i) + " (" + segment.name + ")";
    if (!segment.source || segment.source->size() == 0)
      error = what + " has no bytes; leave it out of the plan";
    else if (segment.alignLog2 > 16)
      error = what + " is to be aligned to 2^" + std::to_string(segment.alignLog2) +
              " bytes; the most is 2^16";
  }
  if (error.empty())
    place();
}

/// Two rounds: the first learns the size of the FlatBuffer, which does not depend on where the
/// segments end up.
void PlanEncoder::place() {
  PlanDescription names;
  names.strings = strings;
  for (const SegmentDescription &segment : description.segments) {
    rt::Segment record = {};
    record.size = segment.source->size();
    record.regionOffset = segment.regionOffset;
    record.digest = rt::none32;
    record.name = names.intern(segment.name);
    record.key = rt::none32;
    record.region = segment.region;
    record.kind = segment.kind;
    record.alignLog2 = segment.alignLog2;
    record.chunkLog2 = segment.chunkLog2;
    placed.push_back(record);
  }
  if (digests) {
    placeDigests();
    placed.back().name = names.intern("digests");
  }
  strings = names.strings;
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
  record.key = rt::none32;
  record.region = rt::none16;
  record.kind = rt::SegmentKind::Digests;
  record.alignLog2 = 5;
  placed.push_back(record);
}

std::vector<uint8_t> PlanEncoder::encode(const Sha256 &digestRoot) const {
  Builder builder(1 << 16);
  const PlanDescription &d = description;
  auto producer = builder.CreateSharedString(d.producer);
  std::vector<Offset<fb::Target>> targetOffsets;
  for (const TargetDescription &target : d.targets)
    targetOffsets.push_back(encodeTarget(builder, target));
  auto targets = builder.CreateVector(targetOffsets);
  auto regions = structs<fb::Region>(builder, d.regions);
  auto segments = structs<fb::Segment>(builder, placed);
  auto buffers = structs<fb::Buffer>(builder, d.buffers);
  auto operands = structs<fb::Operand>(builder, d.operands);
  auto args = scalars(builder, d.args);
  auto params = structs<fb::Param>(builder, d.params);
  auto kernels = structs<fb::Kernel>(builder, d.kernels);
  auto queues = structs<fb::Queue>(builder, d.queues);
  auto dmas = structs<fb::Dma>(builder, d.dmas);
  auto steps = structs<fb::Step>(builder, d.steps);
  auto states = structs<fb::State>(builder, d.states);
  std::vector<Offset<fb::Entry>> entryOffsets;
  for (const EntryDescription &entry : d.entries)
    entryOffsets.push_back(encodeEntry(builder, entry));
  auto entries = builder.CreateVector(entryOffsets);
  std::vector<Offset<flatbuffers::String>> texts;
  for (const std::string &string : strings)
    texts.push_back(builder.CreateSharedString(string));
  auto stringOffsets = builder.CreateVector(texts);
  auto model = d.model ? encodeModel(builder, *d.model) : Offset<fb::Model>();
  auto tokenizer = d.tokenizer ? encodeTokenizer(builder, *d.tokenizer) : Offset<fb::Tokenizer>();
  auto metadata = encodeMetadata(builder, d.metadata);
  fb::Digest root = digestOf(digestRoot);
  uint16_t digestSegment = digests ? uint16_t(placed.size() - 1) : rt::none16;
  // Not PlanBuilder::Finish, which asserts required fields: the verifier names the missing one
  // instead.
  fb::PlanBuilder table(builder);
  table.add_required_features(requiredFeatures(d));
  table.add_producer(producer);
  if (digests)
    table.add_digest_root(&root);
  table.add_targets(targets);
  table.add_regions(regions);
  table.add_segments(segments);
  table.add_buffers(buffers);
  table.add_operands(operands);
  table.add_args(args);
  table.add_params(params);
  table.add_kernels(kernels);
  table.add_queues(queues);
  table.add_dmas(dmas);
  table.add_steps(steps);
  table.add_states(states);
  table.add_entries(entries);
  table.add_strings(stringOffsets);
  table.add_model(model);
  table.add_tokenizer(tokenizer);
  table.add_metadata(metadata);
  table.add_digest_segment(digestSegment);
  table.add_debug_segment(d.debugSegment);
  builder.Finish(Offset<fb::Plan>(builder.EndTable(table.start_)), fb::PlanIdentifier());
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
