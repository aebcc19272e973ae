#include "compiler/Emit/EmitFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cstring>

using namespace mlir;

namespace llmc {

namespace {

// The dialect's numbers are those of the file.
static_assert(int(plan::RegionKind::HostShared) == int(rt::RegionKind::HostShared) &&
              int(plan::Lifetime::Scratch) == int(rt::Lifetime::Scratch) &&
              int(plan::SegmentKind::Debug) == int(rt::SegmentKind::Debug) &&
              int(plan::SegmentKind::Other) == int(rt::SegmentKind::Other) &&
              int(plan::StateKind::KvFlat) == int(rt::StateKind::KvFlat) &&
              int(plan::StateRole::ValueScale) == int(rt::StateRole::ValueScale));
static_assert(int(plan::EntryKind::Embed) == int(rt::EntryKind::Embed) &&
              int(plan::TensorRole::Logits) == int(rt::TensorRole::Logits) &&
              int(plan::DType::U4) == int(rt::DType::U4) &&
              int(plan::ParamKind::Min) == int(rt::ParamKind::Min) &&
              int(plan::RegionAccess::CpuCached) == int(rt::cpuCached));
static_assert(plan::maxTargets == rt::maxTargets && plan::maxRegions == rt::maxRegions &&
              plan::maxQueues == rt::maxQueues && plan::maxParams == rt::maxParams &&
              plan::maxArgs == rt::maxArgs && plan::maxLoopDepth == rt::maxLoopDepth &&
              plan::maxEntries == rt::maxEntries);

uint8_t log2(uint64_t powerOfTwo) { return uint8_t(llvm::Log2_64(powerOfTwo)); }

std::string nameOf(auto record) { return record.getName().value_or(record.getSymName()).str(); }

std::string textOf(std::optional<StringRef> text) { return text.value_or("").str(); }

std::optional<Sha256> digestOf(std::optional<StringRef> hex) {
  if (!hex)
    return std::nullopt;
  std::string bytes = llvm::fromHex(*hex);
  Sha256 digest;
  std::copy_n(bytes.begin(), digest.size(), digest.begin());
  return digest;
}

class FileEmitter {
public:
  FileEmitter(plan::FileOp file, const SegmentSources &sources) : file(file), sources(sources) {}

  PlanDescription run() {
    number<plan::TargetOp, plan::RegionOp, plan::SegmentOp, plan::OperandOp, plan::ParamOp,
           plan::KernelOp, plan::QueueOp, plan::DmaOp, plan::StateOp>();
    for (auto buffer : file.records<plan::BufferOp>())
      buffers[buffer.getSymNameAttr()] = buffer;
    result.producer = file.getProducer().str();
    each<plan::TargetOp, plan::RegionOp, plan::SegmentOp, plan::ParamOp, plan::OperandOp,
         plan::KernelOp, plan::QueueOp, plan::DmaOp, plan::StateOp, plan::EntryOp, plan::ModelOp>();
    return std::move(result);
  }

private:
  template <class Op> void numberOne() {
    uint32_t index = 0;
    for (Op op : file.records<Op>())
      indices[op.getSymNameAttr()] = index++;
  }
  template <class... Ops> void number() { (numberOne<Ops>(), ...); }

  template <class Op> void eachOne() {
    for (Op op : file.records<Op>())
      emit(op);
  }
  template <class... Ops> void each() { (eachOne<Ops>(), ...); }

  uint32_t index(FlatSymbolRefAttr reference) const { return indices.lookup(reference.getAttr()); }
  uint16_t narrow(FlatSymbolRefAttr reference) const {
    return reference ? uint16_t(index(reference)) : rt::none16;
  }
  uint8_t byte(FlatSymbolRefAttr reference) const {
    return reference ? uint8_t(index(reference)) : rt::none8;
  }

  void emit(plan::TargetOp op) {
    result.targets.push_back({op.getBackend().str(), op.getDevice().str(), textOf(op.getVariant()),
                              uint32_t(op.getAbi()), uint32_t(op.getDriverMin()),
                              digestOf(op.getConfig())});
  }

