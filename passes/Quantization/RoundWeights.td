// Pass llmc-round-weights.
include "mlir/Pass/PassBase.td"

def RoundWeightsPass : Pass<"llmc-round-weights", "::mlir::ModuleOp"> {
  let summary = "Round weights to their formats and compute with them";
  let description = [{
    Requires: `llmc-choose-formats`.
    Ensures:  a weight `@w` with a `format` is replaced by its integers `@w` (one to a byte), `@w.scales` and, where the format has them,
              `@w.multipliers`, rounded as docs/numerics.md says, once however many operations read it; `@w` carries `lm.rounding`, the
              squared error and what had to be clamped. `lm.embed` becomes `lm.quantized_embed`, `lm.linear` becomes
              `lm.quantized_linear` on `lm.quantize_rows` of its input. Each value is quantized once. The bytes of the model file are
              neither changed nor freed.
    Fails:    a NaN or infinity, with the weight, row and column; a scale that its format cannot hold; a weight with a format that is no matrix
              of f32, or that another operation reads.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
