// Pass llmc-layout-weights.
include "mlir/Pass/PassBase.td"

def LayoutWeightsPass : Pass<"llmc-layout-weights", "::mlir::ModuleOp"> {
  let summary = "Give every constant of the entries a place in the weights segment";
  let description = [{
    Requires: a specialized module; `npu.target`, and `npu.packing` for a direct machine or weights in a layout of the target's own.
    Ensures:  one `npu.constant` for each matrix that a quantized operation reads (with its scales), each vector, and each rotation table.
              The layers of one `lm.repeat` lie at a constant stride, weights in order of use, so that one address serves all layers. What
              several entries or operations share is stored once, but for tables that are gathered as row records and multiplied with in
              another layout. With a `weight_budget` that not all fit, matrices are `paged`, vectors and tables are not.
    Fails:    no `npu.target`; a matrix whose size `npu.packing` does not give; one used with two different sets of scales or formats; a
              weight that is no `lm.get`; a rotation by an explicit table.
  }];
  let dependentDialects = ["::llmc::npu::NpuDialect"];
}