  void emit(plan::RegionOp op) {
    result.regions.push_back({*op.getSize(), result.intern(nameOf(op)), 0, log2(op.getAlign()),
                              rt::RegionKind(op.getKind()), rt::Lifetime(op.getLifetime()),
                              uint8_t(op.getAccess())});
  }

  void emit(plan::SegmentOp op) {
    result.segments.push_back(
        {rt::SegmentKind(op.getKind()), nameOf(op), narrow(op.getRegionAttr()),
         op.getOffset().value_or(0), log2(op.getAlign()),
         op.getChunk() ? log2(*op.getChunk()) : uint8_t(0), sources.lookup(op.getSymNameAttr())});
  }

  void emit(plan::OperandOp op) {
    plan::BufferOp buffer = buffers.lookup(op.getBufferAttr().getAttr());
    std::vector<Stride> strides;
    if (op.getStrides())
      for (auto stride : op.getStrides()->getAsRange<plan::StrideAttr>())
        strides.push_back({byte(stride.getParam()), uint32_t(stride.getBytes())});
    result.operands.push_back(result.operand(narrow(buffer.getRegionAttr()),
                                             buffer.getOffset() + op.getOffset(), op.getExtent(),
                                             uint8_t(op.getAccess()), strides));
  }

  void emit(plan::ParamOp op) {
    result.params.push_back({uint32_t(op.getMax()), uint32_t(op.getImm()),
                             rt::ParamKind(op.getKind()), byte(op.getOfAttr()),
                             byte(op.getPlusAttr()), 0});
  }

  void emit(plan::KernelOp op) {
    plan::BlobAttr blob = op.getBlobAttr();
    rt::Kernel record{};
    record.entry = uint32_t(blob.getEntry());
    record.estCycles = uint32_t(std::min<int64_t>(blob.getEstCycles(), UINT32_MAX));
    // A stack beyond what the field holds is refused by every driver, as is the most that it holds.
    record.stack = uint16_t(
        std::min<int64_t>((blob.getStackBytes() + rt::stackUnit - 1) / rt::stackUnit, UINT16_MAX));
    record.blob =
        uint8_t(indexOf(result.blobs, {uint32_t(blob.getOffset()), uint32_t(blob.getSize()),
                                       narrow(op.getSegmentAttr()), narrow(op.getTargetAttr())}));
    record.nArgs = uint8_t(op.getArgs());
    result.kernels.push_back(record);
  }

  void emit(plan::QueueOp op) {
    result.queues.push_back({narrow(op.getTargetAttr()), uint16_t(op.getIndex())});
  }

  void emit(plan::DmaOp op) {
    result.rows.push_back({uint32_t(op.getRowBytes()), uint32_t(op.getRows()),
                           uint32_t(op.getSourcePitch()), uint32_t(op.getDestinationPitch()),
                           byte(op.getRowsParamAttr()), 0, 0});
  }

  void emit(plan::StateOp op) {
    plan::BufferOp buffer = buffers.lookup(op.getBufferAttr().getAttr());
    rt::State record{};
    record.offset = buffer.getOffset();
    record.maxTokens = uint32_t(op.getTokens());
    record.window = uint32_t(op.getWindow());
    record.tokenStride = uint32_t(op.getTokenStride());
    record.headStride = uint32_t(op.getHeadStride());
    record.layerStride = uint32_t(op.getLayerStride());
    record.layoutHash = uint32_t(op.getLayout());
    record.region = narrow(buffer.getRegionAttr());
    record.layers = uint16_t(op.getLayers());
    record.heads = uint16_t(op.getHeads());
    record.headDim = uint16_t(op.getHeadDim());
    record.scaleState = narrow(op.getScalesAttr());
    record.kind = rt::StateKind(op.getKind());
    record.role = rt::StateRole(op.getRole());
    record.dtype = rt::DType(op.getDtype());
    result.states.push_back(record);
  }

