// Pass llmc-raise-rms-norm.
include "mlir/Pass/PassBase.td"

def RaiseRmsNormPass : Pass<"llmc-raise-rms-norm", "::mlir::ModuleOp"> {
  let summary = "Raise RMSNorm";
  let description = [{
    Requires: `llmc-raise-inputs`, `llmc-simplify-nodes`.
    Ensures:  x / sqrt(mean(x^2) + e) * w over the last axis of an activation, in any of its spellings, is `lm.rms_norm`, and so are
              SimplifiedLayerNormalization and RMSNormalization; SkipSimplifiedLayerNormalization is `lm.add` and `lm.rms_norm`.
    Fails:    never; what is nearly a norm is remarked.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
