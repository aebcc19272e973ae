// Pass llmc-raise-residual.
include "mlir/Pass/PassBase.td"

def RaiseResidualPass : Pass<"llmc-raise-residual", "::mlir::ModuleOp"> {
  let summary = "Raise sums of activations";
  let description = [{
    Requires: `llmc-raise-linear`, which takes the sums that are biases.
    Ensures:  Add of two activations of one shape is `lm.add`.
    Fails:    never.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
