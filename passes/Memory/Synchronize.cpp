// Pass llmc-synchronize: waits between engines.
#include "passes/Memory/Synchronize.h"

#include "dialects/Npu/NpuAccess.h"
#include "passes/Algorithms/Synchronization.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_SYNCHRONIZEPASS
#include "passes/Memory/Synchronize.h.inc"

namespace {

struct SynchronizePass : impl::SynchronizePassBase<SynchronizePass> {
  void runOnOperation() override {
    npu::ProgramOp program = getOperation();
    auto target = npu::TargetAttr::of(program->getParentOfType<ModuleOp>());
    if (target && target.getDirect())
      return; // kernels follow each other
    if (!isPlanned(program)) {
      program.emitError() << "llmc-synchronize needs addresses; run llmc-plan-memory first";
      return signalPassFailure();
    }
    npu::CommandList commands = npu::commandsOf(program);
    SyncProgram sync;
    sync.engines = npu::getMaxEnumValForEngine() + 1;
    sync.trips = uint32_t(commands.trips);
    // One address space for both memories: scratch begins where on-chip memory ends.
    scratchBegin = llvm::alignTo(*program.getSramBytes(), kScratchAlignment);
    sync.prologue = convert(commands.prologue);
    sync.body = convert(commands.body);
    sync.epilogue = convert(commands.epilogue);
    synchronize(sync, scratchBegin + program.getScratchBytes());
    for (const std::string &problem : checkSynchronization(sync)) {
      program.emitError() << "internal error, engines are not ordered: " << problem;
      return signalPassFailure();
    }
    apply(commands.prologue, sync.prologue);
    apply(commands.body, sync.body);
    apply(commands.epilogue, sync.epilogue);
  }

  /// Every buffer that a command touches has an offset.
  static bool isPlanned(npu::ProgramOp program) {
    WalkResult missing = program.walk([](npu::BufferOp buffer) {
      return buffer.getOffset() || buffer->use_empty() ? WalkResult::advance()
                                                       : WalkResult::interrupt();
    });
    return program.getSramBytes() && !missing.wasInterrupted();
  }

  /// What a transfer touches of scratch. Of the other spaces, no program reads what it writes.
  std::optional<SyncAccess> scratchAccess(Operation *command) const {
    auto dma = dyn_cast<npu::DmaOp>(command);
    if (!dma || dma.getPlace().getSpace() != npu::Space::Scratch)
      return std::nullopt;
    uint64_t begin = scratchBegin + uint64_t(dma.getPlace().getOffset()),
             end = begin + uint64_t(dma.getRun().getValue());
    for (auto [count, stride] : llvm::zip(dma.getCounts(), dma.getPlaceStrides()))
      end += uint64_t((cast<npu::ExtentAttr>(count).getValue() - 1) * stride);
    return SyncAccess{begin, end, dma.getStore()};
  }

  std::vector<SyncCommand> convert(ArrayRef<Operation *> commands) const {
    std::vector<SyncCommand> result;
    for (Operation *command : commands) {
      SyncCommand item;
      item.engine = uint32_t(npu::engineOf(command));
      for (const npu::BufferAccess &access : npu::accessesOf(command)) {
        uint64_t begin = *access.buffer.getDefiningOp<npu::BufferOp>().getOffset() + access.begin;
        item.accesses.push_back({begin, begin + access.bytes, access.isWrite});
      }
      if (std::optional<SyncAccess> access = scratchAccess(command))
        item.accesses.push_back(*access);
      result.push_back(std::move(item));
    }
    return result;
  }

  void apply(ArrayRef<Operation *> commands, const std::vector<SyncCommand> &solved) {
    for (auto [command, answer] : llvm::zip(commands, solved)) {
      SmallVector<Attribute> waits;
      for (const SyncWait &wait : answer.waits)
        waits.push_back(
            npu::WaitAttr::get(&getContext(), npu::Engine(wait.engine), wait.value, wait.perTrip));
      numWaits += waits.size();
      npu::setWaits(command, ArrayAttr::get(&getContext(), waits));
    }
  }

  static constexpr uint64_t kScratchAlignment = 64;
  uint64_t scratchBegin = 0;
};

} // namespace
} // namespace llmc::passes
