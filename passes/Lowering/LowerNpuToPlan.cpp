// Pass llmc-lower-npu-to-plan: what the plan file says of planned programs.
#include "passes/Lowering/LowerNpuToPlan.h"

#include "passes/Lowering/PlanParameters.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_LOWERNPUTOPLANPASS
#include "passes/Lowering/LowerNpuToPlan.h.inc"

namespace {

// Alignments: what is executed or streamed starts on a page, the rest on a vector.
constexpr uint64_t kPage = 4096, kVector = 64;

/// Bytes of an element of the KV cache: f16.
constexpr uint64_t kKvBytes = 2;

bool isHead(npu::ProgramOp program) { return program.getKind() == "head"; }

/// Sizes that all entries share.
struct Shapes {
  uint64_t layers = 0, kvHeads = 0, headDim = 0, capacity = 0;
  uint64_t hidden = 0, vocabulary = 0, context = 0;
  uint64_t maxRows = 1, headRows = 1;
  uint64_t sramBytes = 0, weightsBytes = 0;

  uint64_t headBytes() const { return capacity * headDim * kKvBytes; }
  uint64_t keyBytes() const { return kvHeads * headBytes(); } // of one layer
  uint64_t stateBytes() const { return 2 * layers * keyBytes(); }
  uint64_t idsBytes() const { return llvm::alignTo(maxRows * 4, kVector); }
  // Hidden rows of the largest entry, then logits.
  uint64_t logitsOffset() const { return llvm::alignTo(maxRows * hidden * 4, kVector); }
  uint64_t ioBytes() const { return logitsOffset() + headRows * vocabulary * 4; }
};

struct LowerNpuToPlanPass : impl::LowerNpuToPlanPassBase<LowerNpuToPlanPass> {
  void runOnOperation() override {
    if (failed(requireFacts()) || failed(measure()))
      return signalPassFailure();
    FileBuilder builder(file);
    out = &builder;
    PlanParameters collected(builder, int64_t(shapes.context), int64_t(shapes.maxRows));
    parameters = &collected;
    if (failed(collectArguments()))
      return signalPassFailure();
    addSegments();
    addBuffers();
    addStates();
    addKernels();
    for (auto [program, kernel] : llvm::zip(programs, kernels))
      addEntry(program, kernel);
  }

private:
  using Reference = FlatSymbolRefAttr;

  LogicalResult missing(Operation *op, const char *what) {
    return op->emitError() << "llmc-lower-npu-to-plan needs " << what;
  }

  /// The only one of its kind in `ops`.
  template <class Op, class Range> LogicalResult single(Range ops, Op &found, const char *what) {
    if (!llvm::hasSingleElement(ops))
      return missing(file ? file.getOperation() : getOperation().getOperation(), what);
    found = *ops.begin();
    return success();
  }

  LogicalResult requireFacts() {
    ModuleOp module = getOperation();
    file = nullptr;
    placement = plan::PlacementAttr::of(module);
    if (!placement)
      return missing(module, "'plan.placement' on the module");
    programs = llvm::to_vector(module.getOps<npu::ProgramOp>());
    if (programs.empty())
      return missing(module, "npu programs; run llmc-tile first");
    for (npu::ProgramOp program : programs) {
      if (!program.getSramBytes())
        return missing(program, "addresses; run llmc-plan-memory first");
      if (program.getScratchBytes() != 0)
        return program.emitError()
               << "entry '" << program.getSymName() << "' spills " << program.getScratchBytes()
               << " bytes, and the plan has no region to spill to";
    }
    if (failed(single(module.getOps<lm::KvStateOp>(), cache, "one lm.kv_state")) ||
        failed(single(module.getOps<plan::FileOp>(), file, "one plan.file")) ||
        failed(single(file.records<plan::ModelOp>(), model, "one plan.model in the plan.file")) ||
        failed(single(file.records<plan::TargetOp>(), target, "one plan.target in the plan.file")))
      return failure();
    if (!file.records<plan::EntryOp>().empty())
      return missing(file, "a plan.file without entries: this one is lowered already");
    return success();
  }

