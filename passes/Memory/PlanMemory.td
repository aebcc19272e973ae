// Pass llmc-plan-memory.
include "mlir/Pass/PassBase.td"

def PlanMemoryPass : Pass<"llmc-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Give every on-chip buffer an address";
  let description = [{
    Requires: npu programs; `npu.target`.
    Ensures:  every `npu.buffer` has an offset; buffers that live together in program order never overlap; the highest address is at most
              the target's SRAM. Stream buffers share a ring in what the others leave. An independent judge has compared every
              pair. `sram` of a program is its highest address, `live` the most bytes that live together in program order, a lower bound
              of any plan, and `prefetch` what the ring has beyond its need, into which loads run ahead.
              A prefill program that does not fit is removed with a warning: a smaller chunk serves instead.
    Fails:    no `npu.target`; a decode or head program that does not fit, naming the fullest step and its buffers.
  }];
  let dependentDialects = ["::llmc::npu::NpuDialect"];
}
