// Pass llmc-plan-memory: addresses of on-chip buffers.
#include "passes/Memory/PlanMemory.h"

#include "dialects/Npu/LeftOut.h"
#include "passes/Algorithms/PlanValidator.h"
#include "passes/Algorithms/RunAhead.h"
#include "passes/Algorithms/SramPlanner.h"
#include "passes/Memory/BufferProblem.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "passes/Memory/PlanMemory.h.inc"

namespace {

/// Plans one program: all buffers among each other, and what loads fill as far ahead of its use as
/// there is room.
class ProgramPlanner {
public:
  ProgramPlanner(npu::ProgramOp program, npu::TargetAttr target)
      : program(program), commands(npu::commandsOf(program)),
        all(bufferProblemOf(program, commands, uint64_t(target.getSramBytes()))) {}

  /// Empty where everything fits; else why not.
  std::string run() {
    SramPlan need = planSram(all.problem);
    if (!need.error.empty())
      return need.error;
    if (!need.fits)
      return explainOverflow(all.problem, need);
    RunAheadPlan plan = planRunAhead(all.problem, windows(), need);
    for (const std::string &fault : validatePlan(all.problem, plan.offsets))
      return "internal error, the planner broke a rule: " + fault;
    for (auto [buffer, offset] : llvm::zip(all.buffers, plan.offsets))
      buffer.setOffset(offset);
    program.setSramBytes(plan.peak);
    program.setLiveBytes(need.blame.bytes);
    program.setPrefetchBytes(plan.peak - std::min(plan.peak, need.peak));
    program.setHeldBytes(plan.held);
    return {};
  }

private:
  /// Loads run ahead inside their section: of a stream buffer that only one section touches, all of
  /// it, since the next trip's load may come as soon as this trip has read; of others, no more than
  /// their live range.
  std::vector<Window> windows() {
    const auto bodyFirst = uint32_t(commands.prologue.size()),
               bodyLast = bodyFirst + uint32_t(commands.body.size()),
               programLast = bodyLast + uint32_t(commands.epilogue.size());
    const uint32_t cuts[] = {0, bodyFirst, bodyLast, programLast};
    std::vector<Window> result;
    for (auto [buffer, range] : llvm::zip(all.buffers, all.ranges)) {
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
  npu::CommandList commands;
  BufferProblem all;
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
      if (program.getKind() == lm::EntryKind::Prefill) {
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
