// Pass llmc-collect-weight-statistics.
include "mlir/Pass/PassBase.td"

def CollectWeightStatisticsPass : Pass<"llmc-collect-weight-statistics", "::mlir::ModuleOp"> {
  let summary = "Measure every fp32 weight";
  let description = [{
    Requires: nothing.
    Ensures:  every f32 matrix or vector carries `lm.statistics`, its largest magnitude and its root mean square, for the report. All their
              numbers are finite. (`llmc-round-weights` adds what rounding did, without rounding twice.)
    Fails:    a NaN or infinity, with the weight, row and column; bytes that are not there.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
