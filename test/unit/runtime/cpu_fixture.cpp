#include "test/unit/runtime/cpu_fixture.h"

#include <utility>

namespace llmc::test {

using namespace llmc::rt;
using rt::cpu::CpuidWords;
using rt::cpu::CpuProbe;

namespace {

/// rdi operands, rsi parameters, edx part, ecx parts. A part's share of the 1024 words is
/// [part * 1024 / parts, (part + 1) * 1024 / parts).
constexpr uint8_t fill[] = {0x4C, 0x8B, 0x07,       //      mov  r8, [rdi]
                            0x44, 0x8B, 0x4E, 0x0C, //      mov  r9d, [rsi + 12]
                            0x41, 0x89, 0xD2,       //      mov  r10d, edx
                            0x89, 0xD0,             //      mov  eax, edx
                            0xC1, 0xE0, 0x0A,       //      shl  eax, 10
                            0x31, 0xD2,             //      xor  edx, edx
                            0xF7, 0xF1,             //      div  ecx
                            0x41, 0x89, 0xC3,       //      mov  r11d, eax
                            0x41, 0x8D, 0x42, 0x01, //      lea  eax, [r10 + 1]
                            0xC1, 0xE0, 0x0A,       //      shl  eax, 10
                            0x31, 0xD2,             //      xor  edx, edx
                            0xF7, 0xF1,             //      div  ecx
                            0x41, 0x39, 0xC3,       // 1:   cmp  r11d, eax
                            0x73, 0x10,             //      jae  2f
                            0x43, 0x8D, 0x14, 0x59, //      lea  edx, [r9 + 2*r11]
                            0x44, 0x01, 0xDA,       //      add  edx, r11d
                            0x43, 0x89, 0x14, 0x98, //      mov  [r8 + 4*r11], edx
                            0x41, 0xFF, 0xC3,       //      inc  r11d
                            0xEB, 0xEB,             //      jmp  1b
                            0xC3};                  // 2:   ret

/// At byte 0x40; its code begins 4 bytes later. The factor stands at 0x100, behind all kernels.
constexpr uint8_t scale[] = {0xCC, 0xCC, 0xCC, 0xCC,             // int3: not the entry
                             0x4C, 0x8B, 0x07,                   //      mov  r8, [rdi]
                             0x4C, 0x8B, 0x4F, 0x08,             //      mov  r9, [rdi + 8]
                             0x41, 0x89, 0xD2,                   //      mov  r10d, edx
                             0x89, 0xD0,                         //      mov  eax, edx
                             0xC1, 0xE0, 0x0A,                   //      shl  eax, 10
                             0x31, 0xD2,                         //      xor  edx, edx
                             0xF7, 0xF1,                         //      div  ecx
                             0x41, 0x89, 0xC3,                   //      mov  r11d, eax
                             0x41, 0x8D, 0x42, 0x01,             //      lea  eax, [r10 + 1]
                             0xC1, 0xE0, 0x0A,                   //      shl  eax, 10
                             0x31, 0xD2,                         //      xor  edx, edx
                             0xF7, 0xF1,                         //      div  ecx
                             0x8B, 0x0D, 0x95, 0x00, 0x00, 0x00, //      mov  ecx, [rip + 0x95]
                             0x41, 0x39, 0xC3,                   // 1:   cmp  r11d, eax
                             0x73, 0x10,                         //      jae  2f
                             0x43, 0x8B, 0x14, 0x98,             //      mov  edx, [r8 + 4*r11]
                             0x0F, 0xAF, 0xD1,                   //      imul edx, ecx
                             0x43, 0x89, 0x14, 0x99,             //      mov  [r9 + 4*r11], edx
                             0x41, 0xFF, 0xC3,                   //      inc  r11d
                             0xEB, 0xEB,                         //      jmp  1b
                             0xC3};                              // 2:   ret

constexpr uint8_t note[] = {0x48, 0x8B, 0x07,             // mov  rax, [rdi]
                            0x89, 0xD2,                   // mov  edx, edx
                            0x89, 0x0C, 0x90,             // mov  [rax + 4*rdx], ecx
                            0x0F, 0xAE, 0x5C, 0x90, 0x40, // stmxcsr [rax + 4*rdx + 64]
                            0xC3};                        // ret

constexpr uint32_t scaleAt = 0x40, noteAt = 0xC0, factorAt = 0x100, blobBytes = 0x108;
constexpr uint64_t codePitch = 0x180; // between the segments of two targets

std::vector<uint8_t> blob() {
  std::vector<uint8_t> bytes(blobBytes, 0xCC); // int3
  std::memcpy(&bytes[0], fill, sizeof(fill));
  std::memcpy(&bytes[scaleAt], scale, sizeof(scale));
  std::memcpy(&bytes[noteAt], note, sizeof(note));
  std::memcpy(&bytes[factorAt], &cpuFactor, sizeof(cpuFactor));
  return bytes;
}

enum { codeRegion, ramRegion };

void addMemory(PlanDescription &d, size_t nTargets) {
  constexpr uint64_t bytes = 4 * cpuWords;
  d.regions = {{(nTargets - 1) * codePitch + blobBytes, d.intern("code"), 0, 6, RegionKind::Dram,
                Lifetime::Constant, cpuReads | deviceReads},
               {2 * bytes + 128, d.intern("ram"), 0, 6, RegionKind::Dram, Lifetime::Call,
                cpuReads | cpuWrites | deviceReads | deviceWrites}};
  for (const auto &[offset, size] :
       {std::pair(uint64_t(0), bytes), std::pair(bytes, bytes), std::pair(2 * bytes, 128ul)})
    d.operands.push_back(d.operand(ramRegion, offset, size, LLMC_READ | LLMC_WRITE));
}

void addTarget(PlanDescription &d, const std::string &variant) {
  const auto t = uint16_t(d.targets.size());
  d.targets.push_back({LLMC_CPU_BACKEND, "any", variant, LLMC_CPU_KERNEL_ABI, 1, std::nullopt});
  SegmentDescription code;
  code.kind = SegmentKind::Kernel;
  code.name = "kernels-" + variant;
  code.region = codeRegion;
  code.regionOffset = t * codePitch;
  code.alignLog2 = 6;
  code.source = segmentFromBytes(blob());
  const auto segment = uint16_t(d.segments.size());
  d.segments.push_back(code);
  const auto kernel = [&](uint32_t entry, uint8_t args) {
    d.kernels.push_back({entry, 0, 4, uint8_t(d.blobs.size()), args});
  };
  kernel(0, 1);
  kernel(scaleAt + 4, 2);
  kernel(noteAt, 1);
  d.blobs.push_back({0, blobBytes, segment, t});
  d.queues.push_back({t, 0});
}

void addEntry(PlanDescription &d, uint16_t t) {
  EntryDescription entry;
  entry.name = "run-" + d.targets[t].variant;
  entry.firstStep = uint32_t(d.steps.size());
  const auto dispatch = [&](uint16_t kernel, std::vector<uint16_t> args) {
    d.steps.push_back(
        {StepOp::Dispatch, uint8_t(t), uint16_t(t * cpuKernels + kernel), uint32_t(d.args.size())});
    d.args.insert(d.args.end(), args.begin(), args.end());
  };
  dispatch(cpuFill, {cpuFilled});
  dispatch(cpuScale, {cpuFilled, cpuScaled});
  dispatch(cpuNote, {cpuWho});
  d.steps.push_back({StepOp::Barrier, 0, 0, 0});
  d.steps.push_back({StepOp::End, 0, 0, 0});
  entry.nSteps = uint32_t(d.steps.size()) - entry.firstStep;
  entry.targetMask = uint8_t(1u << t);
  d.entries.push_back(entry);
}

} // namespace

PlanDescription cpuPlan(const std::vector<std::string> &variants) {
  PlanDescription d;
  d.params = {{0, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::KvLen, none8, none8, 0},
              {1u << 20, 7, ParamKind::Input, none8, none8, 0}};
  addMemory(d, variants.size());
  for (const std::string &variant : variants)
    addTarget(d, variant);
  for (uint16_t t = 0; t < variants.size(); ++t)
    addEntry(d, t);
  return d;
}

namespace {

constexpr uint32_t kvRowBytes = 128; // as `note` writes

/// Ids, and the KV cache with the operand of one position's row.
uint16_t addModelMemory(PlanDescription &d) {
  Region &ram = d.regions[ramRegion];
  const auto ids = uint16_t(d.operands.size());
  constexpr uint8_t both = LLMC_READ | LLMC_WRITE;
  d.operands.push_back(d.operand(ramRegion, ram.size, sizeof(int32_t), both));
  ram.size += sizeof(int32_t);

  const uint64_t bytes = cpuContext * kvRowBytes;
  const auto kvRegion = uint16_t(d.regions.size());
  const Stride row = {LLMC_P_POS, kvRowBytes};
  d.operands.push_back(d.operand(kvRegion, 0, kvRowBytes, both, {&row, 1}));
  d.regions.push_back(
      {bytes, d.intern("kv"), 0, 6, RegionKind::Dram, Lifetime::Session, ram.access});
  State state = {};
  state.maxTokens = cpuContext;
  state.tokenStride = state.headStride = kvRowBytes;
  state.layerStride = uint32_t(bytes);
  state.region = kvRegion;
  state.layers = state.heads = 1;
  state.headDim = kvRowBytes / 4;
  state.scaleState = none16;
  state.role = StateRole::Key;
  state.dtype = DType::I32;
  d.states = {state};
  return ids;
}

void addDecode(PlanDescription &d, uint16_t t, uint16_t ids) {
  EntryDescription entry;
  entry.name = "decode-" + d.targets[t].variant;
  entry.kind = EntryKind::Decode;
  entry.chunk = 1;
  entry.posMax = cpuContext - 1;
  entry.firstStep = uint32_t(d.steps.size());
  const auto dispatch = [&](uint16_t kernel, std::vector<uint16_t> args) {
    d.steps.push_back(
        {StepOp::Dispatch, uint8_t(t), uint16_t(t * cpuKernels + kernel), uint32_t(d.args.size())});
    d.args.insert(d.args.end(), args.begin(), args.end());
  };
  const uint32_t begin = entry.firstStep;
  d.steps.push_back({StepOp::LoopBegin, uint8_t(cpuSeedParam + 1), 3, begin + 3});
  dispatch(cpuFill, {cpuFilled});
  dispatch(cpuScale, {cpuFilled, cpuScaled});
  d.steps.push_back({StepOp::LoopEnd, 0, 0, begin});
  dispatch(cpuNote, {uint16_t(ids + 1)});
  for (const StepOp op : {StepOp::Barrier, StepOp::KvCommit, StepOp::End})
    d.steps.push_back({op, 0, 0, 0});
  entry.nSteps = uint32_t(d.steps.size()) - entry.firstStep;
  entry.targetMask = uint8_t(1u << t);
  entry.vocab = cpuVocabulary;
  entry.nStates = 1;
  TensorDescription input, logits;
  input.name = "ids";
  input.role = TensorRole::Ids;
  input.dtype = DType::I32;
  input.dims = {1};
  input.operand = ids;
  logits.name = "logits";
  logits.role = TensorRole::Logits;
  logits.dtype = DType::F32;
  logits.dims = {1, cpuVocabulary};
  logits.operand = cpuFilled;
  entry.inputs = {input};
  entry.outputs = {logits};
  d.entries.push_back(entry);
}

} // namespace

PlanDescription cpuModel(const std::vector<std::string> &variants) {
  PlanDescription d;
  d.params = {{cpuContext - 1, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::Input, none8, none8, 0},
              {cpuContext, 0, ParamKind::KvLen, none8, none8, 0},
              {1u << 20, 7, ParamKind::Input, none8, none8, 0},
              {2, 0, ParamKind::Loop, none8, none8, 0}};
  addMemory(d, variants.size());
  const uint16_t ids = addModelMemory(d);
  for (const std::string &variant : variants)
    addTarget(d, variant);
  for (uint16_t t = 0; t < variants.size(); ++t)
    addDecode(d, t, ids);
  const std::string facts = R"({"metadata": {"compulsory_weight_bytes": "1000",
    "kv_bytes_per_position": "128", "compulsory_io_bytes": "4100"}})";
  static_assert(kvRowBytes == 128);
  SegmentDescription debug;
  debug.kind = SegmentKind::Debug;
  debug.name = "debug";
  debug.source = segmentFromBytes({facts.begin(), facts.end()});
  d.segments.push_back(debug);
  return d;
}

CpuProbe completeCpu() {
  CpuProbe probe;
  probe.x86 = true;
  probe.cpuid = [](uint32_t, uint32_t) { return CpuidWords{~0u, ~0u, ~0u, ~0u}; };
  probe.savedStates = [] { return ~uint64_t(0); };
  probe.permitTiles = [] { return true; };
  return probe;
}

CpuProbe plainAvx2Cpu() {
  CpuProbe probe = completeCpu();
  probe.cpuid = [](uint32_t leaf, uint32_t) {
    return leaf == 7 ? CpuidWords{~0u, ~0u, ~(1u << 11), 0} : CpuidWords{~0u, ~0u, ~0u, ~0u};
  };
  return probe;
}

} // namespace llmc::test
