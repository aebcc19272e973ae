// Pass llmc-raise-group-query-attention.
include "mlir/Pass/PassBase.td"

def RaiseGroupQueryAttentionPass : Pass<"llmc-raise-group-query-attention", "::mlir::ModuleOp"> {
  let summary = "Raise com.microsoft::GroupQueryAttention";
  let description = [{
    Requires: `llmc-raise-linear`; the module's `lm.context` or the option.
    Ensures:  the operator is `lm.attention`, with `lm.rope` in front where it rotates; a packed linear layer that feeds it is three, whose weights
              are views of rows. Sequence lengths are proved by probing; the cos and sin caches snap to a formula as in
              `llmc-raise-rope`.
    Fails:    the context is not known; what the canonical attention has not (windows, soft caps, sinks, biases) is remarked.
  }];
  let options = [Option<"context", "context", "int64_t", "0", "Positions; 0: the module attribute lm.context">];
  let dependentDialects = ["::llmc::lm::LmDialect", "::mlir::arith::ArithDialect"];
}