  TensorDescription tensor(plan::TensorAttr tensor) const {
    return {tensor.getName().str(),
            rt::TensorRole(tensor.getRole()),
            rt::DType(tensor.getDtype()),
            {tensor.getDims().begin(), tensor.getDims().end()},
            narrow(tensor.getOperand())};
  }

  void emit(plan::EntryOp op) {
    EntryDescription entry;
    entry.name = nameOf(op);
    entry.kind = rt::EntryKind(op.getKind());
    entry.chunk = uint32_t(op.getChunk());
    entry.posMax = uint32_t(op.getPosMax());
    for (auto input : op.getInputs().getAsRange<plan::TensorAttr>())
      entry.inputs.push_back(tensor(input));
    for (auto output : op.getOutputs().getAsRange<plan::TensorAttr>())
      entry.outputs.push_back(tensor(output));
    // All from the first to the last of them.
    for (auto state : op.getStates().getAsRange<FlatSymbolRefAttr>()) {
      uint16_t at = narrow(state), end = uint16_t(entry.firstState + entry.nStates);
      entry.firstState = entry.nStates ? std::min(entry.firstState, at) : at;
      entry.nStates = uint16_t(std::max<int>(end, at + 1) - entry.firstState);
    }
    for (auto target : op.getTargets().getAsRange<FlatSymbolRefAttr>())
      entry.targetMask |= 1u << index(target);
    entry.rowParam = byte(op.getRowAttr());
    entry.rowMax = uint32_t(op.getRowMax());
    entry.vocab = uint32_t(op.getVocab());
    entry.variant = textOf(op.getVariant());
    entry.firstStep = uint32_t(result.steps.size());
    emitSteps(op.getBody().front());
    entry.nSteps = uint32_t(result.steps.size()) - entry.firstStep;
    result.entries.push_back(std::move(entry));
  }

  void emitSteps(Block &block) {
    for (Operation &op : block)
      TypeSwitch<Operation *>(&op)
          .Case<plan::EndOp, plan::DispatchOp, plan::CopyOp, plan::PrefetchOp, plan::WaitOp,
                plan::BarrierOp, plan::CacheCleanOp, plan::CacheInvalidateOp, plan::LoopOp,
                plan::KvCommitOp, plan::GatherOp, plan::HostCallOp, plan::YieldOp, plan::MarkOp>(
              [&](auto step) { emit(step); });
  }

  void step(rt::StepOp op, uint8_t queue = 0, uint64_t a = 0, uint64_t b = 0) {
    result.steps.push_back({op, queue, uint16_t(a), uint32_t(b)});
  }

  template <class Record>
  static size_t indexOf(std::vector<Record> &records, const Record &wanted) {
    auto same = [&](const Record &other) { return !std::memcmp(&other, &wanted, sizeof(wanted)); };
    size_t at = size_t(std::find_if(records.begin(), records.end(), same) - records.begin());
    if (at == records.size())
      records.push_back(wanted);
    return at;
  }

  /// Index of the first of these operands among the plan's arguments: where they stand already, or
  /// at the end, as much of them shared as the end has.
  uint32_t arguments(ArrayRef<Attribute> operands) {
    std::vector<uint16_t> wanted;
    for (Attribute operand : operands)
      wanted.push_back(narrow(cast<FlatSymbolRefAttr>(operand)));
    return arguments(wanted);
  }
  uint32_t arguments(const std::vector<uint16_t> &wanted) {
    std::vector<uint16_t> &args = result.args;
    auto found = std::search(args.begin(), args.end(), wanted.begin(), wanted.end());
    auto first = uint32_t(found - args.begin());
    size_t shared = std::min(args.size(), wanted.size());
    while (!std::equal(wanted.begin(), wanted.begin() + shared, args.end() - shared))
      --shared;
    if (found == args.end()) {
      first -= uint32_t(shared);
      args.insert(args.end(), wanted.begin() + shared, wanted.end());
    }
    return first;
  }