  LogicalResult measure() {
    shapes = Shapes();
    shapes.layers = cache.getLayers();
    shapes.kvHeads = cache.getKvHeads();
    shapes.headDim = cache.getHeadDim();
    shapes.capacity = cache.getCapacity();
    shapes.hidden = model.getHidden();
    shapes.vocabulary = model.getVocabulary();
    shapes.context = model.getContext();
    if (!shapes.hidden || !shapes.vocabulary || !shapes.context)
      return missing(model, "a context, a vocabulary and a hidden size");
    // Programs address Io by the rows it was laid out for, whichever entries are left.
    std::optional<int64_t> chunkRows = npu::NpuDialect::chunkRowsOf(getOperation());
    if (!chunkRows)
      return missing(getOperation(), "'npu.chunk_rows' on the module; run llmc-tile first");
    shapes.maxRows = uint64_t(*chunkRows);
    for (npu::ProgramOp program : programs) {
      if (program.getRows() > shapes.maxRows)
        return program.emitError()
               << "entry '" << program.getSymName() << "' has " << program.getRows()
               << " rows, 'npu.chunk_rows' says " << shapes.maxRows << " at most";
      if (isHead(program))
        shapes.headRows = std::max<uint64_t>(shapes.headRows, program.getRows());
      shapes.sramBytes = std::max(shapes.sramBytes, *program.getSramBytes());
    }
    for (auto constant : getOperation().getOps<npu::ConstantOp>())
      shapes.weightsBytes =
          std::max(shapes.weightsBytes, constant.getOffset() + constant.getBytes());
    if (shapes.weightsBytes == 0)
      return missing(getOperation(), "npu.constant; run llmc-layout-weights first");
    return measureState();
  }

  LogicalResult measureState() {
    if (!cache.getElement().isF16())
      return cache.emitError() << "holds " << cache.getElement() << ", a plan's KV cache holds f16";
    if (shapes.layers > UINT16_MAX || shapes.kvHeads > UINT16_MAX || shapes.headDim > UINT16_MAX)
      return cache.emitError() << "layers, heads and head_dim of a state have 16 bits";
    if (shapes.capacity < shapes.context)
      return cache.emitError() << "holds " << shapes.capacity << " positions, the context is "
                               << shapes.context;
    if (shapes.capacity > UINT32_MAX || shapes.headBytes() > UINT32_MAX ||
        2 * shapes.keyBytes() > UINT32_MAX)
      return cache.emitError() << "takes more than " << UINT32_MAX
                               << " bytes a layer, a state's strides have 32 bits; use a shorter "
                                  "context";
    return success();
  }

  void addSegments() {
    using Access = plan::RegionAccess;
    constexpr Access reads = Access::CpuReads | Access::DeviceReads,
                     all = reads | Access::CpuWrites | Access::DeviceWrites;
    plan::RegionKind constants = placement.getWeights();
    codeRegion =
        out->region("code", constants, plan::Lifetime::Constant, std::nullopt, kPage, reads);
    weightsRegion = out->region("weights", constants, plan::Lifetime::Constant, shapes.weightsBytes,
                                kPage, reads);
    stateRegion = out->region("state", placement.getState(), plan::Lifetime::Session,
                              shapes.stateBytes(), kVector, all);
    ioRegion = out->region("io", placement.getIo(), plan::Lifetime::Call,
                           shapes.idsBytes() + shapes.ioBytes(), kVector, all);
    sramRegion = out->region("sram", plan::RegionKind::NpuLocal, plan::Lifetime::Scratch,
                             shapes.sramBytes, kVector, Access::DeviceReads | Access::DeviceWrites);
    kernelSegment = out->segment("kernel_bytes", "kernels", plan::SegmentKind::Kernel, codeRegion,
                                 std::nullopt, kPage);
    weightsSegment = out->segment("weight_bytes", "weights", plan::SegmentKind::Weights,
                                  weightsRegion, shapes.weightsBytes, kPage);
    for (auto tokenizer : file.records<plan::TokenizerOp>())
      tokenizer.setSegmentAttr(out->segment("tokenizer_bytes", "tokenizer",
                                            plan::SegmentKind::Tokenizer, Reference(), std::nullopt,
                                            kVector));
    file.setDebugAttr(out->segment("debug_bytes", "debug", plan::SegmentKind::Debug, Reference(),
                                   std::nullopt, kVector));
  }

