// Pass llmc-synchronize.
include "mlir/Pass/PassBase.td"

def SynchronizePass : Pass<"llmc-synchronize", "::llmc::npu::ProgramOp"> {
  let summary = "Order the engines by waits";
  let description = [{
    Requires: a program whose buffers have offsets.
    Ensures:  commands of different engines that touch the same bytes, one of them writing, keep their program order; an independent check has
              found no unordered pair. Waits inside the layer loop are affine in the trip.
    Fails:    never on planned programs; an unplanned buffer is an error.
  }];
  let statistics = [Statistic<"numWaits", "num-waits", "Waits inserted">];
}
