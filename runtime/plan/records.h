// The frozen records of the plan, byte for byte as in runtime/schema/plan.fbs, read in place.
#ifndef LLMC_RUNTIME_PLAN_RECORDS_H
#define LLMC_RUNTIME_PLAN_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "plans are read in place and are little-endian"
#endif

namespace llmc::rt {

inline constexpr uint8_t none8 = 0xFF;
inline constexpr uint16_t none16 = 0xFFFF;
inline constexpr uint32_t none32 = 0xFFFFFFFFu;

// What one runtime holds in fixed memory. A plan beyond a limit is refused by open.
inline constexpr uint32_t maxTargets = 8;
inline constexpr uint32_t maxRegions = 16;
inline constexpr uint32_t maxQueues = 8;
inline constexpr uint32_t maxParams = 32;
inline constexpr uint32_t maxArgs = 32;
inline constexpr uint32_t maxLoopDepth = 4;
inline constexpr uint32_t maxEntries = 64;
inline constexpr uint32_t maxBlobs = 255;
inline constexpr uint32_t maxMoves = 255;
inline constexpr uint32_t maxRank = 8;
inline constexpr uint32_t maxExecutedSteps = 1u << 24; // of one entry, loops counted in full

/// The queue number by which a Wait step names reads of the flash source.
inline constexpr uint8_t sourceQueue = 0xFF;

enum class RegionKind : uint8_t { FlashXip, FlashPaged, Dram, Sram, Tcm, NpuLocal, HostShared };
enum class Lifetime : uint8_t { Constant, Session, Call, Scratch };
enum class SegmentKind : uint8_t {
  Weights,
  Kernel,
  Table,
  Tokenizer,
  Digests,
  Golden,
  Debug,
  Other
};
enum class StateKind : uint8_t { KvFlat };
enum class StateRole : uint8_t { None, Key, Value, KeyScale, ValueScale };
enum class EntryKind : uint8_t { Generic, Init, Prefill, Decode, Head, Verify, Embed };
enum class TensorRole : uint8_t { Other, Ids, Hidden, Logits };
enum class DType : uint8_t { F32, F16, I32, I16, I8, U8, I4, U4 };
enum class ParamKind : uint8_t { Input, KvLen, Loop, Add, Sub, Mul, Shl, Shr, Mod, CeilDiv, Min };
enum class StepOp : uint8_t {
  End,
  Dispatch,
  Dma,
  Prefetch,
  Wait,
  Barrier,
  CacheClean,
  CacheInvalidate,
  LoopBegin,
  LoopEnd,
  KvCommit,
  Gather,
  HostCall,
  Yield,
  Mark,
  LoopParam
};

enum RegionAccess : uint8_t {
  cpuReads = 1,
  cpuWrites = 2,
  deviceReads = 4,
  deviceWrites = 8,
  cpuCached = 16
};

/// Bits of Plan.required_features: what the steps and records use beyond dispatch, wait, barrier,
/// yield, mark and end.
enum Feature : uint64_t {
  featureLoops = 1u << 0,
  featureDma = 1u << 1,
  featurePrefetch = 1u << 2,
  featureGather = 1u << 3,
  featureHostCall = 1u << 4,
  featureCache = 1u << 5,
  featureKvCommit = 1u << 6,
  featureDerivedParams = 1u << 7,
};
inline constexpr uint64_t knownFeatures = 0xFF;

inline constexpr uint8_t fileMagic[8] = {'L', 'L', 'M', 'C', 'P', 'L', 'A', 'N'};
inline constexpr uint16_t formatMajor = 0;
inline constexpr uint16_t formatMinor = 3;

struct FileHeader {
  uint8_t magic[8];
  uint16_t formatMajor;
  uint16_t formatMinor;
  uint32_t headerSize;
  uint64_t fileSize;
  uint64_t planOffset;
  uint64_t planSize;
  uint64_t dataOffset;
  uint64_t signatureOffset;
  uint32_t signatureSize;
  uint32_t flags;
  uint8_t root[16]; // the first half of the root digest
};

struct Digest {
  uint64_t words[4];
};

struct Target {
  Digest config;
  uint32_t abi;
  uint32_t driverMin;
  uint16_t backend;
  uint16_t device;
  uint16_t variant;
  uint16_t reserved;
};

struct Region {
  uint64_t size;
  uint16_t name;
  uint16_t reserved;
  uint8_t alignLog2;
  RegionKind kind;
  Lifetime lifetime;
  uint8_t access;
};

struct Segment {
  uint64_t offset;
  uint64_t size;
  uint64_t regionOffset;
  uint32_t digest;
  uint16_t name;
  uint16_t region;
  uint16_t flags;
  uint16_t reserved;
  SegmentKind kind;
  uint8_t alignLog2;
  uint8_t codec;
  uint8_t chunkLog2;
};

struct Operand {
  uint32_t offset;
  uint32_t extent;
  uint16_t region; // from here as in llmc_operand_view
  uint8_t access;
  uint8_t move;
};

struct Move {
  uint64_t offset;
  uint64_t extent;
  uint32_t stride[3];
  uint8_t param[3];
  uint8_t reserved;
};

struct Param {
  uint32_t max;
  uint32_t imm;
  ParamKind kind;
  uint8_t a;
  uint8_t b;
  uint8_t reserved;
};

struct Blob {
  uint32_t offset;
  uint32_t size;
  uint16_t segment;
  uint16_t target;
};

struct Kernel {
  uint32_t entry;
  uint32_t estCycles;
  uint16_t stack;
  uint8_t blob;
  uint8_t nArgs;
};

struct Queue {
  uint16_t target;
  uint16_t index;
};

struct Rows {
  uint32_t bytes;
  uint32_t count;
  uint32_t srcPitch;
  uint32_t dstPitch;
  uint8_t countParam;
  uint8_t reserved0;
  uint16_t reserved1;
};

struct Step {
  StepOp op;
  uint8_t queue;
  uint16_t a;
  uint32_t b;
};

struct State {
  uint64_t offset;
  uint32_t maxTokens;
  uint32_t window;
  uint32_t tokenStride;
  uint32_t headStride;
  uint32_t layerStride;
  uint32_t layoutHash;
  uint16_t region;
  uint16_t layers;
  uint16_t heads;
  uint16_t headDim;
  uint16_t scaleState;
  StateKind kind;
  StateRole role;
  DType dtype;
  uint8_t reserved0;
  uint16_t reserved1;
};

struct Tensor {
  uint16_t name;
  uint16_t operand;
  uint16_t firstDim;
  uint8_t rank;
  TensorRole role;
  DType dtype;
  uint8_t reserved;
};

struct Entry {
  uint32_t firstStep;
  uint32_t nSteps;
  uint32_t chunk;
  uint32_t posMax;
  uint32_t rowMax;
  uint32_t vocab;
  uint16_t name;
  uint16_t variant;
  uint16_t firstTensor;
  uint16_t firstState;
  uint16_t nStates;
  uint8_t nInputs;
  uint8_t nOutputs;
  EntryKind kind;
  uint8_t targetMask;
  uint8_t rowParam;
  uint8_t reserved;
};

struct Model {
  Digest digest;
  uint32_t vocabSize;
  uint32_t contextLength;
  int32_t bosId;
  uint16_t hiddenSize;
  uint16_t layers;
  uint16_t heads;
  uint16_t kvHeads;
  uint16_t headDim;
  uint16_t name;
  uint16_t architecture;
  uint16_t quantization;
  uint16_t firstEos;
  uint16_t nEos;
};

static_assert(sizeof(FileHeader) == 80 && sizeof(Digest) == 32 && sizeof(Target) == 48, "frozen");
static_assert(sizeof(Region) == 16 && sizeof(Segment) == 40 && sizeof(Operand) == 12, "frozen");
static_assert(sizeof(Move) == 32 && sizeof(Param) == 12 && sizeof(Blob) == 12, "frozen");
static_assert(sizeof(Kernel) == 12 && sizeof(Queue) == 4 && sizeof(Rows) == 20, "frozen");
static_assert(sizeof(Step) == 8 && sizeof(State) == 48 && sizeof(Tensor) == 10, "frozen");
static_assert(sizeof(Entry) == 40 && sizeof(Model) == 64, "frozen");

/// Bits of one element.
constexpr uint32_t bitsOf(DType type) {
  constexpr uint8_t bits[] = {32, 16, 32, 16, 8, 8, 4, 4};
  return bits[static_cast<uint8_t>(type)];
}

/// Stack that a kernel needs.
inline constexpr uint32_t stackUnit = 16;
constexpr uint32_t stackBytesOf(const Kernel &kernel) { return kernel.stack * stackUnit; }

/// From the first row of a state to the end of its last.
constexpr uint64_t stateBytes(const State &state) {
  return uint64_t(state.maxTokens - 1) * state.tokenStride +
         uint64_t(state.heads - 1u) * state.headStride +
         uint64_t(state.layers - 1u) * state.layerStride +
         (uint32_t(state.headDim) * bitsOf(state.dtype) + 7) / 8;
}

} // namespace llmc::rt

#endif
