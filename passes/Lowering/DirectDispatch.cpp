#include "passes/Lowering/DirectDispatch.h"

using namespace mlir;

namespace llmc::passes {

DirectDispatch::Queue &DirectDispatch::queueOf(const DirectCall &call) {
  return *llvm::find_if(queues, [&](const Queue &queue) { return queue.kernels[call.kernel]; });
}

void DirectDispatch::wait(Queue &queue) {
  plan::WaitOp::create(builder, loc, queue.symbol, /*outstanding=*/0);
}

void DirectDispatch::create(const DirectCall &call) {
  Queue &queue = queueOf(call);
  for (Queue &other : queues)
    if (&other != &queue && other.busy) {
      wait(other);
      other.busy = false;
    }
  plan::DispatchOp::create(builder, loc, queue.kernels[call.kernel], queue.symbol,
                           builder.getArrayAttr(call.args));
  queue.busy = true;
  last = &queue;
}

void DirectDispatch::create(const DirectRead &read) {
  plan::PrefetchOp::create(builder, loc, read.source.getValue(), read.destination.getValue(),
                           uint64_t(read.bytes));
}

void DirectDispatch::create(const DirectGather &gather) {
  plan::GatherOp::create(builder, loc, gather.table.getValue(), gather.ids.getValue(),
                         gather.destination.getValue(), uint64_t(gather.rowBytes),
                         uint64_t(gather.bound));
}

/// No other queue than the last dispatch's has work.
void DirectDispatch::create(const DirectWait &wait) {
  plan::WaitOp::create(builder, loc, wait.forDispatches ? last->symbol : FlatSymbolRefAttr(),
                       uint64_t(wait.outstanding));
}

void DirectDispatch::add(ArrayRef<DirectStep> steps) {
  for (const DirectStep &step : steps)
    std::visit([&](const auto &known) { create(known); }, step);
}

void DirectDispatch::addRepeated(ArrayRef<DirectStep> steps) {
  for (const DirectStep &step : llvm::reverse(steps))
    if (const auto *call = std::get_if<DirectCall>(&step)) {
      queueOf(*call).busy = true;
      break;
    }
  add(steps);
}

} // namespace llmc::passes