  void addBuffers() {
    constexpr auto read = plan::OperandAccess::Read, both = read | plan::OperandAccess::Write;
    out->buffer("kernel_code", "kernels", codeRegion, 0, std::nullopt, kernelSegment);
    Reference weights = out->buffer("weight_data", "weights", weightsRegion, 0, shapes.weightsBytes,
                                    weightsSegment);
    keys = out->buffer("key_data", "keys", stateRegion, 0, shapes.stateBytes());
    values = out->buffer("value_data", "values", stateRegion, shapes.keyBytes(),
                         shapes.stateBytes() - shapes.keyBytes());
    ids = out->buffer("id_data", "ids", ioRegion, 0, shapes.idsBytes());
    io = out->buffer("io_data", "hidden and logits", ioRegion, shapes.idsBytes(), shapes.ioBytes());
    out->buffer("on_chip", "planned buffers", sramRegion, 0, shapes.sramBytes);
    weightsOperand = out->operand("all_weights", weights, 0, shapes.weightsBytes, read);
    stateOperand = out->operand("all_state", keys, 0, shapes.stateBytes(), both);
    ioOperand = out->operand("all_io", io, 0, shapes.ioBytes(), both);
  }

  /// Keys, then values, layer by layer.
  void addStates() {
    uint64_t layout =
        uint32_t(shapes.capacity) * 2654435761u ^ uint32_t(shapes.kvHeads << 16 ^ shapes.headDim);
    auto state = [&](StringRef symbol, plan::StateRole role, Reference buffer) {
      return out->enter(plan::StateOp::create(
          out->ops(), out->loc(), symbol, plan::StateKind::KvFlat, role, plan::DType::F16,
          buffer.getValue(), shapes.capacity, shapes.layers, shapes.kvHeads, shapes.headDim,
          /*token_stride=*/shapes.headDim * kKvBytes, /*head_stride=*/shapes.headBytes(),
          /*layer_stride=*/2 * shapes.keyBytes(), layout, /*window=*/0, /*page_tokens=*/0,
          /*scales=*/Reference()));
    };
    states = {state("keys", plan::StateRole::Key, keys),
              state("values", plan::StateRole::Value, values)};
    queue = out->enter(
        plan::QueueOp::create(out->ops(), out->loc(), "queue", target.getSymName(), /*index=*/0));
  }

  EntryBounds boundsOf(npu::ProgramOp program) const {
    int64_t rows = int64_t(program.getRows()), most = int64_t(shapes.maxRows);
    // A head reads rows that a chunk of any size left.
    return isHead(program) ? EntryBounds{most, std::max<int64_t>(most - rows, 0)}
                           : EntryBounds{rows, most - 1};
  }

  /// Bounds of kernels speak of all parameters, so all are collected first.
  LogicalResult collectArguments() {
    arguments.clear();
    for (npu::ProgramOp program : programs) {
      FailureOr<SmallVector<Attribute>> collected = parameters->add(program);
      if (failed(collected))
        return failure();
      arguments.push_back(*collected);
    }
    return success();
  }

  void addKernels() {
    kernels.clear();
    constexpr uint64_t operands = npu::getMaxEnumValForSpace() + 1;
    for (auto [program, symbols] : llvm::zip(programs, arguments))
      kernels.push_back(out->enter(plan::KernelOp::create(
          out->ops(), out->loc(), ("run_" + program.getSymName()).str(), program.getSymNameAttr(),
          program.getSymName(), out->ops().getArrayAttr(symbols),
          parameters->boundsFor(boundsOf(program)), kernelSegment.getValue(), target.getSymName(),
          operands, plan::BlobAttr())));
  }