  void emit(plan::EndOp) { step(rt::StepOp::End); }
  void emit(plan::BarrierOp) { step(rt::StepOp::Barrier); }
  void emit(plan::YieldOp) { step(rt::StepOp::Yield); }
  void emit(plan::MarkOp op) { step(rt::StepOp::Mark, 0, op.getId()); }
  void emit(plan::KvCommitOp op) { step(rt::StepOp::KvCommit, 0, index(op.getStateAttr())); }
  void emit(plan::DispatchOp op) {
    step(rt::StepOp::Dispatch, byte(op.getQueueAttr()), index(op.getKernelAttr()),
         arguments(op.getArgs().getValue()));
  }
  void emit(plan::CopyOp op) {
    step(rt::StepOp::Dma, byte(op.getQueueAttr()), index(op.getShapeAttr()),
         arguments({op.getSourceAttr(), op.getDestinationAttr()}));
  }
  /// As many bytes as the source operand has.
  void emit(plan::PrefetchOp op) {
    rt::Operand source = result.operands[index(op.getSourceAttr())];
    source.extent = uint32_t(op.getBytes());
    auto from = uint16_t(indexOf(result.operands, source));
    step(rt::StepOp::Prefetch, 0, 0,
         arguments(std::vector<uint16_t>{from, narrow(op.getDestinationAttr())}));
  }
  void emit(plan::WaitOp op) {
    static_assert(rt::sourceQueue == rt::none8);
    step(rt::StepOp::Wait, byte(op.getQueueAttr()), op.getOutstanding());
  }
  void emit(plan::CacheCleanOp op) {
    step(rt::StepOp::CacheClean, byte(op.getQueueAttr()), 0, arguments({op.getOperandAttr()}));
  }
  void emit(plan::CacheInvalidateOp op) {
    step(rt::StepOp::CacheInvalidate, byte(op.getQueueAttr()), 0, arguments({op.getOperandAttr()}));
  }
  void emit(plan::GatherOp op) {
    auto bytes = uint32_t(op.getRowBytes());
    rt::Rows rows{bytes, uint32_t(op.getBound()), bytes, bytes, rt::none8, 0, 0};
    step(rt::StepOp::Gather, 0, indexOf(result.rows, rows),
         arguments({op.getTableAttr(), op.getIdsAttr(), op.getDestinationAttr()}));
  }
  void emit(plan::HostCallOp op) {
    step(rt::StepOp::HostCall, uint8_t(op.getArgs().size()), op.getFunction(),
         arguments(op.getArgs().getValue()));
  }
  void emit(plan::LoopOp op) {
    size_t begin = result.steps.size();
    FlatSymbolRefAttr param = op.getTimesParamAttr();
    step(param ? rt::StepOp::LoopParam : rt::StepOp::LoopBegin, byte(op.getCounterAttr()),
         param ? index(param) : *op.getTimes());
    emitSteps(op.getBody().front());
    result.steps[begin].b = uint32_t(result.steps.size());
    step(rt::StepOp::LoopEnd, 0, 0, begin);
  }

  void emit(plan::ModelOp op) {
    ModelDescription model;
    model.name = op.getName().str();
    model.architecture = op.getArchitecture().str();
    model.quantization = op.getQuantization().str();
    model.vocabSize = uint32_t(op.getVocabulary());
    model.contextLength = uint32_t(op.getContext());
    model.hiddenSize = uint16_t(op.getHidden());
    model.layers = uint16_t(op.getLayers());
    model.heads = uint16_t(op.getHeads());
    model.kvHeads = uint16_t(op.getKvHeads());
    model.headDim = uint16_t(op.getHeadDim());
    model.bosId = op.getBos() ? int32_t(*op.getBos()) : -1;
    if (op.getEos())
      model.eosIds.assign(op.getEos()->begin(), op.getEos()->end());
    model.digest = digestOf(op.getDigest());
    result.model = model;
  }

  plan::FileOp file;
  const SegmentSources &sources;
  DenseMap<StringAttr, uint32_t> indices; ///< Of each record among those of its kind.
  DenseMap<StringAttr, plan::BufferOp> buffers;
  PlanDescription result;
};

} // namespace

PlanDescription emitFile(plan::FileOp file, const SegmentSources &sources) {
  return FileEmitter(file, sources).run();
}

} // namespace llmc
