// Pass llmc-synchronize.
include "mlir/Pass/PassBase.td"

def SynchronizePass : Pass<"llmc-synchronize", "::llmc::npu::ProgramOp"> {
  let summary = "Order the engines by waits";
  let description = [{
    Requires: a program whose buffers have offsets.
    Ensures:  commands of different engines that touch the same bytes, on chip or in scratch, one of them writing, keep their program order; an independent check has
              found no unordered pair. Waits inside the layer loop are affine in the trip.
    Fails:    a program or a buffer in use without an address.
  }];
  let statistics = [Statistic<"numWaits", "num-waits", "Waits inserted">];
}
