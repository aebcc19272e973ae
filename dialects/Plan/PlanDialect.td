// The plan dialect: exactly what a plan file says.
#ifndef LLMC_DIALECTS_PLAN_PLANDIALECT
#define LLMC_DIALECTS_PLAN_PLANDIALECT

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "dialects/Plan/PlanEnums.td"

def PlanDialect : Dialect {
  let name = "plan";
  let cppNamespace = "::llmc::plan";
  let summary = "Exactly what the plan file says: offsets and steps";
  let description = [{
    One `plan.file` is one plan file. Its operations are the records and tables of `runtime/schema/plan.fbs`, field by field; the file has
    them in the order they stand here. Where the file has an index, the text has a symbol; where it has "none", the field is absent.
    `docs/format/plan.md` explains the fields.

    Values are offsets and sizes in bytes. Nothing is left to decide: emission copies fields and turns symbols into indices.
    Kernels and sizes that depend on them are the exception: a target encodes each `plan.kernel` after lowering, and only then are
    its `blob` and the sizes of the kernel segment, its buffer and its region there.

    *Not here*: bytes. Segments name their content; weights, blobs and tokenizer are handed to the writer beside the module. Digests,
    feature bits and offsets in the file are the writer's. The worst case of an address with parameters is proved by the plan verifier
    on the finished file, the same code that firmware runs.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
}

class Plan_Attr<string name, string attrMnemonic> : AttrDef<PlanDialect, name> { let mnemonic = attrMnemonic; }

def Plan_PlacementAttr : Plan_Attr<"Placement", "placement"> {
  let summary = "Memories in which the target keeps constants, states, inputs and what is staged";
  let description = [{
    On the module as `plan.placement`, beside `npu.target`: what `llmc-lower-npu-to-plan` needs to know of the machine.

    Example: `#plan.placement<weights = flash_xip, state = dram, io = dram, scratch = dram>`
  }];
  let parameters = (ins EnumParameter<Plan_RegionKind>:$weights, EnumParameter<Plan_RegionKind>:$state, EnumParameter<Plan_RegionKind>:$io,
                        EnumParameter<Plan_RegionKind>:$scratch);
  let assemblyFormat = "`<` struct(params) `>`";
  let extraClassDeclaration = [{
    static constexpr llvm::StringLiteral moduleAttributeName = "plan.placement";
    /// The placement on `module`, or null.
    static PlacementAttr of(::mlir::ModuleOp module);
  }];
}

def Plan_StrideAttr : Plan_Attr<"Stride", "stride"> {
  let summary = "A parameter that moves an operand, and by how many bytes";
  let parameters = (ins "::mlir::FlatSymbolRefAttr":$param, "int64_t":$bytes);
  let assemblyFormat = "`<` $param `by` $bytes `>`";
}

def Plan_TensorAttr : Plan_Attr<"Tensor", "tensor"> {
  let summary = "An input or output of an entry";
  let description = [{
    Example: `#plan.tensor<"hidden" hidden f32[16, 256] in @hidden_16>`.
  }];
  let parameters = (ins StringRefParameter<"name">:$name, EnumParameter<Plan_TensorRole>:$role, EnumParameter<Plan_DType>:$dtype,
                        ArrayRefParameter<"int64_t">:$dims, "::mlir::FlatSymbolRefAttr":$operand);
  let assemblyFormat = [{
    `<` $name $role $dtype `[` $dims `]` `in` $operand `>`
  }];
}

def Plan_PeakAttr : Plan_Attr<"Peak", "peak"> {
  let summary = "Bytes of a region that an entry uses";
  let parameters = (ins "::mlir::FlatSymbolRefAttr":$region, "int64_t":$bytes);
  let assemblyFormat = "`<` $region $bytes `>`";
}

def Plan_BlobAttr : Plan_Attr<"Blob", "blob"> {
  let summary = "Where the encoded kernel stands in its segment, and what it costs";
  let description = [{
    Bytes `offset` to `offset + size` of the segment; execution starts `entry` bytes in. Attached by the target's encoding.
  }];
  let parameters = (ins "int64_t":$offset, "int64_t":$size, DefaultValuedParameter<"int64_t", "0">:$entry,
                        DefaultValuedParameter<"int64_t", "0">:$est_cycles, DefaultValuedParameter<"int64_t", "0">:$stack_bytes);
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif
