// Pass llmc-simplify-nodes.
include "mlir/Pass/PassBase.td"

def SimplifyNodesPass : Pass<"llmc-simplify-nodes", "::mlir::ModuleOp"> {
  let summary = "Remove nodes that compute nothing";
  let description = [{
    Requires: `llmc-raise-inputs`.
    Ensures:  no Identity, no Dropout, no Cast to the type that the value has; a transposed or reshaped weight is a view of its bytes.
    Fails:    never.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
