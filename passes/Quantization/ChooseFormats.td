// Pass llmc-choose-formats.
include "mlir/Pass/PassBase.td"

def ChooseFormatsPass : Pass<"llmc-choose-formats", "::mlir::ModuleOp"> {
  let summary = "Give every weight of an embedding or linear layer the format that the recipe says";
  let description = [{
    Requires: a raised program that is not specialized yet.
    Ensures:  the `lm.weight` of every `lm.embed` and `lm.linear` has the `format` of the first rule that matches it; weights that the graph
              brings quantized are matched by a rule that says `keep`. Nothing else changes.
    Fails:    an unknown recipe; a weight that no rule matches; a float weight that a rule says to keep; a quantized weight that a rule gives
              a format; a table whose uses ask for two formats; a layer that reads no `lm.get` of a weight.
  }];
  let options = [
    Option<"recipe", "recipe", "std::string", [{"w4a8-m16"}], "Name of a recipe, or a recipe file ending in .json">,
  ];
  let dependentDialects = ["::llmc::lm::LmDialect"];
}
