// Pass llmc-lower-npu-to-plan: what the plan file says of planned programs.
#include "passes/Lowering/LowerNpuToPlan.h"

#include "dialects/Npu/Fallback.h"
#include "dialects/Npu/NpuAccess.h"
#include "passes/Lowering/DirectDispatch.h"
#include "passes/Lowering/PlanParameters.h"
#include "passes/Lowering/PlanShapes.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_LOWERNPUTOPLANPASS
#include "passes/Lowering/LowerNpuToPlan.h.inc"

namespace {

struct LowerNpuToPlanPass : impl::LowerNpuToPlanPassBase<LowerNpuToPlanPass> {
  void runOnOperation() override {
    if (failed(requireFacts()))
      return signalPassFailure();
    FailureOr<PlanShapes> measured = PlanShapes::of(getOperation(), programs, cache, model);
    if (failed(measured))
      return signalPassFailure();
    shapes = *measured;
    FileBuilder builder(file);
    out = &builder;
    PlanParameters collected(builder, int64_t(shapes.context), shapes.io.rows);
    parameters = &collected;
    if (failed(collectArguments()))
      return signalPassFailure();
    addSegments();
    addBuffers();
    addStates();
    if (isDirect)
      outlineAll();
    for (Code &code : codes)
      addKernels(code);
    for (const Variant &variant : variants())
      for (size_t i = 0; i < programs.size(); ++i)
        addEntry(variant, i);
  }

private:
  using Reference = FlatSymbolRefAttr;

  /// One kind of code for the machine or the fallback device, with kernels and a queue of its own.
  struct Code {
    StringAttr target, name; ///< Symbol of the plan.target; null where there is one variant.
    bool fallback = false;
    Reference codeRegion, segment, queue;
    SmallVector<SmallVector<Reference>>
        kernels; ///< Of each program; null where they are another's.

    std::string symbol(StringRef of) const {
      std::string all = of.str() + (fallback ? "_fallback" : "");
      return name ? all + "_" + name.str() : all;
    }
  };

  /// What entries run on: code of the machine, of the fallback device, or of both.
  struct Variant {
    SmallVector<const Code *, 2> codes;

    std::string symbol(StringRef of) const {
      std::string all = of.str();
      for (const Code *code : codes)
        if (code->name)
          all.append("_").append(code->name.str());
      return all;
    }
    StringAttr name(MLIRContext *context) const {
      std::string all = symbol("");
      return all.empty() ? StringAttr() : StringAttr::get(context, StringRef(all).drop_front());
    }
  };

  /// Each kind of code of the machine with each of the fallback device.
  SmallVector<Variant> variants() const {
    SmallVector<Variant> all;
    for (const Code &own : codes)
      for (const Code &other : codes)
        if (!own.fallback && other.fallback)
          all.push_back({{&own, &other}});
    for (const Code &code : codes)
      if (codes.front().fallback == codes.back().fallback) // one device alone
        all.push_back({{&code}});
    return all;
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
    }
    if (failed(single(module.getOps<lm::KvStateOp>(), cache, "one lm.kv_state")) ||
        failed(single(module.getOps<plan::FileOp>(), file, "one plan.file")) ||
        failed(single(file.records<plan::ModelOp>(), model, "one plan.model in the plan.file")))
      return failure();
    auto machine = npu::TargetAttr::of(module);
    isDirect = machine && machine.getDirect();
    codes.clear();
    bool used[2] = {false, false};
    for (npu::ProgramOp program : programs)
      program.walk([&](Operation *op) {
        if (npu::isCommand(op))
          used[bool(npu::fallbackOf(op))] = true;
      });
    for (auto target : llvm::make_early_inc_range(file.records<plan::TargetOp>())) {
      bool isFallback = isDirect && target.getDevice() != machine.getMachine();
      if (used[isFallback] || (!isFallback && !used[true]))
        codes.push_back(
            {target.getSymNameAttr(), target.getVariantAttr(), isFallback, {}, {}, {}, {}});
      else
        target.erase();
    }
    if (codes.empty() || (!isDirect && codes.size() > 1))
      return missing(file, "one plan.target in the plan.file");
    if (used[true] && llvm::none_of(codes, [](const Code &code) { return code.fallback; }))
      return missing(file, "a plan.target for the fallback device in the plan.file");
    if (!file.records<plan::EntryOp>().empty())
      return missing(file, "a plan.file without entries: this one is lowered already");
    return success();
  }

