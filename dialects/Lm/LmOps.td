// Operations of the lm dialect.
#ifndef LLMC_DIALECTS_LM_LMOPS
#define LLMC_DIALECTS_LM_LMOPS

include "dialects/Lm/LmDialect.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

class Lm_Op<string mnemonic, list<Trait> traits = []> : Op<LmDialect, mnemonic, traits>;

//===-- Model data ---------------------------------------------------------------------------------------------------------------------===//

def WeightOp : Lm_Op<"weight", [Symbol]> {
  let summary = "A constant tensor of the model";
  let description = [{
    `value` holds the bytes as the model file stores them, usually a resource that maps the file. With `offset` and `strides` (in elements)
    the weight is a strided view of them: element `(i, j)` is `value[offset + i*strides[0] + j*strides[1]]`; without, the shape of `value` is
    the weight's shape. The elements of both are of one type, or `value` stores f16 or bf16 and the weight is f32: whoever reads it widens them,
    which is exact. `format` is the choice of storage that quantization has made and not yet carried out.

    ```mlir
    lm.weight @layers.0.q : tensor<256x256xf32> = dense_resource<qkv> : tensor<256x512xf32> view offset 0 strides [1, 512]
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyStaticShapeTensor>:$type, ElementsAttr:$value,
                       OptionalAttr<I64Attr>:$offset, OptionalAttr<DenseI64ArrayAttr>:$strides, OptionalAttr<Lm_FormatAttr>:$format);
  let assemblyFormat = [{
    $sym_name `:` $type `=` $value (`view` `offset` $offset^ `strides` $strides)? (`format` $format^)? attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType tensorType() { return ::llvm::cast<::mlir::RankedTensorType>(getType()); }
  }];
}

def GetOp : Lm_Op<"get", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The value of a weight";
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
}

def KvStateOp : Lm_Op<"kv_state", [Symbol]> {
  let summary = "The key/value cache";
  let description = [{
    Per layer, keys and values of `kv_heads` heads of `head_dim` elements for up to `capacity` positions. Empty when a session begins;
    attention reads positions before the chunk and appends the chunk's own.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$layers, I64Attr:$kv_heads, I64Attr:$head_dim, I64Attr:$capacity,
                       TypeAttr:$element);
  let assemblyFormat = [{
    $sym_name `layers` $layers `kv_heads` $kv_heads `head_dim` $head_dim `capacity` $capacity `of` $element attr-dict
  }];
  let hasVerifier = 1;
}

def OpaqueOp : Lm_Op<"opaque"> {
  let summary = "An ONNX node that is not understood yet";
  let description = [{
    Keeps everything the file says: domain (empty for the standard operators), operator type, version of the domain, name and attributes.
    A missing optional input is the result of `lm.none`. Whatever still stands after raising is an error that lists all of them.
  }];
  let arguments = (ins Variadic<AnyType>:$inputs, StrAttr:$domain, StrAttr:$op_type, I64Attr:$version, StrAttr:$node_name,
                       DictionaryAttr:$node_attributes);
  let results = (outs Variadic<AnyType>:$outputs);
  let assemblyFormat = [{
    $domain $op_type `version` $version `name` $node_name `(` $inputs `)` $node_attributes attr-dict `:` functional-type($inputs, $outputs)
  }];
}

def NoneOp : Lm_Op<"none", [Pure]> {
  let summary = "A missing optional input of an ONNX node";
  let results = (outs NoneType:$result);
  let assemblyFormat = "attr-dict";
  let builders = [OpBuilder<(ins), [{ $_state.addTypes($_builder.getNoneType()); }]>];
}

//===-- Computation --------------------------------------------------------------------------------------------------------------------===//

def Lm_Ids : TensorRankOf<[I32], [1]>;
def Lm_Rows : TensorRankOf<[F32], [2]>;
def Lm_RowsOrHalf : TensorRankOf<[F32, F16], [2]>;
def Lm_RowsI8 : TensorRankOf<[I8], [2]>;
def Lm_Vector : TensorRankOf<[F32], [1]>;

def EmbedOp : Lm_Op<"embed", [Pure]> {
  let summary = "Rows of a table by token id";
  let description = [{ `[tokens]`, `[vocabulary, channels]` -> `[tokens, channels]`. }];
  let arguments = (ins Lm_Ids:$ids, Lm_Rows:$table);
  let results = (outs Lm_Rows:$result);
  let assemblyFormat = "$ids `,` $table attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def QuantizedEmbedOp : Lm_Op<"quantized_embed", [Pure]> {
  let summary = "Dequantized rows of a quantized table by token id";
  let description = [{ Element `q*s`, with the scale of its row or group; `multipliers` where the format has them. }];
  let arguments = (ins Lm_Ids:$ids, Lm_RowsI8:$table, AnyStaticShapeTensor:$scales, Optional<Lm_RowsI8>:$multipliers,
                       Lm_FormatAttr:$format);
  let results = (outs Lm_Rows:$result);
  let assemblyFormat = [{
    $ids `,` $table `,` $scales (`,` $multipliers^)? $format attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def LinearOp : Lm_Op<"linear", [Pure]> {
  let summary = "y = x * transpose(w) + bias";
  let description = [{ `[tokens, in]`, `[out, in]`, optional `[out]` -> `[tokens, out]`. }];
  let arguments = (ins Lm_Rows:$input, Lm_Rows:$weight, Optional<Lm_Vector>:$bias);
  let results = (outs Lm_Rows:$result);
  let assemblyFormat = "$input `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def QuantizeRowsOp : Lm_Op<"quantize_rows", [Pure]> {
  let summary = "Dynamic int8 quantization of every row";
  let description = [{ `[tokens, channels]` -> int8 `[tokens, channels]` and one fp32 scale a row (docs/numerics.md, "Linear layers"). }];
  let arguments = (ins Lm_Rows:$input);
  let results = (outs Lm_RowsI8:$values, Lm_Vector:$scales);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def QuantizedLinearOp : Lm_Op<"quantized_linear", [Pure, AttrSizedOperandSegments]> {
  let summary = "A linear layer on int8 rows and a quantized weight";
  let description = [{
    `scales` is `[out]` where one serves the row and `[out, groups]` otherwise; `multipliers` are `[out, groups]` where the format has them.
    The order of every operation is that of docs/numerics.md.
  }];
  let arguments = (ins Lm_RowsI8:$input, Lm_Vector:$inputScales, Lm_RowsI8:$weight, AnyStaticShapeTensor:$scales,
                       Optional<Lm_RowsI8>:$multipliers, Optional<Lm_Vector>:$bias, Lm_FormatAttr:$format);
  let results = (outs Lm_Rows:$result);
  let assemblyFormat = [{
    $input `,` $inputScales `,` $weight `,` $scales (`multipliers` $multipliers^)? (`bias` $bias^)? $format attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def RmsNormOp : Lm_Op<"rms_norm", [Pure]> {
  let summary = "y = x * rsqrt(mean(x^2) + epsilon) * w, row by row";
  let arguments = (ins Lm_Rows:$input, Lm_Vector:$weight, F32Attr:$epsilon);
  let results = (outs Lm_Rows:$result);
  let assemblyFormat = "$input `,` $weight `epsilon` $epsilon attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def RopeOp : Lm_Op<"rope", [Pure, AttrSizedOperandSegments]> {
  let summary = "Rotary position embedding of every head";
  let description = [{
    Row r has position `position + r`. The rotation is given by formula (`rope`), or by explicit tables `cos` and `sin` of shape
    `[positions, dim/2]` where a model's own values do not follow one.
  }];
  let arguments = (ins Lm_Rows:$input, I32:$position, Optional<Lm_Rows>:$cos, Optional<Lm_Rows>:$sin, I64Attr:$heads,
                       OptionalAttr<Lm_RopeAttr>:$rope);
  let results = (outs Lm_Rows:$result);
  let assemblyFormat = [{
    $input `at` $position (`table` $cos^ `,` $sin)? `heads` $heads (`formula` $rope^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def RoundF16Op : Lm_Op<"round_f16", [Pure]> {
  let summary = "Rounds to f16 by the rule of docs/numerics.md";
  let arguments = (ins Lm_Rows:$input);
  let results = (outs TensorRankOf<[F16], [2]>:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def AttentionOp : Lm_Op<"attention", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Causal attention over the cached and the chunk's own positions";
  let description = [{
    `q` is `[tokens, heads*head_dim]`, `k` and `v` are `[tokens, kv_heads*head_dim]`; query head h reads kv head h / (heads / kv_heads).
    Row r attends to positions 0 ... position + r; k and v are appended to the state's `layer`. With f16 operands the arithmetic is that of
    docs/numerics.md, "Attention"; with f32 it is exact attention in fp32.
  }];
  let arguments = (ins Lm_RowsOrHalf:$q, Lm_RowsOrHalf:$k, Lm_RowsOrHalf:$v, I32:$position, Index:$layer, FlatSymbolRefAttr:$state,
                       I64Attr:$heads, F32Attr:$scale);
  let results = (outs Lm_Rows:$result);
  let assemblyFormat = [{
    $q `,` $k `,` $v `at` $position `state` $state `[` $layer `]` `heads` $heads `scale` $scale attr-dict
    `:` functional-type(operands, results)
  }];
}

def GatedActOp : Lm_Op<"gated_act", [Pure, SameOperandsAndResultType]> {
  let summary = "activation(gate) * up";
  let description = [{ SwiGLU where the activation is `silu`: (g * sigmoid(g)) * u. }];
  let arguments = (ins Lm_Rows:$gate, Lm_Rows:$up, Lm_ActivationKindAttr:$activation);
  let results = (outs Lm_Rows:$result);
  let assemblyFormat = "$activation $gate `,` $up attr-dict `:` type($result)";
}

def AddOp : Lm_Op<"add", [Pure, SameOperandsAndResultType]> {
  let summary = "Elementwise sum";
  let arguments = (ins Lm_Rows:$lhs, Lm_Rows:$rhs);
  let results = (outs Lm_Rows:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

//===-- Structure ----------------------------------------------------------------------------------------------------------------------===//

def RepeatOp : Lm_Op<"repeat", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Layers of equal structure and formats, one after the other";
  let description = [{
    Calls `callee` once per layer i: its first argument is the hidden state and its first result the next hidden state, then the position,
    then the layer's index `first + i`, then the layer's weights: weight j of layer i is the symbol `bindings[j][i]`.
  }];
  let arguments = (ins Lm_Rows:$hidden, I32:$position, FlatSymbolRefAttr:$callee, I64Attr:$first, ArrayAttr:$bindings);
  let results = (outs Lm_Rows:$result);
  let assemblyFormat = [{
    $callee `(` $hidden `,` $position `)` `first` $first `bindings` $bindings attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// Arguments of the callee before the weights.
    enum : unsigned { hiddenArgument, positionArgument, layerArgument, firstWeightArgument };
    /// Number of layers.
    int64_t count();
    /// The weight that argument `argument` of the callee is in the `layer`-th layer of the repeat; null for the arguments before the
    /// weights.
    ::mlir::FlatSymbolRefAttr weightOf(::mlir::BlockArgument argument, int64_t layer);
  }];
}

def GroupOp : Lm_Op<"group", [SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Operations that run from one SRAM residency";
  let description = [{
    What is computed inside stays on chip; values used by other groups are staged in off-chip memory. The last operation is `lm.yield`.
  }];
  let arguments = (ins I64Attr:$index);
  let results = (outs Variadic<AnyType>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$index attr-dict-with-keyword (`->` type($results)^)? $body";
}

def YieldOp : Lm_Op<"yield", [Terminator, Pure, ReturnLike]> {
  let summary = "Results of a group";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ static_cast<void>($_builder), static_cast<void>($_state); }]>];
}

#endif
