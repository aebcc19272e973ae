#include "compiler/Emit/EmitPlan.h"

#include "compiler/Emit/EmitDebug.h"
#include "compiler/Emit/EmitProgram.h"
#include "compiler/Emit/EmitWeights.h"
#include "compiler/Emit/ParameterTable.h"
#include "dialects/Npu/NpuAccess.h"

#include <algorithm>
#include <fmt/format.h>

using namespace mlir;

namespace llmc {

using namespace rt;

namespace {

enum RegionIndex : uint8_t { CodeRegion, WeightsRegion, StateRegion, IoRegion, SramRegion };
enum BufferIndex : uint16_t {
  CodeBuffer,
  WeightsBuffer,
  KeyBuffer,
  ValueBuffer,
  IdsBuffer,
  IoBuffer,
  SramBuffer
};

uint64_t alignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

/// Sizes that all entries share.
struct Shapes {
  uint32_t layers = 0, kvHeads = 0, headDim = 0, capacity = 0;
  uint32_t hidden = 0, vocabulary = 0;
  uint32_t maxRows = 1, headRows = 1;
  uint64_t sramBytes = 0;
  uint64_t stateBytes() const { return 2 * uint64_t(layers) * keyBytes(); }
  uint64_t keyBytes() const { return uint64_t(kvHeads) * capacity * headDim * 2; } // of one layer
  uint64_t hiddenBytes() const { return uint64_t(maxRows) * hidden * 4; }
  uint64_t logitsOffset() const { return alignUp(hiddenBytes(), 64); }
  uint64_t logitsBytes() const { return uint64_t(headRows) * vocabulary * 4; }
};

class PlanEmitter {
public:
  PlanEmitter(ModuleOp module, const target::Target &target, const target::Machine &machine,
              const PlanInputs &inputs, std::string &error)
      : module(module), target(target), machine(machine), inputs(inputs), error(error) {}

  std::optional<EmittedPlan> run() {
    if (!measure() || !emitKernels() || !describeSegments())
      return std::nullopt;
    describeRegions();
    describeStates();
    for (auto [index, program] : llvm::enumerate(module.getOps<npu::ProgramOp>()))
      describeEntry(program, uint16_t(index));
    describeModel();
    return std::move(result);
  }

private:
  PlanDescription &plan() { return result.description; }

  bool measure() {
    // Programs address Io by the rows it was laid out for, whichever entries are left.
    auto chunkRows = module->getAttrOfType<IntegerAttr>("npu.chunk_rows");
    if (!chunkRows) {
      error = "the module lacks npu.chunk_rows; run llmc-tile";
      return false;
    }
    shapes.maxRows = uint32_t(chunkRows.getInt());
    for (auto state : module.getOps<lm::KvStateOp>()) {
      shapes.layers = uint32_t(state.getLayers());
      shapes.kvHeads = uint32_t(state.getKvHeads());
      shapes.headDim = uint32_t(state.getHeadDim());
      shapes.capacity = uint32_t(state.getCapacity());
    }
    shapes.hidden = inputs.model.hiddenSize;
    shapes.vocabulary = inputs.model.vocabSize;
    for (auto program : module.getOps<npu::ProgramOp>()) {
      if (program.getKind() == "head")
        shapes.headRows = std::max(shapes.headRows, uint32_t(program.getRows()));
      shapes.sramBytes = std::max<uint64_t>(shapes.sramBytes, program.getSramBytes().value_or(0));
    }
    return true;
  }

  /// Blobs of all entries, one after the other in the code segment.
  bool emitKernels() {
    ParameterTable parameters(inputs.model.contextLength, shapes.maxRows, shapes.maxRows - 1);
    std::vector<std::vector<int16_t>> indices;
    for (auto program : module.getOps<npu::ProgramOp>()) {
      indices.emplace_back();
      if (!parameters.add(program, indices.back())) {
        error = fmt::format("entry '{}' needs more than {} run-time parameters; use a shorter "
                            "context or larger stream buffers",
                            program.getSymName().str(), maxParams);
        return false;
      }
    }
    plan().params = parameters.params();
    for (auto [index, program] : llvm::enumerate(module.getOps<npu::ProgramOp>())) {
      bool isHead = program.getKind() == "head";
      std::vector<uint32_t> maxima =
          parameters.maximaFor(isHead ? shapes.maxRows : uint32_t(program.getRows()));
      if (isHead)
        maxima[3] = uint32_t(shapes.maxRows - std::min<int64_t>(shapes.maxRows, program.getRows()));
      if (!emitKernel(program, emitProgram(program, indices[index], maxima)))
        return false;
    }
    return true;
  }