  void addSegments() {
    using Access = plan::RegionAccess;
    constexpr Access reads = Access::CpuReads | Access::DeviceReads,
                     all = reads | Access::CpuWrites | Access::DeviceWrites;
    plan::RegionKind constants = placement.getWeights();
    for (Code &code : codes)
      code.codeRegion = out->region(code.symbol("code"), constants, plan::Lifetime::Constant,
                                    std::nullopt, kPage, reads);
    weightsRegion = out->region("weights", constants, plan::Lifetime::Constant, shapes.weightsBytes,
                                kPage, reads);
    stateRegion = out->region("state", placement.getState(), plan::Lifetime::Session,
                              uint64_t(shapes.kv.bytes()), kVector, all);
    ioRegion = out->region("io", placement.getIo(), plan::Lifetime::Call,
                           shapes.idsBytes() + shapes.ioBytes(), kVector, all);
    sramRegion = out->region(isDirect ? "activations" : "sram",
                             isDirect ? placement.getScratch() : plan::RegionKind::NpuLocal,
                             plan::Lifetime::Scratch, shapes.sramBytes, kVector,
                             Access::DeviceReads | Access::DeviceWrites);
    if (shapes.scratchBytes)
      scratchRegion =
          out->region("scratch", placement.getScratch(), plan::Lifetime::Scratch,
                      shapes.scratchBytes, kVector, Access::DeviceReads | Access::DeviceWrites);
    if (shapes.pagedBytes) {
      pagedRegion =
          out->region("paged_weights", plan::RegionKind::FlashPaged, plan::Lifetime::Constant,
                      shapes.pagedBytes, kPage, Access::CpuReads);
      pagesRegion = out->region("pages", placement.getState(), plan::Lifetime::Scratch,
                                uint64_t(shapes.pages.bytes()), kVector, all);
    }
    for (Code &code : codes)
      code.segment = out->segment(code.symbol("kernel_bytes"), code.symbol("kernels"),
                                  plan::SegmentKind::Kernel, code.codeRegion, std::nullopt, kPage);
    weightsSegment = out->segment("weight_bytes", "weights", plan::SegmentKind::Weights,
                                  weightsRegion, shapes.weightsBytes, kPage, kWeightChunk);
    if (shapes.pagedBytes)
      pagedSegment = out->segment("paged_weight_bytes", "paged_weights", plan::SegmentKind::Weights,
                                  pagedRegion, shapes.pagedBytes, kPage, kPagedChunk);
    for (auto tokenizer : file.records<plan::TokenizerOp>())
      tokenizer.setSegmentAttr(out->segment("tokenizer_bytes", "tokenizer",
                                            plan::SegmentKind::Tokenizer, Reference(), std::nullopt,
                                            kVector));
    file.setDebugAttr(out->segment("debug_bytes", "debug", plan::SegmentKind::Debug, Reference(),
                                   std::nullopt, kVector));
  }

  void addBuffers() {
    constexpr auto read = plan::OperandAccess::Read, both = read | plan::OperandAccess::Write;
    for (const Code &code : codes)
      out->buffer(code.symbol("kernel_code"), code.symbol("kernels"), code.codeRegion, 0,
                  std::nullopt, code.segment);
    weightsBuffer = out->buffer("weight_data", "weights", weightsRegion, 0, shapes.weightsBytes,
                                weightsSegment);
    uint64_t stateBytes = uint64_t(shapes.kv.bytes()),
             valuesOffset = uint64_t(shapes.kv.valuesOffset());
    keys = out->buffer("key_data", "keys", stateRegion, 0, stateBytes);
    values =
        out->buffer("value_data", "values", stateRegion, valuesOffset, stateBytes - valuesOffset);
    ids = out->buffer("id_data", "ids", ioRegion, 0, shapes.idsBytes());
    io = out->buffer("io_data", "hidden and logits", ioRegion, shapes.idsBytes(), shapes.ioBytes());
    planned = out->buffer(isDirect ? "activation_data" : "on_chip", "planned buffers", sramRegion,
                          0, shapes.sramBytes);
    if (shapes.pagedBytes) {
      paged = out->buffer("paged_weight_data", "paged weights", pagedRegion, 0, shapes.pagedBytes,
                          pagedSegment);
      pages = out->buffer("page_data", "pages", pagesRegion, 0, uint64_t(shapes.pages.bytes()));
    }
    if (isDirect)
      return; // operands are those of single kernels
    weightsOperand = out->operand("all_weights", weightsBuffer, 0, shapes.weightsBytes, read);
    stateOperand = out->operand("all_state", keys, 0, stateBytes, both);
    ioOperand = out->operand("all_io", io, 0, shapes.ioBytes(), both);
    scratchOperand = ioOperand; // names memory that no command touches
    if (shapes.scratchBytes)
      scratchOperand = out->operand(
          "all_scratch",
          out->buffer("scratch_data", "staged rows", scratchRegion, 0, shapes.scratchBytes), 0,
          shapes.scratchBytes, both);
  }

