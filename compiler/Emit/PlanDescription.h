// A plan as plain data, before it is bytes. It mirrors runtime/schema/plan.fbs field by field; the
// records are those of the runtime. Offsets in the file, sizes and digests of segments are the
// writer's to fill in.
#ifndef LLMC_COMPILER_EMIT_PLANDESCRIPTION_H
#define LLMC_COMPILER_EMIT_PLANDESCRIPTION_H

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/plan/records.h"

namespace llmc {

using Sha256 = std::array<uint8_t, 32>;

/// Takes bytes in order; false stops the producer.
using ByteSink = std::function<bool(std::span<const uint8_t>)>;

/// The bytes of a segment, produced when they are written, so that weights are never held twice.
class SegmentSource {
public:
  virtual ~SegmentSource() = default;
  virtual uint64_t size() const = 0;
  /// Hands exactly size() bytes to `sink`. On failure returns false with a sentence in `error`;
  /// false from the sink is passed on with `error` untouched. Called once per write, with the same
  /// bytes each time.
  virtual bool produce(const ByteSink &sink, std::string &error) const = 0;
};

/// A segment whose bytes are at hand, owned or not.
std::shared_ptr<SegmentSource> segmentFromBytes(std::vector<uint8_t> bytes);
std::shared_ptr<SegmentSource> segmentFromSpan(std::span<const uint8_t> bytes);
/// A segment written part by part; the parts follow each other without gaps.
std::shared_ptr<SegmentSource>
segmentFromProducer(uint64_t size, std::function<bool(const ByteSink &, std::string &)> produce);

struct SegmentDescription {
  rt::SegmentKind kind = rt::SegmentKind::Weights;
  std::string name;
  uint16_t region = rt::none16; // none: not loaded
  uint64_t regionOffset = 0;
  uint8_t alignLog2 = 6;
  uint8_t chunkLog2 = 0; // pages and digest chunks of 2^chunkLog2 bytes; 0: one digest
  std::shared_ptr<SegmentSource> source;
};

struct TargetDescription {
  std::string backend;
  std::string device;
  std::string variant;
  uint32_t abi = 0;
  uint32_t driverMin = 0;
  std::optional<Sha256> config;
};

struct TensorDescription {
  std::string name;
  rt::TensorRole role = rt::TensorRole::Other;
  rt::DType dtype = rt::DType::F32;
  std::vector<uint32_t> dims;
  uint32_t operand = 0;
  float scale = 0;
  int32_t zero = 0;
};

struct EntryDescription {
  std::string name;
  rt::EntryKind kind = rt::EntryKind::Generic;
  uint32_t chunk = 1;
  uint32_t posMax = 0;
  uint32_t firstStep = 0;
  uint32_t nSteps = 0;
  std::vector<TensorDescription> inputs;
  std::vector<TensorDescription> outputs;
  std::vector<uint16_t> states;
  uint32_t targetMask = 0;
  uint8_t rowParam = rt::none8;
  uint32_t rowMax = 0;
  uint32_t vocab = 0;
  std::vector<uint64_t> peakBytes; // by region
  uint64_t estCycles = 0;
  uint64_t maxCycles = 0;
  uint32_t stackBytes = 0;
  std::string variant;
};

struct ModelDescription {
  std::string name;
  std::string architecture;
  std::string quantization;
  uint32_t vocabSize = 0;
  uint32_t contextLength = 0;
  uint32_t hiddenSize = 0;
  uint32_t layers = 0;
  uint32_t heads = 0;
  uint32_t kvHeads = 0;
  uint32_t headDim = 0;
  int32_t bosId = -1;
  std::vector<int32_t> eosIds;
  std::optional<Sha256> digest;
};

struct TokenizerDescription {
  std::string kind = "bpe";
  uint16_t segment = rt::none16;
  bool addBos = false;
  std::string chatTemplate;
};

struct KeyValueDescription {
  std::string key;
  std::string value;
};

struct PlanDescription {
  std::string producer = "llmc";
  std::vector<TargetDescription> targets;
  std::vector<rt::Region> regions;
  std::vector<SegmentDescription> segments;
  std::vector<rt::Buffer> buffers;
  std::vector<rt::Operand> operands;
  std::vector<uint16_t> args;
  std::vector<rt::Param> params;
  std::vector<rt::Kernel> kernels;
  std::vector<rt::Queue> queues;
  std::vector<rt::Dma> dmas;
  std::vector<rt::Step> steps;
  std::vector<rt::State> states;
  std::vector<EntryDescription> entries;
  std::vector<std::string> strings;
  std::optional<ModelDescription> model;
  std::optional<TokenizerDescription> tokenizer;
  std::vector<KeyValueDescription> metadata;
  uint16_t debugSegment = rt::none16;

  /// The index of `text` among the strings, which it joins where it is new; none32 for the empty
  /// text.
  uint32_t intern(const std::string &text);
};

/// What the parameters and steps need of a runtime.
uint64_t requiredFeatures(const PlanDescription &description);

} // namespace llmc

#endif
