// Pass llmc-page-weights.
include "mlir/Pass/PassBase.td"

def PageWeightsPass : Pass<"llmc-page-weights", "::mlir::ModuleOp"> {
  let summary = "Cut linear layers whose weights are paged into slices that fit a slot";
  let description = [{
    Requires: npu programs of a direct machine; `npu.target`, `npu.packing`. Without a `weight_budget` there is nothing to do.
    Ensures:  every `npu.matmul` on `paged` weights computes some rows of its matrix, whose bytes, a page, fit a slot; its view names the slot.
              Pages take turns in the slots in program order, and the pages of the loop are a multiple of the slots, so that each has the same
              slot in every trip. A page of gates holds as many of their ups. `npu.embed_rows` of a paged table reads gathered rows. Slots,
              gathered rows and the weights that are not paged fit the budget together.
    Fails:    a budget too small for a row of every matrix; a paged operand of another command.
  }];
  let dependentDialects = ["::llmc::npu::NpuDialect"];
}
