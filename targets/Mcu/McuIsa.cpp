#include "targets/Mcu/McuIsa.h"

namespace llmc::target {

namespace {

constexpr uint32_t stackBytes = 16 * 1024;

} // namespace

const IsaTable &mcuHelium() {
  static const IsaTable table{.name = "armv8.1m-mve",
                              .triple = "thumbv8.1m.main-none-unknown-eabihf",
                              .cpu = "cortex-m55",
                              .features = "",
                              .abi = "",
                              .vectorBits = 128,
                              .dot = DotKind::Vmladava,
                              .halfConversion = true,
                              .fusedMultiplyAdd = true,
                              .stackBytes = stackBytes};
  return table;
}

const IsaTable &mcuThumb() {
  static const IsaTable table{.name = "armv7m",
                              .triple = "thumbv7m-none-unknown-eabi",
                              .cpu = "cortex-m3",
                              .features = "",
                              .abi = "",
                              .vectorBits = 32,
                              .softFloat = true,
                              .stackBytes = stackBytes};
  return table;
}

const IsaTable &mcuRiscv() {
  static const IsaTable table{.name = "rv32imc",
                              .triple = "riscv32-unknown-none-elf",
                              .cpu = "generic-rv32",
                              .features = "+m,+c",
                              .abi = "ilp32",
                              .vectorBits = 32,
                              .codeModel = CodeModel::Medium,
                              .softFloat = true,
                              .stackBytes = stackBytes};
  return table;
}

} // namespace llmc::target
