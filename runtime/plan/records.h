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
inline constexpr uint32_t maxTensors = 64;             // inputs or outputs of one entry
inline constexpr uint32_t maxExecutedSteps = 1u << 24; // of one entry, loops counted in full

/// The queue number by which a Wait step names reads of the flash source.
inline constexpr uint8_t sourceQueue = 0xFF;

enum class RegionKind : uint8_t { FlashXip, FlashPaged, Dram, Sram, Tcm, NpuLocal, HostShared };
enum class Lifetime : uint8_t { Constant, Session, Call, Scratch };
enum class SegmentKind : uint8_t {
  Weights,
  Kernel,
  Table,
  StateInit,
  Tokenizer,
  Digests,
  Golden,
  Debug,
  Other = 255
};
enum class StateKind : uint8_t { KvFlat, KvRing, KvPaged, Recurrent, Raw };
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
  Mark
};

enum RegionAccess : uint8_t {
  cpuReads = 1,
  cpuWrites = 2,
  deviceReads = 4,
  deviceWrites = 8,
  cpuCached = 16
};
enum OperandFlags : uint8_t { operandStatic = 1 };
enum StepFlags : uint16_t { loopCountIsParam = 1 };

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
inline constexpr uint16_t formatMinor = 2;

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

struct Segment {
  uint64_t offset;
  uint64_t size;
  uint64_t regionOffset;
  uint32_t digest;
  uint32_t name;
  uint32_t key;
  uint16_t region;
  uint16_t flags;
  SegmentKind kind;
  uint8_t alignLog2;
  uint8_t codec;
  uint8_t chunkLog2;
  uint32_t reserved;
};

struct Region {
  uint64_t size;
  uint32_t name;
  uint8_t alignLog2;
  RegionKind kind;
  Lifetime lifetime;
  uint8_t access;
};

struct Buffer {
  uint64_t offset;
  uint64_t size;
  uint32_t name;
  uint16_t region;
  uint16_t segment;
};

struct Operand {
  uint64_t offset;
  uint64_t extent;
  uint32_t stride[3];
  uint16_t region; // from here as in llmc_operand_view
  uint8_t access;
  uint8_t flags;
  uint16_t buffer;
  uint8_t param[3];
  uint8_t reserved[3];
};

struct Param {
  uint32_t max;
  uint32_t imm;
  ParamKind kind;
  uint8_t a;
  uint8_t b;
  uint8_t reserved;
};

struct Kernel {
  uint64_t offset;
  uint32_t size;
  uint32_t entry;
  uint32_t estCycles;
  uint32_t stackBytes;
  uint32_t name;
  uint16_t segment;
  uint16_t target;
  uint16_t abi;
  uint16_t nArgs;
  uint32_t reserved;
};

struct Queue {
  uint16_t target;
  uint16_t index;
};

struct Dma {
  uint32_t rowBytes;
  uint32_t rows;
  uint32_t srcPitch;
  uint32_t dstPitch;
  uint8_t rowsParam;
  uint8_t reserved0;
  uint16_t reserved1;
};

struct Step {
  StepOp op;
  uint8_t queue;
  uint16_t flags;
  uint32_t a;
  uint32_t b;
  uint32_t c;
};

struct State {
  uint32_t maxTokens;
  uint32_t window;
  uint32_t tokenStride;
  uint32_t headStride;
  uint32_t layerStride;
  uint32_t layoutHash;
  uint16_t buffer;
  uint16_t layers;
  uint16_t heads;
  uint16_t headDim;
  uint16_t pageTokens;
  uint16_t scaleState;
  StateKind kind;
  StateRole role;
  DType dtype;
  uint8_t reserved;
};

struct Digest {
  uint8_t bytes[32];
};

static_assert(sizeof(FileHeader) == 80 && sizeof(Segment) == 48 && sizeof(Region) == 16, "frozen");
static_assert(sizeof(Buffer) == 24 && sizeof(Operand) == 40 && sizeof(Param) == 12, "frozen");
static_assert(sizeof(Kernel) == 40 && sizeof(Queue) == 4 && sizeof(Dma) == 20, "frozen");
static_assert(sizeof(Step) == 16 && sizeof(State) == 40 && sizeof(Digest) == 32, "frozen");

/// Bits of one element.
constexpr uint32_t bitsOf(DType type) {
  constexpr uint8_t bits[] = {32, 16, 32, 16, 8, 8, 4, 4};
  return bits[static_cast<uint8_t>(type)];
}

} // namespace llmc::rt

#endif
