// Pass llmc-raise-rope.
include "mlir/Pass/PassBase.td"

def RaiseRopePass : Pass<"llmc-raise-rope", "::mlir::ModuleOp"> {
  let summary = "Raise rotary position embedding";
  let description = [{
    Requires: `llmc-raise-linear`; the module's `lm.context` or the option.
    Ensures:  x * cos + rotate_half(x) * sin of heads that come from one activation is `lm.rope` on its rows. The tables are computed for every
              position of the context and become a formula where they agree with one (docs/numerics.md, "Canonical lm program"),
              which is reported as a snap; otherwise they stay as weights.
    Fails:    the context is not known; what is nearly a rotation is remarked.
  }];
  let options = [Option<"context", "context", "int64_t", "0", "Positions; 0: the module attribute lm.context">];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
