// The file and its records.
#ifndef LLMC_DIALECTS_PLAN_PLANOPS
#define LLMC_DIALECTS_PLAN_PLANOPS

include "dialects/Plan/PlanDialect.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"

// Unsigned numbers of the file, by their width.
def Plan_U64 : ConfinedAttr<I64Attr, [IntNonNegative]>;
def Plan_U32 : ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<4294967295>]>;
def Plan_U16 : ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<65535>]>;
def Plan_Alignment : ConfinedAttr<I64Attr, [IntPowerOf2, IntMaxValue<65536>]>;

class Plan_EnumAttr<EnumInfo info, string mnemonic> : EnumAttr<PlanDialect, info, mnemonic>;
class Plan_FlagsAttr<EnumInfo info, string mnemonic> : EnumAttr<PlanDialect, info, mnemonic> {
  let assemblyFormat = "`<` $value `>`";
}
def Plan_RegionKindAttr : Plan_EnumAttr<Plan_RegionKind, "region_kind">;
def Plan_LifetimeAttr : Plan_EnumAttr<Plan_Lifetime, "lifetime">;
def Plan_SegmentKindAttr : Plan_EnumAttr<Plan_SegmentKind, "segment_kind">;
def Plan_StateKindAttr : Plan_EnumAttr<Plan_StateKind, "state_kind">;
def Plan_StateRoleAttr : Plan_EnumAttr<Plan_StateRole, "state_role">;
def Plan_EntryKindAttr : Plan_EnumAttr<Plan_EntryKind, "entry_kind">;
def Plan_DTypeAttr : Plan_EnumAttr<Plan_DType, "dtype">;
def Plan_ParamKindAttr : Plan_EnumAttr<Plan_ParamKind, "param_kind">;
def Plan_RegionAccessAttr : Plan_FlagsAttr<Plan_RegionAccess, "region_access">;
def Plan_OperandAccessAttr : Plan_FlagsAttr<Plan_OperandAccess, "operand_access">;

class Plan_Op<string mnemonic, list<Trait> traits = []> : Op<PlanDialect, mnemonic, traits>;

/// Something of the file that is not referred to.
class Plan_Fact<string mnemonic, list<Trait> traits = []> : Plan_Op<mnemonic, !listconcat([HasParent<"FileOp">], traits)>;

/// Something of the file that is referred to by symbol.
class Plan_Record<string mnemonic, list<Trait> traits = []> : Plan_Fact<mnemonic, !listconcat([Symbol], traits)>;

/// The references are checked once all of the file is there.
def Plan_Refers : DeclareOpInterfaceMethods<SymbolUserOpInterface>;

def FileOp : Plan_Op<"file", [SymbolTable, SingleBlock, NoTerminator, NoRegionArguments, IsolatedFromAbove]> {
  let summary = "One plan file";
  let description = [{
    `debug` is the segment in which `llmc inspect` finds names, metadata and the map of memory. Before lowering the file holds what
    is known of the model: `plan.target`, `plan.model`, `plan.tokenizer`, `plan.metadata`.
  }];
  let arguments = (ins StrAttr:$producer, OptionalAttr<FlatSymbolRefAttr>:$debug);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`producer` $producer (`debug` $debug^)? attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The operations of one kind, in the order of their indices in the file.
    template <class Record> auto records() { return getBody().front().getOps<Record>(); }
  }];
}

def TargetOp : Plan_Record<"target"> {
  let summary = "A machine that the plan needs";
  let description = [{ `config` is the SHA-256 of the machine description in hexadecimal. }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$backend, StrAttr:$device, OptionalAttr<StrAttr>:$variant,
                       DefaultValuedAttr<Plan_U32, "0">:$abi, DefaultValuedAttr<Plan_U32, "0">:$driver_min, OptionalAttr<StrAttr>:$config);
  let assemblyFormat = [{
    $sym_name `backend` $backend `device` $device (`variant` $variant^)? (`abi` $abi^)? (`driver_min` $driver_min^)?
    (`config` $config^)? attr-dict
  }];
  let hasVerifier = 1;
}

