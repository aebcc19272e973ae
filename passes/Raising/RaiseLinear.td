// Pass llmc-raise-linear.
include "mlir/Pass/PassBase.td"

def RaiseLinearPass : Pass<"llmc-raise-linear", "::mlir::ModuleOp"> {
  let summary = "Raise linear layers";
  let description = [{
    Requires: `llmc-raise-inputs`, `llmc-simplify-nodes`.
    Ensures:  a product of an activation with a weight, and the bias added to it, is `lm.linear` on an [out, in] view;
              com.microsoft::MatMulNBits of 4 or 8 bits with the implied zero point is `lm.quantize_rows` and `lm.quantized_linear` with
              the file's integers and scales. Its accuracy_level is reported and not followed.
    Fails:    never; what is nearly a linear layer is remarked.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
