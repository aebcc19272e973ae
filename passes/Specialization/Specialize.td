// Pass llmc-specialize.
include "mlir/Pass/PassBase.td"

def SpecializePass : Pass<"llmc-specialize", "::mlir::ModuleOp"> {
  let summary = "Make static entries of the dynamic program, with layers outlined once";
  let description = [{
    Requires: a raised module whose `@main(ids, position)` computes the logits of a chunk; `npu.target` on the module, or the options.
    Ensures:  `@main` is replaced by `@prefill_N` for each chunk size and `@decode`, which end at the last layer's hidden state, and by
              `@head_N`, which compute logits from hidden rows. Layers of equal structure and formats are one function that
              `lm.repeat` instantiates with the weights of each layer. The KV capacity is the context rounded up to the largest
              chunk. Every shape is static.
    Fails:    no `@main` of that form; no layer found; a context beyond the model's.
  }];
  let options = [
    ListOption<"chunks", "chunks", "int64_t", "Prefill chunk sizes, instead of the target's">,
    Option<"headRows", "head-rows", "int64_t", "0", "Rows of the larger head entry, instead of the target's">,
  ];
}
