// Pass llmc-raise-embedding.
include "mlir/Pass/PassBase.td"

def RaiseEmbeddingPass : Pass<"llmc-raise-embedding", "::mlir::ModuleOp"> {
  let summary = "Raise the token embedding";
  let description = [{
    Requires: `llmc-raise-inputs`, `llmc-simplify-nodes`.
    Ensures:  Gather of a float table by the token ids is `lm.embed`; com.microsoft::GatherBlockQuantized with groups along the row and the
              implied zero point is `lm.quantized_embed`, its integers unpacked to int8 once.
    Fails:    never; what is nearly an embedding is remarked.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