  /// Keys, then values, layer by layer.
  void addStates() {
    const npu::KvLayout &kv = shapes.kv;
    uint64_t layout =
        uint32_t(kv.capacity) * 2654435761u ^ uint32_t(uint64_t(kv.kvHeads) << 16 ^ kv.headDim);
    auto state = [&](StringRef symbol, plan::StateRole role, Reference buffer) {
      return out->enter(plan::StateOp::create(
          out->ops(), out->loc(), symbol, plan::StateKind::KvFlat, role, plan::DType::F16,
          buffer.getValue(), kv.capacity, kv.layers, kv.kvHeads, kv.headDim,
          /*token_stride=*/kv.rowBytes(), /*head_stride=*/kv.headBytes(),
          /*layer_stride=*/kv.layerBytes(), layout, /*window=*/0, /*scales=*/Reference()));
    };
    states = {state("keys", plan::StateRole::Key, keys),
              state("values", plan::StateRole::Value, values)};
    for (Code &code : codes)
      code.queue = out->enter(plan::QueueOp::create(out->ops(), out->loc(), code.symbol("queue"),
                                                    code.target.getValue(), /*index=*/0));
  }

  EntryBounds boundsOf(npu::ProgramOp program) const {
    int64_t rows = int64_t(program.getRows()), most = shapes.io.rows;
    // A head reads rows that a chunk of any size left.
    return isHead(program) ? EntryBounds{most, std::max<int64_t>(most - rows, 0)}
                           : EntryBounds{rows, most - 1};
  }

  /// Bounds of kernels speak of all parameters, so all are collected first.
  LogicalResult collectArguments() {
    arguments.clear();
    counters.clear();
    for (npu::ProgramOp program : programs) {
      FailureOr<SmallVector<Attribute>> collected = parameters->add(program);
      if (failed(collected))
        return failure();
      arguments.push_back(*collected);
      int64_t trips = isDirect ? loopTripsOf(program) : 0;
      counters.push_back(trips ? parameters->counter(trips) : Reference());
    }
    return success();
  }

  void outlineAll() {
    direct.clear();
    const DirectMemories memories = {
        weightsBuffer,         keys, ids, io, planned, paged, pages, shapes.pages.slots,
        shapes.pages.slotBytes};
    for (auto [program, counter] : llvm::zip(programs, counters))
      direct.push_back(outlineKernels(program, *out, memories, counter));
  }

  Reference addKernel(const Code &code, size_t program, StringRef symbol, StringRef name,
                      StringAttr source, uint64_t operands) {
    return out->enter(plan::KernelOp::create(
        out->ops(), out->loc(), symbol, out->ops().getStringAttr(name), source.getValue(),
        out->ops().getArrayAttr(arguments[program]),
        parameters->boundsFor(boundsOf(programs[program])), code.segment.getValue(),
        code.target.getValue(), operands, plan::BlobAttr()));
  }

  void addKernels(Code &code) {
    constexpr uint64_t spaces = uint64_t(npu::Space::Scratch) + 1; // of streams
    for (auto [index, program] : llvm::enumerate(programs)) {
      SmallVector<Reference> &kernels = code.kernels.emplace_back();
      if (!isDirect) {
        kernels.push_back(addKernel(code, index, ("run_" + program.getSymName()).str(),
                                    program.getSymName(), program.getSymNameAttr(), spaces));
        continue;
      }
      for (npu::KernelOp kernel : direct[index].kernels) {
        bool runs = bool(npu::fallbackOf(npu::commandOf(kernel))) == code.fallback;
        kernels.push_back(
            runs ? addKernel(code, index, code.symbol(kernel.getSymName()), kernel.getSymName(),
                             kernel.getSymNameAttr(),
                             llvm::range_size(kernel.getBody().front().getOps<npu::ViewOp>()))
                 : Reference());
      }
    }
  }

  static plan::EntryKind kindOf(npu::ProgramOp program) {
    return isHead(program)                              ? plan::EntryKind::Head
           : program.getKind() == lm::EntryKind::Decode ? plan::EntryKind::Decode
                                                        : plan::EntryKind::Prefill;
  }

  plan::TensorAttr tensor(StringRef name, plan::TensorRole role, plan::DType dtype,
                          ArrayRef<int64_t> dims, Reference operand) {
    return plan::TensorAttr::get(&getContext(), name, role, dtype, dims, operand);
  }

