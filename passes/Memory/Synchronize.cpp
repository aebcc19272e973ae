// Pass llmc-synchronize: waits between engines.
#include "passes/Memory/Synchronize.h"

#include "dialects/Npu/NpuAccess.h"
#include "passes/Algorithms/Synchronization.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_SYNCHRONIZEPASS
#include "passes/Memory/Synchronize.h.inc"

namespace {

struct SynchronizePass : impl::SynchronizePassBase<SynchronizePass> {
  void runOnOperation() override {
    npu::ProgramOp program = getOperation();
    if (!isPlanned(program)) {
      program.emitError() << "llmc-synchronize needs addresses; run llmc-plan-memory first";
      return signalPassFailure();
    }
    npu::CommandList commands = npu::commandsOf(program);
    SyncProgram sync;
    sync.engines = npu::getMaxEnumValForEngine() + 1;
    sync.trips = uint32_t(commands.trips);
    sync.prologue = convert(commands.prologue);
    sync.body = convert(commands.body);
    sync.epilogue = convert(commands.epilogue);
    synchronize(sync, *program.getSramBytes());
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

  static std::vector<SyncCommand> convert(ArrayRef<Operation *> commands) {
    std::vector<SyncCommand> result;
    for (Operation *command : commands) {
      SyncCommand item;
      item.engine = uint32_t(npu::engineOf(command));
      for (const npu::BufferAccess &access : npu::accessesOf(command)) {
        uint64_t begin = *access.buffer.getDefiningOp<npu::BufferOp>().getOffset() + access.begin;
        item.accesses.push_back({begin, begin + access.bytes, access.isWrite});
      }
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
};

} // namespace
} // namespace llmc::passes
