// The npu dialect: how one NPU computes a program.
#ifndef LLMC_DIALECTS_NPU_NPUDIALECT
#define LLMC_DIALECTS_NPU_NPUDIALECT

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "dialects/Lm/LmDialect.td"
include "dialects/Npu/NpuEnums.td"

def NpuDialect : Dialect {
  let name = "npu";
  let cppNamespace = "::llmc::npu";
  let summary = "How one NPU computes it: on-chip buffers, transfers, kernels on tiles";
  let description = [{
    A program is one entry: transfers (`npu.dma`), matrix multiplications on tiles (`npu.matmul`) and vector chains (`npu.chain`) in program
    order, which is a valid sequential execution. Layers are one `npu.trips` region. Each command belongs to one engine; engines run
    their commands in order and meet only at waits, which `llmc-synchronize` derives.

    On-chip memory is `npu.buffer` values; `llmc-plan-memory` gives each an offset. Off-chip memory is named by space and offset.

    *Not here*: loops other than the layers' (tiles are unrolled: each has its own addresses), and any decision of the device.
  }];
  let dependentDialects = ["::llmc::lm::LmDialect"]; // weight formats and rotations are its attributes
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let extraClassDeclaration = [{
    static constexpr llvm::StringLiteral chunkRowsAttributeName = "npu.chunk_rows";
    /// Rows for which the programs of `module` lay out hidden states: those of the largest entry. None before tiling.
    static std::optional<int64_t> chunkRowsOf(::mlir::ModuleOp module);
    static void setChunkRows(::mlir::ModuleOp module, int64_t rows);
  }];
}

class Npu_Attr<string name, string attrMnemonic> : AttrDef<NpuDialect, name> { let mnemonic = attrMnemonic; }

/// Of a program, as of the function that it came from.
def Npu_EntryKindAttr : EnumAttr<NpuDialect, Lm_EntryKind, "entry_kind"> {
  let cppNamespace = "::llmc::npu";
}

def Npu_ExtentAttr : Npu_Attr<"Extent", "extent"> {
  let summary = "A size: fixed, or a run-time argument of which `value` is the maximum";
  let parameters = (ins "int64_t":$value, DefaultValuedParameter<"int64_t", "-1">:$argument);
  let assemblyFormat = "`<` $value (`,` `argument` `=` $argument^)? `>`";
}