  bool emitKernel(npu::ProgramOp op, const target::Program &program) {
    std::optional<std::vector<uint8_t>> blob = target.emit(machine, program, error);
    if (!blob) {
      error = fmt::format("entry '{}': target '{}' does not encode it: {}", program.entry,
                          target.name(), error);
      return false;
    }
    EntryEstimate estimate;
    estimate.name = program.entry;
    estimate.kind = op.getKind().str();
    estimate.rows = uint32_t(op.getRows());
    estimate.sramBytes = op.getSramBytes().value_or(0);
    estimate.liveBytes = op.getLiveBytes().value_or(0);
    estimate.blobBytes = blob->size();
    addCycles(program, estimate);
    result.entries.push_back(estimate);
    code.resize(alignUp(code.size(), 64));
    Kernel kernel{};
    kernel.offset = code.size();
    kernel.size = uint32_t(blob->size());
    kernel.estCycles = uint32_t(std::min<uint64_t>(estimatedCycles(estimate), UINT32_MAX));
    kernel.name = plan().intern(program.entry);
    kernel.segment = 0;
    kernel.nArgs = target::kSpaces - 1;
    plan().kernels.push_back(kernel);
    code.insert(code.end(), blob->begin(), blob->end());
    return true;
  }

  static uint64_t estimatedCycles(const EntryEstimate &estimate) {
    return *std::max_element(std::begin(estimate.engineCycles), std::end(estimate.engineCycles));
  }

  void addCycles(const target::Program &program, EntryEstimate &estimate) {
    auto add = [&](const target::Section &section, uint64_t times) {
      for (const target::Command &command : section.commands) {
        estimate.engineCycles[unsigned(command.engine)] += times * cyclesOf(command);
        estimate.commands += times;
      }
    };
    add(program.prologue, 1);
    add(program.body, program.trips);
    add(program.epilogue, 1);
  }

  uint64_t cyclesOf(const target::Command &command) const {
    if (auto *matmul = std::get_if<target::MatmulCommand>(&command.work))
      return target.cycles(machine, matmul->matmul);
    if (auto *chain = std::get_if<target::ChainCommand>(&command.work))
      return target.cycles(machine, chain->chain);
    const auto &dma = std::get<target::Dma>(command.work);
    bool isLoad = command.engine == target::Engine::Load;
    uint64_t runs = uint64_t(dma.counts[0].value) * dma.counts[1].value;
    return target.dmaCycles(machine, isLoad ? dma.source.space : dma.destination.space,
                            runs * dma.run.value, runs, isLoad);
  }

  bool describeSegments() {
    std::shared_ptr<SegmentSource> weights = weightsSegment(module, target, error);
    if (!weights)
      return false;
    weightsBytes = weights->size();
    codeBytes = code.size();
    plan().segments.push_back(
        {SegmentKind::Kernel, "kernels", CodeRegion, 0, 12, 0, segmentFromBytes(std::move(code))});
    plan().segments.push_back(
        {SegmentKind::Weights, "weights", WeightsRegion, 0, 12, 0, std::move(weights)});
    if (!inputs.tokenizer.empty()) {
      plan().tokenizer =
          TokenizerDescription{"bpe", uint16_t(plan().segments.size()), inputs.addBos, ""};
      plan().segments.push_back({SegmentKind::Tokenizer, "tokenizer", none16, 0, 6, 0,
                                 segmentFromBytes(inputs.tokenizer)});
    }
    std::string debug = describeMemory(module, uint64_t(machine.sram().bytes));
    plan().debugSegment = uint16_t(plan().segments.size());
    plan().segments.push_back({SegmentKind::Debug, "debug", none16, 0, 6, 0,
                               segmentFromBytes({debug.begin(), debug.end()})});
    return true;
  }