def ModelOp : Plan_Fact<"model"> {
  let summary = "What the model is";
  let description = [{
    For the caller of the runtime; the runtime itself takes only the context length. `digest` is the SHA-256 of the model file in hexadecimal,
    `bos` the token that begins a text, `eos` those that end one.
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$architecture, StrAttr:$quantization, Plan_U32:$vocabulary, Plan_U32:$context, Plan_U16:$hidden,
                       Plan_U16:$layers, Plan_U16:$heads, Plan_U16:$kv_heads, Plan_U16:$head_dim, OptionalAttr<Plan_U32>:$bos,
                       OptionalAttr<DenseI32ArrayAttr>:$eos, OptionalAttr<StrAttr>:$digest);
  let assemblyFormat = [{
    $name `architecture` $architecture `quantization` $quantization `vocabulary` $vocabulary `context` $context `hidden` $hidden
    `layers` $layers `heads` $heads `kv_heads` $kv_heads `head_dim` $head_dim (`bos` $bos^)? (`eos` $eos^)? (`digest` $digest^)? attr-dict
  }];
  let hasVerifier = 1;
}

def TokenizerOp : Plan_Fact<"tokenizer", [Plan_Refers]> {
  let summary = "The tokenizer that belongs to the model";
  let description = [{ `segment` holds it; lowering gives it one. `chat_template` is text for the caller. }];
  let arguments = (ins StrAttr:$kind, OptionalAttr<FlatSymbolRefAttr>:$segment, UnitAttr:$add_bos, OptionalAttr<StrAttr>:$chat_template);
  let assemblyFormat = "$kind (`in` $segment^)? (`add_bos` $add_bos^)? (`chat_template` $chat_template^)? attr-dict";
}

def MetadataOp : Plan_Fact<"metadata"> {
  let summary = "A key and a value for tools";
  let arguments = (ins StrAttr:$key, StrAttr:$value);
  let assemblyFormat = "$key `=` $value attr-dict";
}

def RegionOp : Plan_Record<"region"> {
  let summary = "Memory that the caller of the runtime provides";
  let description = [{
    `size` is exactly the end of its last buffer or segment; absent while one of them waits for its kernels. `align` is that of its base address.
    `name`, here and elsewhere, is the name in the file where that is not the symbol.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<StrAttr>:$name, Plan_RegionKindAttr:$kind, Plan_LifetimeAttr:$lifetime,
                       OptionalAttr<Plan_U64>:$size, Plan_Alignment:$align, Plan_RegionAccessAttr:$access);
  let assemblyFormat = [{
    $sym_name (`name` $name^)? `` $kind `` $lifetime (`size` $size^)? `align` $align `access` $access attr-dict
  }];
  let hasVerifier = 1;
}

def SegmentOp : Plan_Record<"segment", [Plan_Refers]> {
  let summary = "Bytes of the file, and where they stand at run time";
  let description = [{
    Without a region a segment is never loaded. `at` is its offset in the region, `align` that of its offsets in region and file. With `chunk`,
    digests and pages cover that many bytes each.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<StrAttr>:$name, Plan_SegmentKindAttr:$kind, OptionalAttr<FlatSymbolRefAttr>:$region,
                       OptionalAttr<Plan_U64>:$offset, OptionalAttr<Plan_U64>:$size, Plan_Alignment:$align,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntPowerOf2, IntMinValue<1024>, IntMaxValue<1073741824>]>>:$chunk);
  let assemblyFormat = [{
    $sym_name (`name` $name^)? `` $kind (`in` $region^)? (`at` $offset^)? (`size` $size^)? `align` $align (`chunk` $chunk^)? attr-dict
  }];
  let hasVerifier = 1;
}

def BufferOp : Plan_Record<"buffer", [Plan_Refers]> {
  let summary = "A named range of a region";
  let description = [{ Buffers may overlap. In a constant region a buffer names the segment whose bytes it holds. }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<StrAttr>:$name, FlatSymbolRefAttr:$region, Plan_U64:$offset,
                       OptionalAttr<Plan_U64>:$size, OptionalAttr<FlatSymbolRefAttr>:$segment);
  let assemblyFormat = [{
    $sym_name (`name` $name^)? `in` $region `at` $offset (`size` $size^)? (`from` $segment^)? attr-dict
  }];
}

def ParamOp : Plan_Record<"param", [Plan_Refers]> {
  let summary = "A run-time number with a stated maximum";
  let description = [{
    The first three are the position (input), the tokens of the chunk (input) and the length of the KV cache (kv_len); then come inputs with a
    default, loop counters, and numbers derived from earlier parameters: x is `of`, y is `imm` plus `plus`.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Plan_ParamKindAttr:$kind, Plan_U32:$max, OptionalAttr<FlatSymbolRefAttr>:$of,
                       DefaultValuedAttr<Plan_U32, "0">:$imm, OptionalAttr<FlatSymbolRefAttr>:$plus);
  let assemblyFormat = "$sym_name `` $kind `max` $max (`of` $of^)? (`imm` $imm^)? (`plus` $plus^)? attr-dict";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    bool isDerived() { return getKind() >= ParamKind::Add; }
  }];
}

def OperandOp : Plan_Record<"operand", [Plan_Refers]> {
  let summary = "An address and how many bytes may be touched from there";
  let description = [{
    `at` bytes into the buffer, moved by up to three parameters times a stride. (The file has the offset from the region's base.)
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$buffer, Plan_U64:$offset, Plan_U64:$extent,
                       Plan_OperandAccessAttr:$access, OptionalAttr<TypedArrayAttrBase<Plan_StrideAttr, "strides">>:$strides);
  let assemblyFormat = [{
    $sym_name `of` $buffer `at` $offset `extent` $extent $access (`strides` $strides^)? attr-dict
  }];
  let hasVerifier = 1;
}

def KernelOp : Plan_Record<"kernel", [Plan_Refers]> {
  let summary = "Code of a target";
  let description = [{
    `program` is the npu.program, a symbol of the module around the file, that the target encodes. `parameters` are the plan's parameters that the
    program's arguments become, in their order; `bounds` the most that every parameter of the plan can be while it runs, which a target may
    build on. `args` is the number of operands of a dispatch. `blob` comes from the target.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<StrAttr>:$name, FlatSymbolRefAttr:$program,
                       TypedArrayAttrBase<FlatSymbolRefAttr, "symbols of parameters">:$parameters, DenseI64ArrayAttr:$bounds,
                       FlatSymbolRefAttr:$segment, FlatSymbolRefAttr:$target,
                       ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<32>]>:$args, OptionalAttr<Plan_BlobAttr>:$blob);
  let assemblyFormat = [{
    $sym_name (`name` $name^)? `of` $program `parameters` $parameters `bounds` $bounds `in` $segment `on` $target `args` $args
    (`blob` $blob^)? attr-dict
  }];
}

def QueueOp : Plan_Record<"queue", [Plan_Refers]> {
  let summary = "A queue of a target";
  let description = [{ `index` is the device's own number. }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$target, Plan_U16:$index);
  let assemblyFormat = "$sym_name `of` $target `index` $index attr-dict";
}

def DmaOp : Plan_Record<"dma", [Plan_Refers]> {
  let summary = "The shape of a copy: rows of bytes, with a pitch on either side";
  let description = [{ `rows` is the most where `rows_param` gives their number. Copied by `plan.copy`. }];
  let arguments = (ins SymbolNameAttr:$sym_name, Plan_U32:$row_bytes, Plan_U32:$rows, OptionalAttr<FlatSymbolRefAttr>:$rows_param,
                       Plan_U32:$source_pitch, Plan_U32:$destination_pitch);
  let assemblyFormat = [{
    $sym_name `rows` $rows (`as` $rows_param^)? `of` $row_bytes `pitches` $source_pitch `,` $destination_pitch attr-dict
  }];
  let hasVerifier = 1;
}

def StateOp : Plan_Record<"state", [Plan_Refers]> {
  let summary = "What a session keeps between calls";
  let description = [{
    Row (layer, head, token) of `head_dim` elements stands at the sum of each times its stride in the buffer. `layout` is equal where saved bytes
    mean the same. `window` limits how far back tokens are read; `scales` belongs to quantized states.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Plan_StateKindAttr:$kind, Plan_StateRoleAttr:$role, Plan_DTypeAttr:$dtype,
                       FlatSymbolRefAttr:$buffer, Plan_U32:$tokens, Plan_U16:$layers, Plan_U16:$heads, Plan_U16:$head_dim,
                       Plan_U32:$token_stride, Plan_U32:$head_stride, Plan_U32:$layer_stride, Plan_U32:$layout,
                       DefaultValuedAttr<Plan_U32, "0">:$window, OptionalAttr<FlatSymbolRefAttr>:$scales);
  let assemblyFormat = [{
    $sym_name `` $kind `` $role `` $dtype `in` $buffer `tokens` $tokens `layers` $layers `heads` $heads `head_dim` $head_dim `strides` `token` $token_stride
    `head` $head_stride `layer` $layer_stride `layout` $layout (`window` $window^)? (`scales` $scales^)? attr-dict
  }];
  let hasVerifier = 1;
}

include "dialects/Plan/PlanSteps.td"

#endif
