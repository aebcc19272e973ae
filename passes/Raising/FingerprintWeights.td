// Pass llmc-fingerprint-weights.
include "mlir/Pass/PassBase.td"

def FingerprintWeightsPass : Pass<"llmc-fingerprint-weights", "::mlir::ModuleOp"> {
  let summary = "Replace the bytes of weights by digests of their contents";
  let description = [{
    Requires: nothing.
    Ensures:  the value of every `lm.weight` is zeros; `lm.digest` is the SHA-256 of its elements in row-major order of the view. Programs print alike
              exactly where they compute the same.
    Fails:    the bytes of a weight are not in the module.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
