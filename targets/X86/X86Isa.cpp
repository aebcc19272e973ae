#include "targets/X86/X86Isa.h"

namespace llmc::target {

const IsaTable &x86Avx2() {
  static const IsaTable table{.name = "avx2",
                              .triple = "x86_64-unknown-none-elf",
                              .cpu = "x86-64-v3",
                              .features = "",
                              .abi = "",
                              .vectorBits = 256,
                              .dot = DotKind::MaddUbs,
                              .halfConversion = true,
                              .fusedMultiplyAdd = true};
  return table;
}

const IsaTable &x86Avx512() {
  static const IsaTable table{.name = "avx512",
                              .triple = "x86_64-unknown-none-elf",
                              .cpu = "x86-64-v4",
                              .features = "+avx512vnni",
                              .abi = "",
                              .vectorBits = 512,
                              .dot = DotKind::Vpdpbusd,
                              .halfConversion = true,
                              .fusedMultiplyAdd = true};
  return table;
}

const IsaTable &x86Amx() {
  static const IsaTable table{.name = "amx",
                              .triple = "x86_64-unknown-none-elf",
                              .cpu = "x86-64-v4",
                              .features = "+avx512vnni,+amx-tile,+amx-int8",
                              .abi = "",
                              .vectorBits = 512,
                              .dot = DotKind::Tdpbsud,
                              .halfConversion = true,
                              .fusedMultiplyAdd = true};
  return table;
}

} // namespace llmc::target
