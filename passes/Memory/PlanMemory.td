// Pass llmc-plan-memory.
include "mlir/Pass/PassBase.td"

def PlanMemoryPass : Pass<"llmc-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Give every on-chip buffer an address";
  let description = [{
    Requires: npu programs; `npu.target`.
    Ensures:  every `npu.buffer` has an offset; buffers that live together in program order never overlap; the highest address is at most
              the target's SRAM. A stream buffer's bytes are free for as many steps before its load as there is room, so that loads run
              ahead. An independent judge has compared every pair. `sram` of a program is its highest address, `live` the most bytes that
              live together in program order, a lower bound of any plan, and `prefetch` what of `sram` only serves running ahead: a machine
              with `sram` - `prefetch` bytes gets a plan of the same commands. `held` is the most that lives together when a load's buffer
              counts from where its load may run ahead to, a lower bound of `sram`.
              A prefill program that does not fit is removed with a warning: a smaller chunk serves instead; `npu.left_out` on the module has its
              name and the reason.
    Fails:    no `npu.target`; a decode or head program that does not fit, naming the fullest step and its buffers.
  }];
  let dependentDialects = ["::llmc::npu::NpuDialect"];
}
