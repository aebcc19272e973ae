// Pass llmc-plan-memory: addresses of on-chip buffers.
#include "passes/Memory/PlanMemory.h"

#include "dialects/Npu/NpuAccess.h"
#include "passes/Algorithms/PlanValidator.h"
#include "passes/Algorithms/SramPlanner.h"
#include "passes/Algorithms/StreamRing.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "passes/Memory/PlanMemory.h.inc"

namespace {

/// Kernels read vectors of this many bytes; also a multiple of every transfer alignment in use.
constexpr uint64_t kBufferAlignment = 64;

/// Plans one program.
class ProgramPlanner {
public:
  ProgramPlanner(npu::ProgramOp program, npu::TargetAttr target)
      : program(program), target(target) {}

  /// Empty where everything fits; else why not.
  std::string run() {
    measure();
    std::string problem = planResident();
    if (problem.empty())
      problem = planRing();
    return problem.empty() ? judge() : problem;
  }

private:
  void measure() {
    npu::CommandList commands = npu::commandsOf(program);
    bodyFirst = commands.prologue.size();
    bodyLast = bodyFirst + commands.body.size();
    ranges = npu::accessRangesOf(commands);
  }

  bool isUsed(npu::BufferOp buffer) { return ranges[buffer.getResult()].last != 0; }

  /// Reused inside its section, so fit for the ring.
  bool isStream(npu::BufferOp buffer) {
    return buffer.getStream() && ranges[buffer.getResult()].sections() == 1;
  }

  /// The buffers that `wanted` picks, as a placement problem.
  SramProblem problemOf(SmallVectorImpl<npu::BufferOp> &buffers,
                        llvm::function_ref<bool(npu::BufferOp)> wanted) {
    SramProblem problem;
    problem.capacity = target.getSramBytes();
    for (npu::BufferOp buffer : program.getBody().front().getOps<npu::BufferOp>()) {
      if (!isUsed(buffer) || !wanted(buffer))
        continue;
      const npu::AccessRange &range = ranges[buffer.getResult()];
      buffers.push_back(buffer);
      SramBuffer item;
      item.name = buffer.getLabel().str();
      item.first = StepIdx{range.first};
      item.last = StepIdx{range.last};
      item.size = llvm::alignTo(buffer.getBytes(), kBufferAlignment);
      item.alignment = kBufferAlignment;
      problem.buffers.push_back(item);
    }
    return problem;
  }

  std::string planResident() {
    SmallVector<npu::BufferOp> resident;
    SramProblem problem =
        problemOf(resident, [&](npu::BufferOp buffer) { return !isStream(buffer); });
    SramPlan plan = planSram(problem);
    if (!plan.error.empty())
      return plan.error;
    if (!plan.fits)
      return explainOverflow(problem, plan);
    for (auto [buffer, offset] : llvm::zip(resident, plan.offsets))
      buffer.setOffset(offset);
    residentPeak = plan.peak;
    return {};
  }

  /// The independent judge over all buffers, stream buffers with the places that the ring gave
  /// them; then what the program uses.
  std::string judge() {
    SmallVector<npu::BufferOp> buffers;
    SramProblem problem = problemOf(buffers, [](npu::BufferOp) { return true; });
    std::vector<uint64_t> offsets;
    for (npu::BufferOp buffer : buffers)
      offsets.push_back(*buffer.getOffset());
    for (const std::string &fault : validatePlan(problem, offsets))
      return "internal error, the planner broke a rule: " + fault;
    program.setLiveBytes(maxLive(problem).bytes);
    return {};
  }

