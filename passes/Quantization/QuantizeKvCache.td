// Pass llmc-quantize-kv-cache.
include "mlir/Pass/PassBase.td"

def QuantizeKvCachePass : Pass<"llmc-quantize-kv-cache", "::mlir::ModuleOp"> {
  let summary = "Hold the key/value cache in f16";
  let description = [{
    Requires: a raised program.
    Ensures:  every `lm.kv_state` is of f16, and every `lm.attention` reads q, k and v rounded by `lm.round_f16` (q and k after their rotation). Each
              value is rounded once, right after it is computed.
    Fails:    never.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
