// Pass llmc-lower-npu-to-plan.
include "mlir/Pass/PassBase.td"

def LowerNpuToPlanPass : Pass<"llmc-lower-npu-to-plan", "::mlir::ModuleOp"> {
  let summary = "Decide everything the plan file says";
  let description = [{
    Requires: planned npu programs and `npu.chunk_rows`; one `lm.kv_state` of f16; weights laid out as `npu.constant`; `plan.placement` on the
              module and a `plan.file` with one `plan.target` (of direct machines one for each kind of code, and those of a fallback device,
              which is another than `npu.target` names), one `plan.model`, and `plan.tokenizer` where there is one.
    Ensures:  the `plan.file` has regions, segments, buffers, operands, parameters, states, a queue, and for each program one kernel and one
              entry. Parameters are shared by all programs: position, tokens, KV length, first row of a head, then derived ones. Kernels
              have no blob yet, and what is as long as their blobs has no size. A region for what is staged is there where a program
              uses scratch.
              Kernels with `npu.fallback` are the fallback device's: each kind of code of the machine then has entries with each of its, a
              kernel waits for the queue before where that is another device's, and targets that run nothing are gone.
    Fails:    one of what is required is missing; the programs need more run-time parameters than a runtime holds; an
              entry has more rows than Io was laid out for; the KV cache is shorter than the context
              or too large for the strides of a state.
  }];
  let dependentDialects = ["::llmc::plan::PlanDialect"];
}
