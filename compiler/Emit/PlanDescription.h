// A plan as plain data, before it is bytes. It mirrors runtime/schema/plan.fbs; the records are
// those of the runtime. Where segments, names and numbers stand is the writer's to fill in.
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
  uint16_t operand = 0;
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
  uint16_t firstState = 0;
  uint16_t nStates = 0;
  uint8_t targetMask = 0;
  uint8_t rowParam = rt::none8;
  uint32_t rowMax = 0;
  uint32_t vocab = 0;
  std::string variant;
};

struct ModelDescription {
  std::string name;
  std::string architecture;
  std::string quantization;
  uint32_t vocabSize = 0;
  uint32_t contextLength = 0;
  uint16_t hiddenSize = 0;
  uint16_t layers = 0;
  uint16_t heads = 0;
  uint16_t kvHeads = 0;
  uint16_t headDim = 0;
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

/// Where `name` stands in a text of names, which it joins where it is new; none16 for the empty
/// name.
uint16_t intern(std::string &text, const std::string &name);

/// A parameter that moves an operand, and by how many bytes.
struct Stride {
  uint8_t param;
  uint32_t bytes;
};

struct PlanDescription {
  std::string producer = "llmc";
  std::vector<TargetDescription> targets;
  std::vector<rt::Region> regions;
  std::vector<SegmentDescription> segments;
  std::vector<rt::Param> params;
  std::vector<rt::Move> moves;
  std::vector<rt::Operand> operands;
  std::vector<uint16_t> args;
  std::vector<rt::Blob> blobs;
  std::vector<rt::Kernel> kernels;
  std::vector<rt::Queue> queues;
  std::vector<rt::Rows> rows;
  std::vector<rt::Step> steps;
  std::vector<rt::State> states;
  std::vector<EntryDescription> entries;
  std::string text;
  std::optional<ModelDescription> model;

  uint16_t intern(const std::string &name) { return llmc::intern(text, name); }
  /// `extent` bytes from `offset` of a region on, at most three strides further. What 32 bits do
  /// not hold, and strides, become a move, which all operands share that move alike.
  rt::Operand operand(uint16_t region, uint64_t offset, uint64_t extent, uint8_t access,
                      std::span<const Stride> strides = {});
};

/// What the parameters and steps need of a runtime.
uint64_t requiredFeatures(const PlanDescription &description);

} // namespace llmc

#endif