  plan::TensorAttr result(npu::ProgramOp program) {
    int64_t rows = int64_t(program.getRows());
    bool head = isHead(program);
    StringRef name = head ? "logits" : "hidden";
    uint64_t columns = head ? shapes.vocabulary : uint64_t(shapes.io.hidden);
    uint64_t offset = head ? uint64_t(shapes.io.logitsOffset()) : 0;
    Reference operand =
        out->operand((name + "_" + Twine(rows)).str(), io, offset, uint64_t(rows) * columns * 4,
                     plan::OperandAccess::Read | plan::OperandAccess::Write);
    return tensor(name, head ? plan::TensorRole::Logits : plan::TensorRole::Hidden,
                  plan::DType::F32, {rows, int64_t(columns)}, operand);
  }

  void addEntry(const Variant &variant, size_t index) {
    OpBuilder &b = out->ops();
    npu::ProgramOp program = programs[index];
    int64_t rows = int64_t(program.getRows());
    bool head = isHead(program);
    Reference given = out->operand(head ? "ids_1" : "ids_" + std::to_string(rows), ids, 0,
                                   uint64_t(head ? 1 : rows) * 4, plan::OperandAccess::Read);
    SmallVector<Attribute> inputs, used, targets;
    for (const Code *code : variant.codes)
      targets.push_back(Reference::get(code->target));
    if (!head) {
      inputs.push_back(tensor("ids", plan::TensorRole::Ids, plan::DType::I32, {rows}, given));
      used.assign(states.begin(), states.end());
    }
    auto peak = plan::PeakAttr::get(&getContext(), sramRegion, int64_t(*program.getSramBytes()));
    auto outputs = result(program);
    auto entry = plan::EntryOp::create(
        b, out->loc(), variant.symbol(program.getSymName()),
        isDirect ? program.getSymNameAttr() : StringAttr(), kindOf(program), uint64_t(rows),
        /*pos_max=*/head ? 0 : shapes.context - 1, head ? parameters->row() : Reference(),
        head ? uint64_t(boundsOf(program).row) : 0, shapes.vocabulary, b.getArrayAttr(targets),
        b.getArrayAttr(used), b.getArrayAttr(inputs), b.getArrayAttr(outputs), b.getArrayAttr(peak),
        /*est_cycles=*/0,
        /*max_cycles=*/0, variant.name(&getContext()));
    out->enter(entry);
    OpBuilder steps = OpBuilder::atBlockEnd(&entry.getBody().emplaceBlock());
    if (isDirect)
      addCalls(steps, variant, index);
    else // operands in the order of npu::Space
      plan::DispatchOp::create(
          steps, out->loc(), variant.codes.front()->kernels[index].front(),
          variant.codes.front()->queue,
          b.getArrayAttr({weightsOperand, stateOperand, given, ioOperand, scratchOperand}));
    plan::BarrierOp::create(steps, out->loc());
    if (!head)
      plan::KvCommitOp::create(steps, out->loc(), states.front());
    plan::EndOp::create(steps, out->loc());
  }

  void addCalls(OpBuilder &steps, const Variant &variant, size_t index) {
    const DirectProgram &program = direct[index];
    DirectDispatch dispatch(steps, out->loc());
    for (const Code *code : variant.codes)
      dispatch.addQueue(code->queue, code->kernels[index]);
    dispatch.add(program.prologue);
    if (program.trips) {
      auto loop = plan::LoopOp::create(steps, out->loc(), counters[index],
                                       steps.getI64IntegerAttr(program.trips), Reference());
      OpBuilder::InsertionGuard guard(steps);
      steps.setInsertionPointToEnd(&loop.getBody().emplaceBlock());
      dispatch.addRepeated(program.body);
    }
    dispatch.add(program.epilogue);
  }

  SmallVector<npu::ProgramOp> programs;
  lm::KvStateOp cache;
  plan::FileOp file;
  plan::ModelOp model;
  plan::PlacementAttr placement;
  bool isDirect = false;
  SmallVector<Code> codes;
  PlanShapes shapes;
  FileBuilder *out = nullptr;
  PlanParameters *parameters = nullptr;
  Reference weightsRegion, stateRegion, ioRegion, sramRegion, scratchRegion, weightsSegment,
      weightsBuffer, pagedRegion, pagesRegion, pagedSegment, paged, pages, planned, keys, values,
      ids, io, weightsOperand, stateOperand, ioOperand, scratchOperand;
  SmallVector<SmallVector<Attribute>> arguments; ///< Of each program.
  SmallVector<Reference> states, counters;       ///< Counters: of each program's loop.
  std::vector<DirectProgram> direct;             ///< Of each program.
};

} // namespace
} // namespace llmc::passes
