// Pass llmc-raise-inputs.
include "mlir/Pass/PassBase.td"

def RaiseInputsPass : Pass<"llmc-raise-inputs", "::mlir::ModuleOp"> {
  let summary = "Give the program token ids and a position";
  let description = [{
    Requires: an imported program; arguments carry `lm.name`.
    Ensures:  two new arguments, the token ids (`tensor<?xi32>`) and the position of the first one (`i32`); every argument has its `lm.role`.
              Batch 1 without padding is assumed from here on: the mask is all ones, position ids count up from the position.
    Fails:    an input whose role is not clear; a batch that is fixed to more than 1.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
