// Pass llmc-raise-gated-act.
include "mlir/Pass/PassBase.td"

def RaiseGatedActPass : Pass<"llmc-raise-gated-act", "::mlir::ModuleOp"> {
  let summary = "Raise gated activations";
  let description = [{
    Requires: `llmc-raise-inputs`.
    Ensures:  (g * sigmoid(g)) * u of two activations is `lm.gated_act silu`.
    Fails:    never; what is nearly a gated activation is remarked.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
