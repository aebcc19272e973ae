// Pass llmc-plan-memory: addresses of on-chip buffers.
#include "passes/Memory/PlanMemory.h"

#include "dialects/Npu/LeftOut.h"
#include "dialects/Npu/NpuAccess.h"
#include "passes/Algorithms/PlanValidator.h"
#include "passes/Algorithms/RunAhead.h"
#include "passes/Algorithms/SramPlanner.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "passes/Memory/PlanMemory.h.inc"

namespace {

/// Kernels read vectors of this many bytes; also a multiple of every transfer alignment in use.
constexpr uint64_t kBufferAlignment = 64;

/// Plans one program: all buffers among each other, and what loads fill as far ahead of its use as
/// there is room.
class ProgramPlanner {
public:
  ProgramPlanner(npu::ProgramOp program, npu::TargetAttr target)
      : program(program), target(target) {}

  /// Empty where everything fits; else why not.
  std::string run() {
    measure();
    SramProblem problem = describe();
    SramPlan need = planSram(problem);
    if (!need.error.empty())
      return need.error;
    if (!need.fits)
      return explainOverflow(problem, need);
    RunAheadPlan plan = planRunAhead(problem, windows(), need);
    for (const std::string &fault : validatePlan(problem, plan.offsets))
      return "internal error, the planner broke a rule: " + fault;
    for (auto [buffer, offset] : llvm::zip(buffers, plan.offsets))
      buffer.setOffset(offset);
    program.setSramBytes(plan.peak);
    program.setLiveBytes(need.blame.bytes);
    program.setPrefetchBytes(plan.peak - std::min(plan.peak, need.peak));
    return {};
  }

private:
  void measure() {
    npu::CommandList commands = npu::commandsOf(program);
    bodyFirst = commands.prologue.size();
    bodyLast = bodyFirst + commands.body.size();
    programLast = bodyLast + commands.epilogue.size();
    ranges = npu::accessRangesOf(commands);
    for (npu::BufferOp buffer : program.getBody().front().getOps<npu::BufferOp>())
      if (ranges.contains(buffer.getResult()))
        buffers.push_back(buffer);
  }

  const npu::AccessRange &rangeOf(npu::BufferOp buffer) {
    return ranges.find(buffer.getResult())->second;
  }

  SramProblem describe() {
    SramProblem problem;
    problem.capacity = target.getSramBytes();
    for (npu::BufferOp buffer : buffers) {
      const npu::AccessRange &range = rangeOf(buffer);
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

  /// Loads run ahead inside their section: of a stream buffer that only one section touches, all of
  /// it, since the next trip's load may come as soon as this trip has read; of others, no more than
  /// their live range.
  std::vector<Window> windows() {
    const uint32_t cuts[] = {0, bodyFirst, bodyLast, programLast};
    std::vector<Window> result;
    for (npu::BufferOp buffer : buffers) {
      const npu::AccessRange &range = rangeOf(buffer);
      Window window = {StepIdx{range.first}, StepIdx{range.last}};
      if (buffer.getStream() && range.sections() == 1) {
        unsigned section = range.inSection[0] ? 0 : range.inSection[1] ? 1 : 2;
        window = {StepIdx{cuts[section]}, StepIdx{cuts[section + 1]}};
      }
      result.push_back(window);
    }
    return result;
  }

  npu::ProgramOp program;
  npu::TargetAttr target;
  uint32_t bodyFirst = 0, bodyLast = 0, programLast = 0;
  DenseMap<Value, npu::AccessRange> ranges;
  SmallVector<npu::BufferOp> buffers; ///< Those that commands touch.
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
        npu::addLeftOut(module, program.getSymName(), StringRef(problem).rtrim());
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