  RegionKind kindOf(const std::string &memory) const {
    switch (machine.memory(memory)->kind) {
    case target::MemoryKind::FlashXip:
      return RegionKind::FlashXip;
    case target::MemoryKind::FlashPaged:
      return RegionKind::FlashPaged;
    case target::MemoryKind::Sram:
      return RegionKind::NpuLocal;
    case target::MemoryKind::Dram:
      break;
    }
    return RegionKind::Dram;
  }

  void describeRegions() {
    constexpr uint8_t reads = cpuReads | deviceReads, all = reads | cpuWrites | deviceWrites;
    const target::Placement &placement = machine.placement;
    uint64_t idsBytes = alignUp(uint64_t(shapes.maxRows) * 4, 64);
    uint64_t ioBytes = shapes.logitsOffset() + shapes.logitsBytes();
    auto region = [&](uint64_t size, const char *name, RegionKind kind, Lifetime lifetime,
                      uint8_t access, uint8_t align) {
      plan().regions.push_back({size, plan().intern(name), align, kind, lifetime, access});
    };
    region(codeBytes, "code", kindOf(placement.weights), Lifetime::Constant, reads, 12);
    region(weightsBytes, "weights", kindOf(placement.weights), Lifetime::Constant, reads, 12);
    region(shapes.stateBytes(), "state", kindOf(placement.state), Lifetime::Session, all, 6);
    region(idsBytes + ioBytes, "io", kindOf(placement.io), Lifetime::Call, all, 6);
    region(shapes.sramBytes, "sram", RegionKind::NpuLocal, Lifetime::Scratch,
           deviceReads | deviceWrites, 6);
    auto buffer = [&](uint64_t offset, uint64_t size, const char *name, uint16_t region,
                      uint16_t segment) {
      plan().buffers.push_back({offset, size, plan().intern(name), region, segment});
    };
    buffer(0, codeBytes, "kernels", CodeRegion, 0);
    buffer(0, weightsBytes, "weights", WeightsRegion, 1);
    buffer(0, shapes.stateBytes(), "keys", StateRegion, none16);
    buffer(shapes.keyBytes(), shapes.stateBytes() - shapes.keyBytes(), "values", StateRegion,
           none16);
    buffer(0, idsBytes, "ids", IoRegion, none16);
    buffer(idsBytes, ioBytes, "hidden and logits", IoRegion, none16);
    buffer(0, shapes.sramBytes, "planned buffers", SramRegion, none16);
    weightsOperand = operand(WeightsBuffer, 0, weightsBytes, 1);
    stateOperand = operand(KeyBuffer, 0, shapes.stateBytes(), 3);
    ioOperand = operand(IoBuffer, 0, ioBytes, 3);
  }

  uint16_t operand(uint16_t bufferIndex, uint64_t offset, uint64_t extent, uint8_t access) {
    const Buffer &buffer = plan().buffers[bufferIndex];
    Operand record{};
    record.offset = buffer.offset + offset;
    record.extent = extent;
    record.buffer = bufferIndex;
    record.region = uint8_t(buffer.region);
    record.access = access;
    std::fill(std::begin(record.param), std::end(record.param), none8);
    record.flags = operandStatic;
    for (size_t i = 0; i < plan().operands.size(); ++i)
      if (plan().operands[i].buffer == bufferIndex && plan().operands[i].offset == record.offset &&
          plan().operands[i].extent == extent)
        return uint16_t(i);
    plan().operands.push_back(record);
    return uint16_t(plan().operands.size() - 1);
  }

  void describeStates() {
    for (StateRole role : {StateRole::Key, StateRole::Value}) {
      State state{};
      state.maxTokens = shapes.capacity;
      state.tokenStride = shapes.headDim * 2;
      state.headStride = shapes.capacity * shapes.headDim * 2;
      state.layerStride = uint32_t(2 * shapes.keyBytes());
      state.layoutHash = shapes.capacity * 2654435761u ^ (shapes.kvHeads << 16 ^ shapes.headDim);
      state.buffer = role == StateRole::Key ? KeyBuffer : ValueBuffer;
      state.layers = uint16_t(shapes.layers);
      state.heads = uint16_t(shapes.kvHeads);
      state.headDim = uint16_t(shapes.headDim);
      state.scaleState = none16;
      state.kind = StateKind::KvFlat;
      state.role = role;
      state.dtype = DType::F16;
      plan().states.push_back(state);
    }
    plan().queues.push_back({0, 0});
    plan().targets.push_back({target.name(), machine.name, "", 0, 0, machine.digest});
  }

