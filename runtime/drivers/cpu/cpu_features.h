// Which instruction-set variants of a plan this machine can run.
#ifndef LLMC_RUNTIME_DRIVERS_CPU_CPU_FEATURES_H
#define LLMC_RUNTIME_DRIVERS_CPU_CPU_FEATURES_H

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace llmc::rt::cpu {

/// The variants, each one needing all that the ones before it need:
///   Avx2    x86-64-v3: AVX2, BMI, FMA, F16C and what came with them
///   Avx512  x86-64-v4 and AVX-512 VNNI
///   Amx     the same, and AMX tiles of 8-bit integers
enum class Isa : uint8_t { Avx2, Avx512, Amx };
inline constexpr Isa allIsas[] = {Isa::Avx2, Isa::Avx512, Isa::Amx};

/// As targets and `--isa` spell it.
const char *nameOf(Isa isa);
std::optional<Isa> isaNamed(std::string_view name);
/// "amx, avx512, avx2"
std::string isaNames();

struct CpuidWords {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// What the CPU and the operating system say of themselves.
struct CpuProbe {
  bool x86 = false;
  /// Zeros for a leaf that the CPU does not have.
  std::function<CpuidWords(uint32_t leaf, uint32_t subleaf)> cpuid;
  /// XCR0: register states the system saves. Asked only where CPUID says that it can be.
  std::function<uint64_t()> savedStates;
  /// Asks the system for tiles, for this process. Asked only where the CPU has them.
  std::function<bool()> permitTiles;
};

/// The machine this program runs on.
const CpuProbe &hostProbe();

/// What is missing to run a variant, by the names of /proc/cpuinfo; empty where nothing is. For Amx
/// this also asks for the permission to use tiles, which then holds for all threads.
std::string missingFor(Isa isa, const CpuProbe &probe);

} // namespace llmc::rt::cpu

#endif
