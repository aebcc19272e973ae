// Enumerations of the plan dialect: those of the plan file, with its numbers.
#ifndef LLMC_DIALECTS_PLAN_PLANENUMS
#define LLMC_DIALECTS_PLAN_PLANENUMS

include "mlir/IR/EnumAttr.td"

class Plan_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::llmc::plan";
  let genSpecializedAttr = 0;
}

def Plan_RegionKind : Plan_Enum<"RegionKind", "memory of a region", [
  I32EnumAttrCase<"FlashXip", 0, "flash_xip">, I32EnumAttrCase<"FlashPaged", 1, "flash_paged">, I32EnumAttrCase<"Dram", 2, "dram">,
  I32EnumAttrCase<"Sram", 3, "sram">, I32EnumAttrCase<"Tcm", 4, "tcm">, I32EnumAttrCase<"NpuLocal", 5, "npu_local">,
  I32EnumAttrCase<"HostShared", 6, "host_shared">]>;

def Plan_Lifetime : Plan_Enum<"Lifetime", "how long a region keeps its bytes", [
  I32EnumAttrCase<"Constant", 0, "constant">, I32EnumAttrCase<"Session", 1, "session">, I32EnumAttrCase<"Call", 2, "call">,
  I32EnumAttrCase<"Scratch", 3, "scratch">]>;

def Plan_SegmentKind : Plan_Enum<"SegmentKind", "content of a segment", [
  I32EnumAttrCase<"Weights", 0, "weights">, I32EnumAttrCase<"Kernel", 1, "kernel">, I32EnumAttrCase<"Table", 2, "table">,
  I32EnumAttrCase<"Tokenizer", 3, "tokenizer">, I32EnumAttrCase<"Digests", 4, "digests">, I32EnumAttrCase<"Golden", 5, "golden">,
  I32EnumAttrCase<"Debug", 6, "debug">, I32EnumAttrCase<"Other", 7, "other">]>;

def Plan_StateKind : Plan_Enum<"StateKind", "organisation of a state", [
  I32EnumAttrCase<"KvFlat", 0, "kv_flat">]>;

def Plan_StateRole : Plan_Enum<"StateRole", "what a state holds", [
  I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Key", 1, "key">, I32EnumAttrCase<"Value", 2, "value">,
  I32EnumAttrCase<"KeyScale", 3, "key_scale">, I32EnumAttrCase<"ValueScale", 4, "value_scale">]>;

def Plan_EntryKind : Plan_Enum<"EntryKind", "what an entry is for", [
  I32EnumAttrCase<"Generic", 0, "generic">, I32EnumAttrCase<"Init", 1, "init">, I32EnumAttrCase<"Prefill", 2, "prefill">,
  I32EnumAttrCase<"Decode", 3, "decode">, I32EnumAttrCase<"Head", 4, "head">, I32EnumAttrCase<"Verify", 5, "verify">,
  I32EnumAttrCase<"Embed", 6, "embed">]>;

def Plan_TensorRole : Plan_Enum<"TensorRole", "what a tensor is to the caller", [
  I32EnumAttrCase<"Other", 0, "other">, I32EnumAttrCase<"Ids", 1, "ids">, I32EnumAttrCase<"Hidden", 2, "hidden">,
  I32EnumAttrCase<"Logits", 3, "logits">]>;

def Plan_DType : Plan_Enum<"DType", "element type", [
  I32EnumAttrCase<"F32", 0, "f32">, I32EnumAttrCase<"F16", 1, "f16">, I32EnumAttrCase<"I32", 2, "i32">, I32EnumAttrCase<"I16", 3, "i16">,
  I32EnumAttrCase<"I8", 4, "i8">, I32EnumAttrCase<"U8", 5, "u8">, I32EnumAttrCase<"I4", 6, "i4">, I32EnumAttrCase<"U4", 7, "u4">]>;

def Plan_ParamKind : Plan_Enum<"ParamKind", "how a parameter comes about", [
  I32EnumAttrCase<"Input", 0, "input">, I32EnumAttrCase<"KvLen", 1, "kv_len">, I32EnumAttrCase<"Loop", 2, "loop">,
  I32EnumAttrCase<"Add", 3, "add">, I32EnumAttrCase<"Sub", 4, "sub">, I32EnumAttrCase<"Mul", 5, "mul">, I32EnumAttrCase<"Shl", 6, "shl">,
  I32EnumAttrCase<"Shr", 7, "shr">, I32EnumAttrCase<"Mod", 8, "mod">, I32EnumAttrCase<"CeilDiv", 9, "ceil_div">,
  I32EnumAttrCase<"Min", 10, "min">]>;

class Plan_BitEnum<string name, string summary, list<I32BitEnumAttrCaseBit> cases> : I32BitEnumAttr<name, summary, cases> {
  let cppNamespace = "::llmc::plan";
  let genSpecializedAttr = 0;
  let separator = ", ";
}

def Plan_RegionAccess : Plan_BitEnum<"RegionAccess", "who reads and writes a region", [
  I32BitEnumAttrCaseBit<"CpuReads", 0, "cpu_reads">, I32BitEnumAttrCaseBit<"CpuWrites", 1, "cpu_writes">,
  I32BitEnumAttrCaseBit<"DeviceReads", 2, "device_reads">, I32BitEnumAttrCaseBit<"DeviceWrites", 3, "device_writes">,
  I32BitEnumAttrCaseBit<"CpuCached", 4, "cpu_cached">]>;

def Plan_OperandAccess : Plan_BitEnum<"OperandAccess", "what is done to an operand", [
  I32BitEnumAttrCaseBit<"Read", 0, "read">, I32BitEnumAttrCaseBit<"Write", 1, "write">]>;

#endif