def Npu_ArgumentAttr : Npu_Attr<"Argument", "argument"> {
  let summary = "A run-time argument of a program";
  let description = [{
    `position`, `tokens` (valid rows of the chunk) and `row` (first row of a head) come from the caller; `add` is another argument plus
    `immediate`; `clamp` is another minus `immediate`, clamped to 0 ... `maximum`.
  }];
  let parameters = (ins EnumParameter<Npu_ArgumentKind>:$kind, "int64_t":$maximum, DefaultValuedParameter<"int64_t", "-1">:$of,
                        DefaultValuedParameter<"int64_t", "0">:$immediate);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Npu_PlaceAttr : Npu_Attr<"Place", "place"> {
  let summary = "An off-chip address: offset + args[argument]*argument_stride + trip*trip_stride, in bytes";
  let parameters = (ins EnumParameter<Npu_Space>:$space, "int64_t":$offset, DefaultValuedParameter<"int64_t", "-1">:$argument,
                        DefaultValuedParameter<"int64_t", "0">:$argument_stride, DefaultValuedParameter<"int64_t", "0">:$trip_stride);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Npu_AccessAttr : Npu_Attr<"Access", "access"> {
  let summary = "What a command touches of a buffer";
  let description = [{
    Element (token, sub, column) lies `offset + args[argument]*argument_stride + token*token_stride + sub*sub_stride + column*size` bytes
    into the buffer. `bytes` bounds what is touched from `offset` on, with every argument at its maximum.
  }];
  let parameters = (ins EnumParameter<Npu_Element>:$element, "int64_t":$bytes, DefaultValuedParameter<"int64_t", "0">:$offset,
                        DefaultValuedParameter<"int64_t", "0">:$token_stride, DefaultValuedParameter<"int64_t", "0">:$sub_stride,
                        DefaultValuedParameter<"int64_t", "-1">:$argument, DefaultValuedParameter<"int64_t", "0">:$argument_stride);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Npu_StepAttr : Npu_Attr<"Step", "step"> {
  let summary = "One step of a vector chain; `a` and `b` are earlier steps, `operand` an operand of the chain";
  let parameters = (ins EnumParameter<Npu_StepKind>:$kind, DefaultValuedParameter<"int64_t", "-1">:$a,
                        DefaultValuedParameter<"int64_t", "-1">:$b, DefaultValuedParameter<"int64_t", "-1">:$operand,
                        OptionalParameter<"::mlir::FloatAttr">:$imm);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Npu_WaitAttr : Npu_Attr<"Wait", "wait"> {
  let summary = "Wait until `engine` has retired `value + trip*per_trip` commands";
  let parameters = (ins EnumParameter<Npu_Engine>:$engine, "int64_t":$value, DefaultValuedParameter<"int64_t", "0">:$per_trip);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Npu_TargetAttr : Npu_Attr<"Target", "target"> {
  let summary = "What passes know of the machine";
  let description = [{
    On the module as `npu.target`. Sizes in bytes. A packed weight matrix is a sequence of row records, each a multiple of
    `record_alignment`; weight tiles are multiples of `row_granule` rows. With `npu.packing` linear layers read a layout of the target's own.

    On a `direct` machine kernels are dispatched one by one and address every memory themselves: there are no transfers, `sram_bytes` is the
    size of the memory that holds buffers, and how weights are packed is the target's own: `npu.packing` has the sizes. With a
    `weight_budget` its matrices lie in paged flash, and so many bytes of memory hold what is in use of the weights. Where a device
    stands by that runs what the target does not, `fallback_granule` is that of its weights.
  }];
  let parameters = (ins StringRefParameter<"machine">:$machine, "int64_t":$sram_bytes, "int64_t":$alignment, "int64_t":$row_granule,
                        "int64_t":$record_alignment, ArrayRefParameter<"int64_t">:$chunks, "int64_t":$head_rows,
                        DefaultValuedParameter<"bool", "false">:$direct, DefaultValuedParameter<"int64_t", "0">:$weight_budget,
                        DefaultValuedParameter<"int64_t", "0">:$fallback_granule);
  let assemblyFormat = [{
    `<` $machine `,` `sram_bytes` `=` $sram_bytes `,` `alignment` `=` $alignment `,` `row_granule` `=` $row_granule `,`
    `record_alignment` `=` $record_alignment `,` `chunks` `=` `[` $chunks `]` `,` `head_rows` `=` $head_rows
    (`,` `direct` `=` $direct^)? (`,` `weight_budget` `=` $weight_budget^)?
    (`fallback_granule` `=` $fallback_granule^)? `>`
  }];
  let extraClassDeclaration = [{
    static constexpr llvm::StringLiteral moduleAttributeName = "npu.target";
    /// The target on `module`, or null.
    static TargetAttr of(::mlir::ModuleOp module);
    int64_t granuleOf(bool fallback) const { return fallback ? getFallbackGranule() : getRowGranule(); }
  }];
}

def Npu_PackedWeightsAttr : Npu_Attr<"PackedWeights", "packed_weights"> {
  let summary = "Bytes of a packed weight matrix, of the target or of the fallback device";
  let parameters = (ins "::llmc::lm::FormatAttr":$format, "int64_t":$rows, "int64_t":$columns, "int64_t":$bytes,
                        DefaultValuedParameter<"bool", "false">:$fallback);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Npu_PackedRowsAttr : Npu_Attr<"PackedRows", "packed_rows"> {
  let summary = "Bytes of activations in the order of `npu.pack_rows`, on the variant that takes the most; 0: rows are read as they are";
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "int64_t":$group, "int64_t":$bytes,
                        DefaultValuedParameter<"bool", "false">:$fallback);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Npu_ProductAttr : Npu_Attr<"Product", "product"> {
  let summary = "A linear layer, or several side by side, as one kernel for so many tokens";
  let parameters = (ins "::llmc::lm::FormatAttr":$format, "int64_t":$tokens, "int64_t":$n, "int64_t":$k,
                        EnumParameter<Npu_Epilogue>:$epilogue, DefaultValuedParameter<"bool", "false">:$fallback);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Npu_PackingAttr : Npu_Attr<"Packing", "packing"> {
  let summary = "Sizes that the target alone knows";
  let description = [{
    On the module as `npu.packing`: one entry for each matrix and each form of packed rows that the program has. On a machine with command
    streams also one for the granule of each matrix: tiles of whole granules follow each other without gaps. Products that the device of their
    weights does not take as one kernel are `refused`; each layer by itself, without an epilogue, it takes.
  }];
  let parameters = (ins OptionalArrayRefParameter<"PackedWeightsAttr">:$weights, OptionalArrayRefParameter<"PackedRowsAttr">:$rows,
                        OptionalArrayRefParameter<"ProductAttr">:$refused);
  let assemblyFormat = "`<` (`weights` `=` `[` $weights^ `]`)? (`,` `rows` `=` `[` $rows^ `]`)? (` ` `refused` `=` `[` $refused^ `]`)? `>`";
  let extraClassDeclaration = [{
    static constexpr llvm::StringLiteral moduleAttributeName = "npu.packing";
    /// The packing on `module`, or null.
    static PackingAttr of(::mlir::ModuleOp module);
    /// The group of rows that are packed for weights of `format`: the weights' where each has a scale of its own, else 0.
    static int64_t rowsGroupFor(::llmc::lm::FormatAttr format);
    /// Whether linear layers of a machine with command streams read another layout than row records.
    static bool isOwnLayout(::mlir::ModuleOp module);
    std::optional<int64_t> weightsBytes(::llmc::lm::FormatAttr format, int64_t rows, int64_t columns,
                                        bool fallback = false) const;
    /// Of one row of such a matrix, of targets that pack row by row.
    std::optional<int64_t> rowBytes(::llmc::lm::FormatAttr format, int64_t columns, bool fallback = false) const;
    std::optional<int64_t> rowsBytes(int64_t rows, int64_t columns, int64_t group, bool fallback = false) const;
    bool takes(ProductAttr product) const;
  }];
}

def Npu_BufferType : TypeDef<NpuDialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "Bytes that commands work on: of on-chip memory, or of any on a direct machine";
}

#endif
