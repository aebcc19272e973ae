// Pass llmc-raise-attention.
include "mlir/Pass/PassBase.td"

def RaiseAttentionPass : Pass<"llmc-raise-attention", "::mlir::ModuleOp"> {
  let summary = "Raise attention";
  let description = [{
    Requires: `llmc-raise-linear`, `llmc-raise-rope`; the module's `lm.context` or the option.
    Ensures:  softmax(q k^T * scale + mask) v over cached and new positions is `lm.attention` on the state @kv. By probing it is proved that the
              mask is causal, that heads lie where the canonical program has them, and that keys and values are appended to the cache and
              returned. The scale becomes 1/sqrt(head_dim) where it is within 2 ulp of the precision of the graph. The cache is no argument
              and no result any more.
    Fails:    the context is not known; what is nearly attention is remarked.
  }];
  let options = [Option<"context", "context", "int64_t", "0", "Positions; 0: the module attribute lm.context">];
  let dependentDialects = ["::llmc::lm::LmDialect", "::mlir::arith::ArithDialect"];
}
