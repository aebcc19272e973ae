// Pass llmc-widen-halves.
include "mlir/Pass/PassBase.td"

def WidenHalvesPass : Pass<"llmc-widen-halves", "::mlir::ModuleOp"> {
  let summary = "Let a graph in half precision compute in fp32";
  let description = [{
    Requires: an imported graph.
    Ensures:  no value, constant or Cast is of f16 or bf16; weights that the file stores so are f32 and keep their bytes. Values only gain precision.
              Until `llmc-finish-program` the module attribute `lm.widened_from` says what the constants were rounded to. A note says that it was done.
    Fails:    never.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
