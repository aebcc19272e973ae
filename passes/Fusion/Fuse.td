// Pass llmc-fuse.
include "mlir/Pass/PassBase.td"

def FusePass : Pass<"llmc-fuse", "::mlir::func::FuncOp"> {
  let summary = "Group operations whose intermediate values never need memory of their own";
  let description = [{
    Requires: static shapes.
    Ensures:  each of these is an `lm.group`, which becomes one vector chain, or one loop over weight tiles:
              a norm and the quantization of its rows; a rotation and its rounding to f16; a gated activation with the two linear layers
              that feed it. Where others read a value between them, nothing is grouped.
    Fails:    never.
  }];
  let statistics = [Statistic<"numGroups", "num-groups", "Groups formed">];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
