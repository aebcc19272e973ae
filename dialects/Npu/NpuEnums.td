// Enumerations of the npu dialect, apart so that they are generated once and without those of other dialects.
#ifndef LLMC_DIALECTS_NPU_NPUENUMS
#define LLMC_DIALECTS_NPU_NPUENUMS

include "mlir/IR/EnumAttr.td"

class Npu_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::llmc::npu";
  let genSpecializedAttr = 0;
}

def Npu_Engine : Npu_Enum<"Engine", "engine of a command", [
  I32EnumAttrCase<"Load", 0, "load">, I32EnumAttrCase<"Store", 1, "store">, I32EnumAttrCase<"Tensor", 2, "tensor">,
  I32EnumAttrCase<"Vector", 3, "vector">]>;

def Npu_Space : Npu_Enum<"Space", "off-chip memory of a transfer", [
  I32EnumAttrCase<"Weights", 0, "weights">, I32EnumAttrCase<"State", 1, "state">, I32EnumAttrCase<"Ids", 2, "ids">,
  I32EnumAttrCase<"Io", 3, "io">, I32EnumAttrCase<"Scratch", 4, "scratch">, I32EnumAttrCase<"Paged", 5, "paged">]>;

def Npu_Element : Npu_Enum<"Element", "element type of an operand", [
  I32EnumAttrCase<"F32", 0, "f32">, I32EnumAttrCase<"F16", 1, "f16">, I32EnumAttrCase<"I8", 2, "i8">, I32EnumAttrCase<"I4", 3, "i4">,
  I32EnumAttrCase<"I32", 4, "i32">, I32EnumAttrCase<"U8", 5, "u8">, I32EnumAttrCase<"U4", 6, "u4">]>;

def Npu_MatmulKind : Npu_Enum<"MatmulKind", "kind of matrix multiplication", [
  I32EnumAttrCase<"Linear", 0, "linear">, I32EnumAttrCase<"Scores", 1, "scores">, I32EnumAttrCase<"Values", 2, "values">]>;

def Npu_Epilogue : Npu_Enum<"Epilogue", "what a linear layer does with its sums", [
  I32EnumAttrCase<"Store", 0, "store">, I32EnumAttrCase<"Add", 1, "add">, I32EnumAttrCase<"SiluMul", 2, "silu_mul">]>;

def Npu_StepKind : Npu_Enum<"StepKind", "step of a vector chain", [
  I32EnumAttrCase<"LoadMatrix", 0, "load_matrix">, I32EnumAttrCase<"LoadRow", 1, "load_row">,
  I32EnumAttrCase<"LoadScalar", 2, "load_scalar">, I32EnumAttrCase<"Constant", 3, "constant">, I32EnumAttrCase<"Add", 4, "add">,
  I32EnumAttrCase<"Sub", 5, "sub">, I32EnumAttrCase<"Mul", 6, "mul">, I32EnumAttrCase<"Max", 7, "max">, I32EnumAttrCase<"Min", 8, "min">,
  I32EnumAttrCase<"Recip", 9, "recip">, I32EnumAttrCase<"Rsqrt", 10, "rsqrt">, I32EnumAttrCase<"Exp", 11, "exp">,
  I32EnumAttrCase<"Sigmoid", 12, "sigmoid">, I32EnumAttrCase<"RoundF16", 13, "round_f16">, I32EnumAttrCase<"SumLanes", 14, "sum_lanes">,
  I32EnumAttrCase<"MaxVisible", 15, "max_visible">, I32EnumAttrCase<"AbsMax", 16, "abs_max">, I32EnumAttrCase<"KeepGe", 17, "keep_ge">,
  I32EnumAttrCase<"MaskVisible", 18, "mask_visible">, I32EnumAttrCase<"InverseScale", 19, "inverse_scale">,
  I32EnumAttrCase<"ActivationScale", 20, "activation_scale">, I32EnumAttrCase<"LoadGroup", 21, "load_group">,
  I32EnumAttrCase<"StoreMatrix", 22, "store_matrix">, I32EnumAttrCase<"StoreScalar", 23, "store_scalar">]>;

def Npu_ArgumentKind : Npu_Enum<"ArgumentKind", "how a run-time argument comes about", [
  I32EnumAttrCase<"Position", 0, "position">, I32EnumAttrCase<"Tokens", 1, "tokens">, I32EnumAttrCase<"Row", 2, "row">,
  I32EnumAttrCase<"Add", 3, "add">, I32EnumAttrCase<"Clamp", 4, "clamp">]>;

#endif
