// What code generation must know of an instruction set, as plain data. A target is such a table.
#pragma once

#include <cstdint>
#include <string>

namespace llmc::target {

/// The instruction that multiplies 8-bit integers and adds groups of four products.
enum class DotKind : uint8_t {
  None,      ///< No order of weights that it asks for: sums along rows, as LLVM finds them best.
  Vmladava,  ///< Helium: one sum of 16 s8 x s8 products. Rows as with None.
  MaddUbs,   ///< AVX2 vpmaddubsw + vpmaddwd; only where a bound excludes saturation of its 16-bit
             ///< sums.
  Vpdpbusd,  ///< AVX-512 VNNI: 16 sums of four u8 x s8 products.
  Tdpbsud,   ///< AMX tiles: 16 x 16 sums of 64 s8 x u8 products. Implies Vpdpbusd for single rows.
  Described, ///< What IsaTable::products says. Rows as with None.
};

/// An instruction that adds to each of several int32 the products of four neighbouring int8 of two
/// vectors: its LLVM intrinsic takes the sums to add to, the weights and the activations.
struct DotInstruction {
  std::string intrinsic;        ///< "llvm.aarch64.neon.sdot.v4i32.v16i8"
  uint32_t lanes = 0;           ///< Sums: a multiple of 4, kMostDotLanes at most.
  bool words = false;           ///< Takes its vectors as int32, one a lane, not as int8.
  bool unsignedWeights = false; ///< Its weights are u8; activations always are s8.
  bool adds = true;             ///< Takes sums; else it has two operands and returns products.
};
constexpr uint32_t kMostDotLanes = 32;

enum class CodeModel : uint8_t { Default, Small, Medium };

struct IsaTable {
  std::string name;     ///< Of the variant, for messages: "avx512".
  std::string triple;   ///< "x86_64-unknown-none-elf"
  std::string cpu;      ///< As LLVM spells it.
  std::string features; ///< LLVM feature string, "+avx512vnni".
  std::string abi;      ///< LLVM ABI name; empty for the triple's own.
  uint32_t vectorBits = 128;
  DotKind dot = DotKind::None;
  DotInstruction products = {}; ///< DotKind::Described only.
  CodeModel codeModel = CodeModel::Default;
  bool halfConversion = false;      ///< Has instructions between fp16 and fp32.
  bool fusedMultiplyAdd = false;    ///< In vectors of fp32.
  bool softFloat = false;           ///< Has no fp32 at all: a blob brings the functions for it.
  uint32_t stackBytes = 256 * 1024; ///< What a kernel may take, kKernelStackBytes at most.
  uint32_t blobAlignment = 128;     ///< Of the address a blob is loaded at. A power of two.
};

} // namespace llmc::target
