#include "passes/Lowering/DirectProgram.h"

#include "dialects/Npu/NpuAccess.h"
#include "passes/Lowering/DirectOperands.h"

#include "llvm/Support/MathExtras.h"

#include <deque>

using namespace mlir;

namespace llmc::passes {

namespace {

/// The page that a command reads; null where it reads none.
npu::ViewOp pageOf(Operation *command) {
  for (Value operand : command->getOperands())
    if (auto view = operand.getDefiningOp<npu::ViewOp>(); view && view.getSlot())
      return view;
  return {};
}

bool hasPages(ArrayRef<Operation *> commands) { return llvm::any_of(commands, pageOf); }

struct Item {
  Operation *command = nullptr;
  Trip trip;
};

/// Writes a program's steps. Pages come in order, each read as soon as the kernel that used its
/// slot before is done; so while a kernel runs, the pages behind its own are on their way.
class Sequencer {
public:
  Sequencer(npu::ProgramOp program, FileBuilder &out, const DirectMemories &memories,
            FlatSymbolRefAttr counter)
      : program(program), operands(program, out, memories, counter), slots(memories.slots) {}

  DirectProgram run() {
    npu::CommandList commands = npu::commandsOf(program);
    result.trips = loopTripsOf(program);
    // Whatever the loop leaves to the last trip, and what follows.
    SmallVector<Item> tail;
    for (int64_t trip = result.trips; trip < commands.trips; ++trip)
      append(tail, commands.body, {false, trip});
    append(tail, commands.epilogue, {});
    SmallVector<Item> first, round;
    append(first, commands.prologue, {});
    size_t prologue = first.size();
    if (result.trips) {
      append(round, commands.body, {true, 0});
      append(first, commands.body, {false, 0});
      append(round, commands.body, {true, 1});
    } else {
      first.append(tail);
    }
    if (result.trips && !hasPages(commands.body)) // pages behind the loop are read ahead over it
      first.append(tail);
    begin(first);
    write(first, prologue, result.prologue);
    write(round, result.trips ? commands.body.size() : 0, result.body);
    write(tail, tail.size(), result.epilogue);
    result.kernels = std::move(operands.kernels);
    return std::move(result);
  }

private:
  static void append(SmallVector<Item> &to, ArrayRef<Operation *> commands, Trip trip) {
    for (Operation *command : commands)
      to.push_back({command, trip});
  }

  /// Before anything else: rows of the embedding, then a page for each slot.
  void begin(ArrayRef<Item> items) {
    for (const Item &item : items)
      if (auto embed = dyn_cast<npu::EmbedRowsOp>(item.command); embed && embed.getGathered()) {
        result.prologue.push_back(operands.gatherOf(embed));
        submitted += embed.getTokens().getValue();
        gathered = submitted;
      }
    int64_t left = slots;
    for (const Item &item : items)
      if (pageOf(item.command) && left-- > 0)
        read(item, result.prologue);
  }

  /// Steps of the first `count` items; the others are read ahead. `slots` pages from the first item
  /// on are under way or there.
  void write(ArrayRef<Item> items, size_t count, SmallVector<DirectStep> &steps) {
    SmallVector<size_t> ahead; // indices of items with pages that are not read yet
    int64_t known = slots;
    for (auto [index, item] : llvm::enumerate(items))
      if (pageOf(item.command) && known-- <= 0)
        ahead.push_back(index);
    auto next = ahead.begin();
    for (const Item &item : items.take_front(count)) {
      bool isPaged = bool(pageOf(item.command));
      if (auto embed = dyn_cast<npu::EmbedRowsOp>(item.command); embed && embed.getGathered())
        steps.push_back(DirectWait{submitted - gathered});
      if (isPaged) {
        steps.push_back(DirectWait{submitted - pending.front()});
        pending.pop_front();
      }
      steps.push_back(operands.callOf(item.command, item.trip));
      if (isPaged && next != ahead.end()) {
        steps.push_back(DirectWait{0, true});
        read(items[*next++], steps);
      }
    }
  }

  void read(const Item &item, SmallVector<DirectStep> &steps) {
    for (const DirectRead &part : operands.readsOf(pageOf(item.command), item.trip)) {
      steps.push_back(part);
      ++submitted;
    }
    pending.push_back(submitted);
  }

  npu::ProgramOp program;
  DirectOperands operands;
  int64_t slots;
  int64_t submitted = 0, gathered = 0; ///< Reads; and those when the last row was asked for.
  std::deque<int64_t> pending;         ///< Reads after each page that is under way.
  DirectProgram result;
};

} // namespace

void PagesNeed::add(npu::ProgramOp program) {
  constexpr int64_t alignment = 64;
  program.walk([&](npu::ViewOp view) {
    if (!view.getSlot())
      return;
    slots = std::max(slots, int64_t(*view.getSlot()) + 1);
    slotBytes = std::max(slotBytes, int64_t(llvm::alignTo(view.getBytes(), alignment)));
  });
  program.walk([&](npu::EmbedRowsOp embed) {
    int64_t bytes = embed.getTokens().getValue() * int64_t(embed.getGathered().value_or(0));
    gatheredBytes = std::max(gatheredBytes, int64_t(llvm::alignTo(bytes, alignment)));
  });
}

int64_t loopTripsOf(npu::ProgramOp program) {
  npu::CommandList commands = npu::commandsOf(program);
  return commands.trips - (commands.trips && hasPages(commands.body) ? 1 : 0);
}

DirectProgram outlineKernels(npu::ProgramOp program, FileBuilder &out,
                             const DirectMemories &memories, FlatSymbolRefAttr counter) {
  return Sequencer(program, out, memories, counter).run();
}

} // namespace llmc::passes
