// Pass llmc-specialize.
include "mlir/Pass/PassBase.td"

def SpecializePass : Pass<"llmc-specialize", "::mlir::ModuleOp"> {
  let summary = "Make static entries of the dynamic program, with layers outlined once";
  let description = [{
    Requires: a raised module whose `@main(ids, position)` computes the logits of a chunk. Sizes come from the options, or else from `npu.target`.
    Ensures:  `@main` is replaced by `@prefill_N` for each chunk size and `@decode`, which end at the last layer's hidden state, and by
              `@head_N`, which compute logits from hidden rows. Layers of equal structure and formats are one function that
              `lm.repeat` instantiates with the weights of each layer. The KV capacity is the context rounded up to the largest
              chunk. Every shape is static. Where rows of logits are no multiple of the target's alignment, a warning says that the
              only head has one row.
    Fails:    no `@main` of that form; no attention, or one that is not between two places where the hidden state alone is live; a layer's
              index that is no constant; ids read in a layer, or ids or position in the head; a size below 1 or given twice.
  }];
  let options = [
    ListOption<"chunks", "chunks", "int64_t", "Prefill chunk sizes, instead of the target's">,
    Option<"headRows", "head-rows", "int64_t", "0", "Rows of the larger head entry, instead of the target's">,
  ];
}
