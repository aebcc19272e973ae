// A value can be staged where its producer sends it off in parts, and all that reads it works row
// by row.
#include "passes/Tiling/Staging.h"

#include "passes/Algorithms/PlanValidator.h"
#include "passes/Algorithms/SramPlanner.h"
#include "passes/Memory/BufferProblem.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace llmc::passes {

namespace {

/// Rotations end in attention, which reads across rows; a head's input lies off chip already.
bool leavesInParts(Value value) {
  Operation *producer = value.getDefiningOp();
  if (!producer)
    return !lm::EntryAttr::of(
        cast<func::FuncOp>(cast<BlockArgument>(value).getOwner()->getParentOp()));
  if (auto group = dyn_cast<lm::GroupOp>(producer))
    return !isa<lm::RopeOp>(group.getBody().front().front());
  return !isa<lm::RopeOp>(producer);
}

bool isReadByRows(Value value) {
  return llvm::all_of(value.getUsers(), [](Operation *user) {
    return isa<lm::RmsNormOp, lm::QuantizeRowsOp, lm::RoundF16Op, lm::AddOp, lm::GatedActOp,
               lm::RopeOp, lm::RepeatOp, func::ReturnOp>(user);
  });
}

bool canStage(Value value, npu::TargetAttr target) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getRank() == 2 && type.getElementType().isF32() &&
         type.getDimSize(1) * 4 % target.getAlignment() == 0 && leavesInParts(value) &&
         isReadByRows(value);
}

/// Commands that would move the values: the fewer, the cheaper to stage.
size_t transfersOf(ArrayRef<Value> values) {
  size_t count = values.size();
  for (Value value : values)
    count += size_t(llvm::range_size(value.getUses()));
  return count;
}

/// Live ranges of tensors in scratch, and the transfers of each.
class ScratchUses {
public:
  ScratchUses(npu::ProgramOp program, ArrayRef<ScratchTensor> tensors)
      : tensors(tensors), ranges(tensors.size()), transfers(tensors.size()) {
    npu::CommandList commands = npu::commandsOf(program);
    unsigned section = 0;
    for (const auto *list : {&commands.prologue, &commands.body, &commands.epilogue}) {
      for (Operation *command : *list)
        add(command, section);
      ++section;
    }
    for (npu::AccessRange &range : ranges)
      range.close(commands);
  }

  SramProblem problem() const {
    SramProblem problem;
    problem.capacity = UINT64_MAX;
    for (auto [tensor, range] : llvm::zip(tensors, ranges))
      problem.buffers.push_back({tensor.label, StepIdx{range.first}, StepIdx{range.last},
                                 llvm::alignTo(uint64_t(tensor.bytes), kBufferAlignment),
                                 kBufferAlignment, std::nullopt});
    return problem;
  }

  void move(size_t index, int64_t offset) {
    for (npu::DmaOp dma : transfers[index]) {
      npu::PlaceAttr place = dma.getPlace();
      dma.setPlaceAttr(npu::PlaceAttr::get(
          dma.getContext(), place.getSpace(), place.getOffset() - tensors[index].offset + offset,
          place.getArgument(), place.getArgumentStride(), place.getTripStride()));
    }
  }

private:
  void add(Operation *command, unsigned section) {
    uint32_t step = steps++;
    auto dma = dyn_cast<npu::DmaOp>(command);
    if (!dma || dma.getPlace().getSpace() != npu::Space::Scratch)
      return;
    size_t index = indexOf(dma.getPlace().getOffset());
    ranges[index].add(step, section);
    transfers[index].push_back(dma);
  }

  size_t indexOf(int64_t offset) const {
    auto after = llvm::upper_bound(tensors, offset, [](int64_t at, const ScratchTensor &tensor) {
      return at < tensor.offset;
    });
    return size_t(after - tensors.begin()) - 1;
  }

  ArrayRef<ScratchTensor> tensors;
  uint32_t steps = 0;
  SmallVector<npu::AccessRange> ranges;
  SmallVector<SmallVector<npu::DmaOp>> transfers;
};

} // namespace

ArrayRef<Value> valuesToStage(npu::ProgramOp program, const BufferHolders &holders,
                              npu::TargetAttr target, int64_t capacity) {
  BufferProblem all = bufferProblemOf(program, npu::commandsOf(program), uint64_t(capacity));
  SramPlan plan = planSram(all.problem);
  if (plan.fits || !plan.error.empty()) // an error is for llmc-plan-memory to report
    return {};
  ArrayRef<Value> best;
  uint64_t bestSize = 0;
  for (BufferIdx index : plan.blame.buffers) {
    auto holder = holders.find(all.buffers[index.value].getResult());
    uint64_t size = all.problem.buffers[index.value].size;
    if (holder == holders.end() || size < bestSize ||
        !llvm::all_of(holder->second, [&](Value value) { return canStage(value, target); }))
      continue;
    ArrayRef<Value> values = holder->second.getArrayRef();
    if (best.empty() || transfersOf(values) < transfersOf(best))
      best = values;
    bestSize = size;
  }
  return best;
}

LogicalResult placeScratch(npu::ProgramOp program, ArrayRef<ScratchTensor> tensors) {
  if (tensors.empty())
    return success();
  ScratchUses uses(program, tensors);
  SramProblem problem = uses.problem();
  SramPlan plan = planSram(problem);
  std::vector<std::string> faults = validatePlan(problem, plan.offsets);
  if (!plan.error.empty() || !faults.empty())
    return program.emitError() << "internal error, scratch is placed wrongly: "
                               << (faults.empty() ? plan.error : faults.front());
  for (size_t index = 0; index < tensors.size(); ++index)
    uses.move(index, int64_t(plan.offsets[index]));
  program.setScratchBytes(plan.peak);
  return success();
}

} // namespace llmc::passes
