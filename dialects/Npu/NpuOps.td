// Operations of the npu dialect.
#ifndef LLMC_DIALECTS_NPU_NPUOPS
#define LLMC_DIALECTS_NPU_NPUOPS

include "dialects/Npu/NpuDialect.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Npu_Op<string mnemonic, list<Trait> traits = []> : Op<NpuDialect, mnemonic, traits>;

def ConstantOp : Npu_Op<"constant", [Symbol]> {
  let summary = "A constant in a weights segment";
  let description = [{
    With `format`, a matrix that the target packs from the lm.weight symbols `sources` (elements, scales, and multipliers where the format has
    them); without, the fp32 elements of one source as they are. With `rope`, and no sources, a table: rows of cos then sin by that formula.
    What is `paged` lies in a segment of its own, which is read page by page. `records` is a matrix as row records, of a target that has
    another layout for linear layers.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$offset, I64Attr:$bytes, ArrayAttr:$sources, OptionalAttr<Lm_FormatAttr>:$format,
                       OptionalAttr<Lm_RopeAttr>:$rope, UnitAttr:$paged, UnitAttr:$records);
  let assemblyFormat = [{
    $sym_name `at` $offset `bytes` $bytes `from` $sources (`format` $format^)? (`rope` $rope^)? (`paged` $paged^)?
    (`records` $records^)? attr-dict
  }];
  let hasVerifier = 1;
}

def ProgramOp : Npu_Op<"program", [Symbol, SingleBlock, NoTerminator, IsolatedFromAbove]> {
  let summary = "One entry as commands in program order";
  let description = [{
    `kind` is that of the entry: prefill, decode or head; `rows` the static number of rows. `scratch_bytes` is what the program uses of
    that space, `sram_bytes` its highest on-chip address once planned, `live_bytes` the most that lives together, `prefetch_bytes` what of `sram_bytes` only serves loads that run ahead,
    `held_bytes` the most that is held together by what lives and what loads run ahead into.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Npu_EntryKindAttr:$kind, I64Attr:$rows, ArrayAttr:$arguments,
                       OptionalAttr<I64Attr>:$sram_bytes, OptionalAttr<I64Attr>:$live_bytes,
                       OptionalAttr<I64Attr>:$prefetch_bytes, OptionalAttr<I64Attr>:$held_bytes, I64Attr:$scratch_bytes);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name $kind `rows` $rows `arguments` $arguments `scratch` $scratch_bytes (`sram` $sram_bytes^)? (`live` $live_bytes^)? (`prefetch` $prefetch_bytes^)?
    (`held` $held_bytes^)? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

def TripsOp : Npu_Op<"trips", [SingleBlock, NoTerminator, HasParent<"ProgramOp">]> {
  let summary = "Commands that run once per layer";
  let arguments = (ins I64Attr:$count);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$count attr-dict-with-keyword $body";
  let hasVerifier = 1;
}

def BufferOp : Npu_Op<"buffer"> {
  let summary = "An on-chip buffer";
  let description = [{
    `stream` marks a buffer that one load fills and later commands only read: its bytes are free for some time before the load, which may
    run ahead. `offset` is set by `llmc-plan-memory`.
  }];
  let arguments = (ins StrAttr:$label, I64Attr:$bytes, UnitAttr:$stream, OptionalAttr<I64Attr>:$offset);
  let results = (outs Npu_BufferType:$result);
  let assemblyFormat = "$label `bytes` $bytes (`stream` $stream^)? (`at` $offset^)? attr-dict";
}

def DmaOp : Npu_Op<"dma"> {
  let summary = "A 3-D copy between an off-chip space and a buffer";
  let description = [{
    `run` contiguous bytes (an argument counts units of `run_unit` bytes), then two outer counts with strides on either side. `gather` picks row i
    by the i-th int32 at `ids`: its address is `place + ids[i] * place_strides[0]`, with ids below `gather_bound`.
  }];
  let arguments = (ins Npu_BufferType:$buffer, UnitAttr:$store, Npu_PlaceAttr:$place, I64Attr:$offset, Npu_ExtentAttr:$run, I64Attr:$run_unit,
                       ArrayAttr:$counts, DenseI64ArrayAttr:$place_strides, DenseI64ArrayAttr:$buffer_strides,
                       OptionalAttr<Npu_PlaceAttr>:$ids, DefaultValuedAttr<I64Attr, "0">:$gather_bound, StrAttr:$label,
                       OptionalAttr<ArrayAttr>:$waits);
  let assemblyFormat = [{
    $label (`store` $store^)? $buffer `[` $offset `]` $place `run` $run `unit` $run_unit `counts` $counts
    `strides` $place_strides `,` $buffer_strides (`gather` $ids^ `bound` $gather_bound)? (`waits` $waits^)? attr-dict
  }];
  let hasVerifier = 1;
}

def MatmulOp : Npu_Op<"matmul"> {
  let summary = "A matrix multiplication on tiles";
  let description = [{
    Operands are a, (linear: the row scales,) b and out, each with its access. Arithmetic as docs/numerics.md. The epilogue of a linear layer
    on a direct machine may `add` to out what it finds there, or take the first half of the weights' rows for gates and store
    `silu(gate) * up` in half as many columns (`silu_mul`).
  }];
  let arguments = (ins Variadic<Npu_BufferType>:$operands, ArrayAttr:$accesses, EnumAttr<NpuDialect, Npu_MatmulKind, "matmul_kind">:$kind,
                       Npu_ExtentAttr:$tokens, I64Attr:$sub_rows, Npu_ExtentAttr:$n, Npu_ExtentAttr:$k, OptionalAttr<Lm_FormatAttr>:$format,
                       OptionalAttr<F32Attr>:$scale, UnitAttr:$accumulate,
                       DefaultValuedAttr<EnumAttr<NpuDialect, Npu_Epilogue, "epilogue">, "Epilogue::Store">:$epilogue, StrAttr:$label,
                       OptionalAttr<ArrayAttr>:$waits);
  let assemblyFormat = [{
    $label $kind $operands $accesses `tokens` $tokens `sub` $sub_rows `n` $n `k` $k (`format` $format^)? (`scale` $scale^)?
    (`accumulate` $accumulate^)? (`epilogue` $epilogue^)? (`waits` $waits^)? attr-dict
  }];
  let hasVerifier = 1;
}

def ChainOp : Npu_Op<"chain"> {
  let summary = "Row operations in one command";
  let arguments = (ins Variadic<Npu_BufferType>:$operands, ArrayAttr:$accesses, Npu_ExtentAttr:$tokens, I64Attr:$sub_rows,
                       Npu_ExtentAttr:$columns, DefaultValuedAttr<I64Attr, "-1">:$position_argument,
                       DefaultValuedAttr<I64Attr, "0">:$first_token, ArrayAttr:$steps, StrAttr:$label, OptionalAttr<ArrayAttr>:$waits);
  let assemblyFormat = [{
    $label $operands $accesses `tokens` $tokens `sub` $sub_rows `columns` $columns (`position` $position_argument^ `first` $first_token)?
    `steps` $steps (`waits` $waits^)? attr-dict
  }];
  let hasVerifier = 1;
}

include "dialects/Npu/NpuDirect.td"

#endif
