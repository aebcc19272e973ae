// Operations of machines whose kernels address every memory directly.
#ifndef LLMC_DIALECTS_NPU_NPUDIRECT
#define LLMC_DIALECTS_NPU_NPUDIRECT

def ViewOp : Npu_Op<"view"> {
  let summary = "Bytes of a memory as a buffer";
  let description = [{
    Nothing is copied: commands of a direct machine read and write the memory itself. The address may move by the trip; arguments move
    an operand by its access.

    `paged` weights have no address: a view with a `slot` is a page, read into that slot before its command runs. With `second` its latter
    half is read from there, which moves by the trip as its place does. Without a slot it is a table whose rows are gathered.
  }];
  let arguments = (ins StrAttr:$label, Npu_PlaceAttr:$place, I64Attr:$bytes, OptionalAttr<I64Attr>:$slot, OptionalAttr<I64Attr>:$second);
  let results = (outs Npu_BufferType:$result);
  let assemblyFormat = "$label $place `bytes` $bytes (`slot` $slot^)? (`second` $second^)? attr-dict";
  let hasVerifier = 1;
}

def PackRowsOp : Npu_Op<"pack_rows"> {
  let summary = "int8 activations in the order that linear layers of several rows read";
  let description = [{
    Operands are the rows and the packed rows, whose order is the target's own. `group` is that of weights with a scale per group, else 0.
  }];
  let arguments = (ins Variadic<Npu_BufferType>:$operands, ArrayAttr:$accesses, Npu_ExtentAttr:$tokens, I64Attr:$columns, I64Attr:$group,
                       StrAttr:$label);
  let assemblyFormat = "$label $operands $accesses `tokens` $tokens `columns` $columns `group` $group attr-dict";
  let hasVerifier = 1;
}

def EmbedRowsOp : Npu_Op<"embed_rows"> {
  let summary = "Rows of a packed table by id, as fp32";
  let description = [{
    Operands are ids (i32), table and out. With `gathered`, the rows of the ids, of so many bytes each, are brought from paged weights
    beforehand, one behind the other, and the access of the table is to those.
  }];
  let arguments = (ins Variadic<Npu_BufferType>:$operands, ArrayAttr:$accesses, Npu_ExtentAttr:$tokens, I64Attr:$columns,
                       Lm_FormatAttr:$format, StrAttr:$label, OptionalAttr<I64Attr>:$gathered);
  let assemblyFormat = [{
    $label $operands $accesses `tokens` $tokens `columns` $columns `format` $format (`gathered` $gathered^)? attr-dict
  }];
  let hasVerifier = 1;
}

def AttentionOp : Npu_Op<"attention"> {
  let summary = "Causal attention of a chunk over the cache, which holds the chunk's own rows already";
  let description = [{
    Operands are queries (f16; a sub-row is a head), keys and values of the cache (f16; a row is a position, a sub-row a KV head) and out (f32).
    Row `token` sees positions 0 ... args[position] + token, of `capacity` at most. Arithmetic as docs/numerics.md.
  }];
  let arguments = (ins Variadic<Npu_BufferType>:$operands, ArrayAttr:$accesses, Npu_ExtentAttr:$tokens, I64Attr:$heads, I64Attr:$kv_heads,
                       I64Attr:$head_dim, I64Attr:$capacity, F32Attr:$scale, I64Attr:$position_argument, StrAttr:$label);
  let assemblyFormat = [{
    $label $operands $accesses `tokens` $tokens `heads` $heads `of` $kv_heads `dim` $head_dim `capacity` $capacity `scale` $scale
    `position` $position_argument attr-dict
  }];
  let hasVerifier = 1;
}

def KernelOp : Npu_Op<"kernel", [Symbol, SingleBlock, NoTerminator, IsolatedFromAbove, NoRegionArguments]> {
  let summary = "A command that is dispatched by itself";
  let description = [{
    Its buffers are views at offset 0 that stand for the operands of a dispatch, in order. `program` gives the arguments their meaning.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$program);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `of` $program attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

#endif
