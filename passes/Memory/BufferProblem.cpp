#include "passes/Memory/BufferProblem.h"

#include "llvm/Support/MathExtras.h"

namespace llmc::passes {

BufferProblem bufferProblemOf(npu::ProgramOp program, const npu::CommandList &commands,
                              uint64_t capacity) {
  BufferProblem result;
  result.problem.capacity = capacity;
  auto ranges = npu::accessRangesOf(commands);
  for (npu::BufferOp buffer : program.getBody().front().getOps<npu::BufferOp>()) {
    auto range = ranges.find(buffer.getResult());
    if (range == ranges.end())
      continue;
    result.buffers.push_back(buffer);
    result.ranges.push_back(range->second);
    result.problem.buffers.push_back({buffer.getLabel().str(), StepIdx{range->second.first},
                                      StepIdx{range->second.last},
                                      llvm::alignTo(uint64_t(buffer.getBytes()), kBufferAlignment),
                                      kBufferAlignment, std::nullopt});
  }
  return result;
}

} // namespace llmc::passes
