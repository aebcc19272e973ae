#include "tools/conformance/CasePlan.h"

#include "runtime/base/device.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::conformance {

using namespace target;

namespace {

constexpr uint64_t alignment = 64;
constexpr uint8_t pageLog2 = 12;

uint64_t aligned(uint64_t bytes, uint64_t to = alignment) { return (bytes + to - 1) / to * to; }

rt::RegionKind kindOf(const Machine &machine, const std::string &memory) {
  switch (machine.memory(memory)->kind) {
  case MemoryKind::Sram:
    return rt::RegionKind::Sram;
  case MemoryKind::FlashXip:
    return rt::RegionKind::FlashXip;
  default: // pages are read by steps that no single kernel needs
    return rt::RegionKind::Dram;
  }
}

class Planner {
public:
  Planner(const Target &target, const Machine &machine, const Variant &variant,
          const std::vector<PackedCase> &cases, const HostServices &host, Broken &broken)
      : target(target), machine(machine), variant(variant), cases(cases), host(host),
        broken(broken) {}

  std::optional<CasePlan> run() {
    addRegions();
    addParams();
    for (const PackedCase &data : cases)
      place(data);
    const bool stream = machine.dispatch == DispatchKind::Stream;
    if (!(stream ? emitPrograms() : emitKernels()))
      return std::nullopt;
    d.targets.push_back({target.name(), machine.name, variant.name, variant.abi, variant.driverMin,
                         machine.digest});
    d.queues.push_back({0, 0});
    finishRegions();
    for (size_t i = 0; i < cases.size(); ++i)
      addEntry(i, stream);
    return std::move(plan);
  }

private:
  void addRegions() {
    constexpr uint8_t reads = rt::cpuReads | rt::deviceReads;
    constexpr uint8_t all = reads | rt::cpuWrites | rt::deviceWrites | rt::cpuCached;
    const Placement &memories = machine.placement;
    const auto add = [&](const char *name, const std::string &memory, rt::Lifetime lifetime,
                         uint8_t access) {
      d.regions.push_back(
          {0, d.intern(name), 0, pageLog2, kindOf(machine, memory), lifetime, access});
    };
    add("code", memories.weights, rt::Lifetime::Constant, reads);
    add("weights", memories.weights, rt::Lifetime::Constant, reads);
    add("state", memories.state, rt::Lifetime::Session, all);
    add("operands", memories.io, rt::Lifetime::Call, all);
    add("scratch", memories.scratch, rt::Lifetime::Scratch, rt::deviceReads | rt::deviceWrites);
    weights.resize(alignment); // no region is empty
    sizes[operandRegion] = sizes[scratchRegion] = alignment;
  }

  void addParams() {
    CaseCall most{0, 1};
    for (const PackedCase &data : cases) {
      most.position = std::max(most.position, data.data->most.position);
      most.tokens = std::max(most.tokens, data.data->most.tokens);
    }
    context = most.position + most.tokens;
    d.params = {{most.position, 0, rt::ParamKind::Input, rt::none8, rt::none8, 0},
                {most.tokens, 0, rt::ParamKind::Input, rt::none8, rt::none8, 0},
                {context, 0, rt::ParamKind::KvLen, rt::none8, rt::none8, 0}};
  }

  void place(const PackedCase &data) {
    PlacedCase placed;
    for (size_t i = 0; i < data.data->operands.size(); ++i) {
      if (int(i) == data.data->weightsOperand()) {
        placed.offsets.push_back(weights.size());
        weights.insert(weights.end(), data.weights.begin(), data.weights.end());
        weights.resize(aligned(weights.size()));
        continue;
      }
      placed.offsets.push_back(sizes[operandRegion]);
      sizes[operandRegion] += aligned(data.data->memory[i].size() + 1); // and a byte to guard
    }
    sizes[scratchRegion] = std::max(sizes[scratchRegion], aligned(data.rowsBytes));
    plan.placed.push_back(std::move(placed));
  }

  bool fail(const std::string &function, const std::string &reason) {
    broken = {function, reason};
    return false;
  }

  /// One blob behind the other.
  bool emitPrograms() {
    std::vector<uint8_t> code;
    for (size_t i = 0; i < cases.size(); ++i) {
      std::string error;
      const Program program = programOf(cases[i], plan.placed[i]);
      plan.placed[i].end = program.sramBytes;
      const auto blob = target.emit(machine, program, error);
      if (!blob)
        return fail("emit", "supported, but refused: " + error);
      if (blob->empty())
        return fail("emit", "gave no code");
      addKernel(0, variant.stackBytes, kSpaces - 1);
      d.blobs.push_back({uint32_t(code.size()), uint32_t(blob->size()), 0, 0});
      code.insert(code.end(), blob->begin(), blob->end());
      code.resize(aligned(code.size()));
    }
    setCode(std::move(code));
    return true;
  }

  bool emitKernels() {
    std::vector<KernelRequest> requests;
    for (size_t i = 0; i < cases.size(); ++i)
      for (KernelRequest &request : requestsOf(cases[i], fmt::format("case{}", i)))
        requests.push_back(std::move(request));
    std::string error;
    const auto blob = target.emitKernels(machine, variant, requests, host, error);
    if (!blob)
      return fail("emit_kernels", "supported, but refused: " + error);
    if (blob->entries.size() != requests.size())
      return fail("emit_kernels", fmt::format("gave {} entries for {} kernels",
                                              blob->entries.size(), requests.size()));
    for (size_t i = 0; i < requests.size(); ++i) {
      const BlobEntry &entry = blob->entries[i];
      if (entry.offset >= blob->bytes.size())
        return fail("emit_kernels", fmt::format("kernel {} begins at byte {} of {}", i,
                                                entry.offset, blob->bytes.size()));
      addKernel(entry.offset, entry.stackBytes ? entry.stackBytes : variant.stackBytes,
                requests[i].operands.size());
    }
    d.blobs.push_back({0, uint32_t(blob->bytes.size()), 0, 0});
    setCode(blob->bytes);
    return true;
  }