  static plan::EntryKind kindOf(npu::ProgramOp program) {
    return isHead(program)                 ? plan::EntryKind::Head
           : program.getKind() == "decode" ? plan::EntryKind::Decode
                                           : plan::EntryKind::Prefill;
  }

  plan::TensorAttr tensor(StringRef name, plan::TensorRole role, plan::DType dtype,
                          ArrayRef<int64_t> dims, Reference operand) {
    return plan::TensorAttr::get(&getContext(), name, role, dtype, dims, operand, FloatAttr(), 0);
  }

  plan::TensorAttr result(npu::ProgramOp program) {
    int64_t rows = int64_t(program.getRows());
    std::string suffix = "_" + std::to_string(rows);
    bool head = isHead(program);
    uint64_t columns = head ? shapes.vocabulary : shapes.hidden;
    Reference operand = out->operand((head ? "logits" : "hidden") + suffix, io,
                                     head ? shapes.logitsOffset() : 0, uint64_t(rows) * columns * 4,
                                     plan::OperandAccess::Read | plan::OperandAccess::Write);
    return tensor(head ? "logits" : "hidden",
                  head ? plan::TensorRole::Logits : plan::TensorRole::Hidden, plan::DType::F32,
                  {rows, int64_t(columns)}, operand);
  }

  void addEntry(npu::ProgramOp program, Reference kernel) {
    OpBuilder &b = out->ops();
    int64_t rows = int64_t(program.getRows());
    bool head = isHead(program);
    Reference given = out->operand(head ? "ids_1" : "ids_" + std::to_string(rows), ids, 0,
                                   uint64_t(head ? 1 : rows) * 4, plan::OperandAccess::Read);
    SmallVector<Attribute> inputs, used;
    if (!head) {
      inputs.push_back(tensor("ids", plan::TensorRole::Ids, plan::DType::I32, {rows}, given));
      used.assign(states.begin(), states.end());
    }
    auto peak = plan::PeakAttr::get(&getContext(), sramRegion, int64_t(*program.getSramBytes()));
    auto outputs = result(program);
    auto entry = plan::EntryOp::create(
        b, out->loc(), program.getSymName(), StringAttr(), kindOf(program), uint64_t(rows),
        /*pos_max=*/head ? 0 : shapes.context - 1, head ? parameters->row() : Reference(),
        head ? uint64_t(boundsOf(program).row) : 0, shapes.vocabulary,
        b.getArrayAttr(Reference::get(target.getSymNameAttr())), b.getArrayAttr(used),
        b.getArrayAttr(inputs), b.getArrayAttr(outputs), b.getArrayAttr(peak), /*est_cycles=*/0,
        /*max_cycles=*/0, /*stack_bytes=*/0, StringAttr());
    out->enter(entry);
    OpBuilder steps = OpBuilder::atBlockEnd(&entry.getBody().emplaceBlock());
    // In the order of npu::Space. Nothing is spilled, so scratch names memory that no command
    // touches.
    ArrayAttr args = b.getArrayAttr({weightsOperand, stateOperand, given, ioOperand, ioOperand});
    plan::DispatchOp::create(steps, out->loc(), kernel, queue, args);
    plan::BarrierOp::create(steps, out->loc());
    if (!head)
      plan::KvCommitOp::create(steps, out->loc(), states.front());
    plan::EndOp::create(steps, out->loc());
  }

  SmallVector<npu::ProgramOp> programs;
  lm::KvStateOp cache;
  plan::FileOp file;
  plan::ModelOp model;
  plan::TargetOp target;
  plan::PlacementAttr placement;
  Shapes shapes;
  FileBuilder *out = nullptr;
  PlanParameters *parameters = nullptr;
  Reference codeRegion, weightsRegion, stateRegion, ioRegion, sramRegion, kernelSegment,
      weightsSegment, keys, values, ids, io, weightsOperand, stateOperand, ioOperand, queue;
  SmallVector<SmallVector<Attribute>> arguments; ///< Of each program.
  SmallVector<Reference> states, kernels;
};

} // namespace
} // namespace llmc::passes