  void describeEntry(npu::ProgramOp program, uint16_t kernel) {
    bool isHead = program.getKind() == "head";
    EntryDescription entry;
    entry.name = program.getSymName().str();
    entry.chunk = uint32_t(program.getRows());
    entry.kind = isHead                          ? EntryKind::Head
                 : program.getKind() == "decode" ? EntryKind::Decode
                                                 : EntryKind::Prefill;
    entry.firstStep = uint32_t(plan().steps.size());
    entry.targetMask = 1;
    entry.vocab = shapes.vocabulary;
    entry.estCycles = estimatedCycles(result.entries[kernel]);
    for (const Region &region : plan().regions)
      entry.peakBytes.push_back(region.size);
    entry.peakBytes[SramRegion] = program.getSramBytes().value_or(0);
    uint16_t ids = operand(IdsBuffer, 0, uint64_t(isHead ? 1 : entry.chunk) * 4, 1);
    uint32_t firstArg = uint32_t(plan().args.size());
    // In the order of target::Space. Nothing is spilled, so scratch names memory that no command
    // touches.
    plan().args.insert(plan().args.end(),
                       {weightsOperand, stateOperand, ids, ioOperand, ioOperand});
    plan().steps.push_back(
        {StepOp::Dispatch, 0, 0, kernel, firstArg, uint32_t(target::kSpaces - 1)});
    plan().steps.push_back({StepOp::Barrier, 0, 0, 0, 0, 0});
    if (!isHead)
      plan().steps.push_back({StepOp::KvCommit, 0, 0, 0, 0, 0});
    plan().steps.push_back({StepOp::End, 0, 0, 0, 0, 0});
    entry.nSteps = uint32_t(plan().steps.size()) - entry.firstStep;
    if (isHead)
      describeHead(entry);
    else
      describeChunk(entry, ids);
    plan().entries.push_back(std::move(entry));
  }

  void describeHead(EntryDescription &entry) {
    entry.rowParam = 3;
    entry.rowMax = shapes.maxRows - std::min(shapes.maxRows, entry.chunk);
    uint16_t logits =
        operand(IoBuffer, shapes.logitsOffset(), uint64_t(entry.chunk) * shapes.vocabulary * 4, 3);
    entry.outputs.push_back(
        {"logits", TensorRole::Logits, DType::F32, {entry.chunk, shapes.vocabulary}, logits, 0, 0});
  }

  void describeChunk(EntryDescription &entry, uint16_t ids) {
    entry.posMax = inputs.model.contextLength - 1;
    entry.states = {0, 1};
    entry.inputs.push_back({"ids", TensorRole::Ids, DType::I32, {entry.chunk}, ids, 0, 0});
    uint16_t hidden = operand(IoBuffer, 0, uint64_t(entry.chunk) * shapes.hidden * 4, 3);
    entry.outputs.push_back(
        {"hidden", TensorRole::Hidden, DType::F32, {entry.chunk, shapes.hidden}, hidden, 0, 0});
  }

  void describeModel() {
    plan().model = inputs.model;
    plan().metadata = inputs.metadata;
  }

  ModuleOp module;
  const target::Target &target;
  const target::Machine &machine;
  const PlanInputs &inputs;
  std::string &error;
  Shapes shapes;
  EmittedPlan result;
  std::vector<uint8_t> code;
  uint64_t codeBytes = 0, weightsBytes = 0;
  uint16_t weightsOperand = 0, stateOperand = 0, ioOperand = 0;
};

} // namespace

std::optional<EmittedPlan> emitPlan(ModuleOp module, const target::Target &target,
                                    const target::Machine &machine, const PlanInputs &inputs,
                                    std::string &error) {
  return PlanEmitter(module, target, machine, inputs, error).run();
}

} // namespace llmc