  /// In the blob that comes next.
  void addKernel(uint32_t entry, uint32_t stackBytes, size_t arguments) {
    rt::Kernel record{};
    record.entry = entry;
    record.stack = uint16_t((stackBytes + rt::stackUnit - 1) / rt::stackUnit);
    record.blob = uint8_t(d.blobs.size());
    record.nArgs = uint8_t(arguments);
    d.kernels.push_back(record);
  }

  void setCode(std::vector<uint8_t> code) {
    addSegment(rt::SegmentKind::Kernel, "kernels", codeRegion, std::move(code));
    addSegment(rt::SegmentKind::Weights, "weights", weightsRegion, std::move(weights));
  }

  void addSegment(rt::SegmentKind kind, const char *name, uint16_t region,
                  std::vector<uint8_t> bytes) {
    sizes[region] = bytes.size();
    SegmentDescription segment;
    segment.kind = kind;
    segment.name = name;
    segment.region = region;
    segment.alignLog2 = pageLog2;
    segment.source = segmentFromBytes(std::move(bytes));
    d.segments.push_back(std::move(segment));
  }

  /// Sizes of the regions; a state that counts positions.
  void finishRegions() {
    sizes[stateRegion] = aligned(uint64_t(context) * 2);
    for (uint16_t region = 0; region <= scratchRegion; ++region)
      d.regions[region].size = sizes[region];
    rt::State state{};
    state.maxTokens = context;
    state.tokenStride = state.headStride = 2;
    state.layerStride = uint32_t(sizes[stateRegion]);
    state.region = stateRegion;
    state.layers = state.heads = state.headDim = 1;
    state.scaleState = rt::none16;
    state.role = rt::StateRole::Key;
    state.dtype = rt::DType::F16;
    d.states = {state};
  }

  uint16_t operand(uint16_t region, uint64_t offset, uint64_t extent, uint8_t access) {
    d.operands.push_back(d.operand(region, offset, extent, access));
    return uint16_t(d.operands.size() - 1);
  }

  void dispatch(const std::vector<uint16_t> &arguments) {
    d.steps.push_back({rt::StepOp::Dispatch, 0, nextKernel++, uint32_t(d.args.size())});
    d.args.insert(d.args.end(), arguments.begin(), arguments.end());
  }

  void addEntry(size_t index, bool stream) {
    const Case &data = *cases[index].data;
    EntryDescription entry;
    entry.name = fmt::format("case{}", index);
    entry.chunk = data.most.tokens;
    entry.posMax = data.most.position;
    entry.nStates = 1;
    entry.targetMask = 1;
    entry.firstStep = uint32_t(d.steps.size());
    stream ? dispatchProgram() : dispatchKernels(index);
    d.steps.push_back({rt::StepOp::Barrier, 0, 0, 0});
    d.steps.push_back({rt::StepOp::End, 0, 0, 0});
    entry.nSteps = uint32_t(d.steps.size()) - entry.firstStep;
    d.entries.push_back(std::move(entry));
  }

  /// Operands are the spaces, in their order.
  void dispatchProgram() {
    constexpr uint8_t both = LLMC_READ | LLMC_WRITE;
    static constexpr struct {
      uint16_t region;
      uint8_t access;
    } spaces[] = {{weightsRegion, LLMC_READ},
                  {stateRegion, both},
                  {operandRegion, LLMC_READ},
                  {operandRegion, both},
                  {scratchRegion, both}};
    std::vector<uint16_t> arguments;
    for (const auto &space : spaces)
      arguments.push_back(operand(space.region, 0, sizes[space.region], space.access));
    dispatch(arguments);
  }

  void dispatchKernels(size_t index) {
    const PackedCase &packed = cases[index];
    const Case &data = *packed.data;
    std::vector<uint16_t> arguments;
    for (size_t i = 0; i < data.operands.size(); ++i)
      arguments.push_back(argumentOf(packed, plan.placed[index], i));
    if (packed.rowsBytes) {
      const uint64_t bytes = packed.rowsBytes;
      const uint16_t rows = operand(scratchRegion, 0, bytes, LLMC_READ | LLMC_WRITE);
      dispatch({arguments[matmul::A], rows});
      arguments[matmul::A] = rows;
    }
    dispatch(arguments);
  }

  uint16_t argumentOf(const PackedCase &packed, const PlacedCase &placed, size_t index) {
    const Case &data = *packed.data;
    const bool isWeights = int(index) == data.weightsOperand();
    const uint64_t bytes = std::max<uint64_t>(1, data.bytesOf(index, packed.weights.size()));
    const uint8_t access = data.writes(index) ? LLMC_READ | LLMC_WRITE : LLMC_READ;
    return operand(isWeights ? weightsRegion : operandRegion, placed.offsets[index], bytes, access);
  }

  const Target &target;
  const Machine &machine;
  const Variant &variant;
  const std::vector<PackedCase> &cases;
  const HostServices &host;
  Broken &broken;
  CasePlan plan;
  PlanDescription &d = plan.description;
  std::vector<uint8_t> weights;
  uint64_t sizes[scratchRegion + 1] = {};
  uint32_t context = 1;
  uint16_t nextKernel = 0;
};

} // namespace

std::optional<CasePlan> planOf(const Target &target, const Machine &machine, const Variant &variant,
                               const std::vector<PackedCase> &cases, const HostServices &host,
                               Broken &broken) {
  return Planner(target, machine, variant, cases, host, broken).run();
}

} // namespace llmc::conformance
