// Pass llmc-finish-program.
include "mlir/Pass/PassBase.td"

def FinishProgramPass : Pass<"llmc-finish-program", "::mlir::ModuleOp"> {
  let summary = "Give the program its canonical signature, order and names";
  let description = [{
    Requires: `llmc-verify-raised`.
    Ensures:  @main takes the token ids and the position and returns the logits, `tensor<?xVxf32>`; operations stand in the order of a depth-first walk
              from the logits; layers count from 0; equal weights are one symbol; weights are named by their role.
    Fails:    results beside the logits that are no cache; arguments that are still read.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect", "::mlir::arith::ArithDialect"];
}
