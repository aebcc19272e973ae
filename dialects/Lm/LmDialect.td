// The lm dialect: what a transformer computes.
#ifndef LLMC_DIALECTS_LM_LMDIALECT
#define LLMC_DIALECTS_LM_LMDIALECT

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def LmDialect : Dialect {
  let name = "lm";
  let cppNamespace = "::llmc::lm";
  let summary = "What a transformer language model computes, on tensors";
  let description = [{
    One program computes the logits of a chunk of tokens: batch 1, activations are `[tokens, channels]`, linear layers are `[out, in]`.
    The position of the chunk's first token is an `i32` argument; the key/value cache is a state, named by symbol.

    Weights are symbols (`lm.weight`) that refer to the bytes of the model file; `lm.get` makes them values. Scales of quantized weights are
    tensors of their own and reach an operation as operands.

    *Not here*: attention masks and position ids (batch 1 without padding makes them functions of the position; import checks and drops
    them), packed q/k/v (split by view), transposed weights (a view), shape arithmetic (folded while raising).
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
}

class Lm_Attr<string name, string attrMnemonic> : AttrDef<LmDialect, name> {
  let mnemonic = attrMnemonic;
}

def Lm_ElementKind : I32EnumAttr<"ElementKind", "stored element of a weight", [
  I32EnumAttrCase<"I8", 0, "i8">, I32EnumAttrCase<"I4", 1, "i4">, I32EnumAttrCase<"I3", 2, "i3">, I32EnumAttrCase<"I2", 3, "i2">,
  I32EnumAttrCase<"Ternary", 4, "ternary">, I32EnumAttrCase<"Table16", 5, "table16">, I32EnumAttrCase<"E2M1", 6, "e2m1">,
  I32EnumAttrCase<"E4M3", 7, "e4m3">, I32EnumAttrCase<"E5M2", 8, "e5m2">]> {
  let cppNamespace = "::llmc::lm";
  let genSpecializedAttr = 0;
}

def Lm_ScaleKind : I32EnumAttr<"ScaleKind", "how elements are scaled", [
  I32EnumAttrCase<"F32", 0, "f32">, I32EnumAttrCase<"F16", 1, "f16">, I32EnumAttrCase<"E8M0", 2, "e8m0">,
  I32EnumAttrCase<"Multiplier", 3, "multiplier">]> {
  let cppNamespace = "::llmc::lm";
  let genSpecializedAttr = 0;
}

def Lm_ActivationKind : I32EnumAttr<"ActivationKind", "gate activation", [
  I32EnumAttrCase<"Silu", 0, "silu">]> {
  let cppNamespace = "::llmc::lm";
  let genSpecializedAttr = 0;
}
def Lm_ActivationKindAttr : EnumAttr<LmDialect, Lm_ActivationKind, "activation">;

def Lm_EntryKind : I32EnumAttr<"EntryKind", "what an entry computes", [
  I32EnumAttrCase<"Prefill", 0, "prefill">, I32EnumAttrCase<"Decode", 1, "decode">, I32EnumAttrCase<"Head", 2, "head">]> {
  let cppNamespace = "::llmc::lm";
  let genSpecializedAttr = 0;
}

def Lm_EntryAttr : Lm_Attr<"Entry", "entry"> {
  let summary = "Makes a function an entry of the program";
  let description = [{
    On a function as `lm.entry`. `prefill` and `decode` take token ids and a position to hidden states, `head` takes hidden states to
    logits; `rows` is the static number of rows.

    Example: `#lm.entry<prefill, rows = 128>`
  }];
  let parameters = (ins EnumParameter<Lm_EntryKind>:$kind, "int64_t":$rows);
  let assemblyFormat = "`<` $kind `,` `rows` `=` $rows `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static constexpr llvm::StringLiteral functionAttributeName = "lm.entry";
    /// The entry that `function` is, or null.
    static EntryAttr of(::mlir::Operation *function);
  }];
}

def Lm_FormatAttr : Lm_Attr<"Format", "format"> {
  let summary = "How a weight is stored";
  let description = [{
    `element` is the stored element, `group` the number of elements of the input axis that share a scale (0: the whole row), `scale` the
    kind of scale: `f32` or `f16` or `e8m0` per group, or `multiplier`: a small integer per group times one f32 per row, which decodes to
    int8 (docs/numerics.md, "Linear layers").

    Example: `#lm.format<i4, group = 32, scale = multiplier>`
  }];
  let parameters = (ins EnumParameter<Lm_ElementKind>:$element, "uint32_t":$group,
                        EnumParameter<Lm_ScaleKind>:$scale);
  let assemblyFormat = "`<` $element `,` `group` `=` $group `,` `scale` `=` $scale `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// True where elements times multipliers fit int8 and one int32 sum serves the whole row.
    bool decodesToInt8() const;
    /// Scales of one row of `columns` elements.
    int64_t groupsPerRow(int64_t columns) const;
    /// Bits in which an element is stored.
    unsigned elementBits() const;
  }];
}

def Lm_RopeAttr : Lm_Attr<"Rope", "rope"> {
  let summary = "Rotary position embedding by formula";
  let description = [{
    Half-split rotation of the first `dim` elements of every head with `inv[i] = base^(-2i/dim)`, entries times `scaling`
    (docs/numerics.md, "RoPE").
  }];
  let parameters = (ins "::mlir::FloatAttr":$base, "uint32_t":$dim, "::mlir::FloatAttr":$scaling);
  let assemblyFormat = "`<` `base` `=` $base `,` `dim` `=` $dim `,` `scaling` `=` $scaling `>`";
}

#endif