  std::string planRing() {
    std::vector<StreamBuffer> streams;
    SmallVector<npu::BufferOp> ops;
    for (npu::BufferOp buffer : program.getBody().front().getOps<npu::BufferOp>())
      if (isUsed(buffer) && isStream(buffer))
        ops.push_back(buffer);
    llvm::sort(ops, [&](npu::BufferOp a, npu::BufferOp b) {
      return ranges[a.getResult()].first < ranges[b.getResult()].first;
    });
    for (npu::BufferOp buffer : ops)
      streams.push_back({buffer.getLabel().str(), uint64_t(buffer.getBytes()),
                         ranges[buffer.getResult()].first, ranges[buffer.getResult()].last});
    uint64_t base = llvm::alignTo(residentPeak, kBufferAlignment);
    uint64_t capacity =
        uint64_t(target.getSramBytes()) > base ? uint64_t(target.getSramBytes()) - base : 0;
    RingPlacement ring = placeSections(streams, capacity);
    if (!ring.error.empty())
      return ring.error + "; " + std::to_string(residentPeak) + " of " +
             std::to_string(int64_t(target.getSramBytes())) +
             " bytes of SRAM are taken by other buffers, streaming needs at least " +
             std::to_string(ringLowerBound(streams, kBufferAlignment)) +
             ". Use a smaller chunk, a shorter context or a machine with more SRAM";
    for (auto [buffer, offset] : llvm::zip(ops, ring.offsets))
      buffer.setOffset(base + offset);
    OpBuilder builder(program);
    uint64_t needed = ringLowerBound(streams, kBufferAlignment);
    program.setSramBytesAttr(builder.getI64IntegerAttr(base + ring.used));
    program.setPrefetchBytesAttr(
        builder.getI64IntegerAttr(ring.used > needed ? ring.used - needed : 0));
    return {};
  }

  /// Every section starts at the head of the ring, so that each trip of the body finds the same
  /// addresses. The prologue's buffers lie behind the others where there is room: a load of the
  /// body that waited for a reader in the prologue would wait for one in every trip.
  RingPlacement placeSections(const std::vector<StreamBuffer> &streams, uint64_t capacity) {
    auto section = [&](uint32_t first, uint32_t last) {
      std::vector<StreamBuffer> chosen;
      llvm::copy_if(streams, std::back_inserter(chosen), [&](const StreamBuffer &stream) {
        return stream.first >= first && stream.first < last;
      });
      return placeInRing(chosen, capacity, kBufferAlignment);
    };
    RingPlacement prologue = section(0, bodyFirst), body = section(bodyFirst, bodyLast),
                  epilogue = section(bodyLast, UINT32_MAX), all;
    uint64_t later = std::max(body.used, epilogue.used);
    if (later + prologue.used <= capacity)
      for (uint64_t &offset : prologue.offsets)
        offset += later;
    for (const RingPlacement &placed : {prologue, body, epilogue}) {
      if (!placed.error.empty())
        return placed;
      all.offsets.insert(all.offsets.end(), placed.offsets.begin(), placed.offsets.end());
    }
    for (auto [stream, offset] : llvm::zip(streams, all.offsets))
      all.used = std::max(all.used, offset + stream.size);
    return all;
  }

  npu::ProgramOp program;
  npu::TargetAttr target;
  uint32_t bodyFirst = 0, bodyLast = 0;
  DenseMap<Value, npu::AccessRange> ranges;
  uint64_t residentPeak = 0;
};

struct PlanMemoryPass : impl::PlanMemoryPassBase<PlanMemoryPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto target = npu::TargetAttr::of(module);
    if (!target) {
      module.emitError() << "llmc-plan-memory needs the attribute npu.target on the module";
      return signalPassFailure();
    }
    for (npu::ProgramOp program : llvm::make_early_inc_range(module.getOps<npu::ProgramOp>())) {
      std::string problem = ProgramPlanner(program, target).run();
      if (problem.empty())
        continue;
      if (program.getKind() == "prefill") {
        program.emitWarning() << "entry @" << program.getSymName() << " does not fit "
                              << target.getMachine()
                              << " and is left out; smaller chunks serve instead: " << problem;
        program.erase();
        continue;
      }
      program.emitError() << "entry @" << program.getSymName() << " does not fit "
                          << target.getMachine() << ": " << problem;
      return signalPassFailure();
    }
  }
};

} // namespace
} // namespace llmc::passes
