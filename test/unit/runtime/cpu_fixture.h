// A plan whose kernels are a few bytes of real x86-64 code, once per instruction-set variant, and
// machines that say what a test wants.
#pragma once

#include "runtime/drivers/cpu/cpu_features.h"
#include "runtime/drivers/cpu/kernel_abi.h"
#include "test/unit/runtime/plan_fixture.h"

namespace llmc::test {

inline constexpr uint32_t cpuWords = 1024;
inline constexpr uint32_t cpuFactor = 0x9E3779B1;
inline constexpr uint8_t cpuSeedParam = 3;

/// Operands of the plan.
enum CpuOperand : uint16_t { cpuFilled, cpuScaled, cpuWho };
/// Kernels of target t: 3 * t + these.
enum CpuKernel : uint16_t { cpuFill, cpuScale, cpuNote, cpuKernels };

/// One entry per target: `fill` writes seed + 3 i to word i of Filled, `scale` writes that times
/// the factor to Scaled, and `note` writes `parts` to word p of Who and MXCSR to word 16 + p, for
/// its part p.
PlanDescription cpuPlan(const std::vector<std::string> &variants);

inline constexpr uint32_t cpuContext = 64;
inline constexpr uint32_t cpuVocabulary = cpuWords;

/// The same kernels as a language model of one decode entry per target: `fill` and `scale` run in a
/// loop, `note` writes the position's row of the KV cache, and the logits are Filled as floats.
PlanDescription cpuModel(const std::vector<std::string> &variants);

/// A CPU that has everything, but for what a test takes away.
rt::cpu::CpuProbe completeCpu();
/// The same without AVX-512 VNNI and AMX.
rt::cpu::CpuProbe plainAvx2Cpu();

} // namespace llmc::test
