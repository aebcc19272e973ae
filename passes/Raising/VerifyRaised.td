// Pass llmc-verify-raised.
include "mlir/Pass/PassBase.td"

def VerifyRaisedPass : Pass<"llmc-verify-raised", "::mlir::ModuleOp"> {
  let summary = "Fail where a node was not understood";
  let description = [{
    Requires: the raising passes.
    Ensures:  no `lm.opaque` is left; the match report is written where the option asks for it.
    Fails:    one error that lists all remaining nodes by domain, operator and version, unknown operators first.
  }];
  let options = [Option<"reportFile", "report-file", "std::string", "", "Write the match report there, as JSON">];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
