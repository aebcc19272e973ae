#include "runtime/drivers/cpu/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace llmc::rt::cpu {

namespace {

enum Word : uint8_t { Ebx, Ecx, Edx };

struct Feature {
  const char *name;
  Isa since;
  uint32_t leaf;
  Word word;
  uint8_t bit;
};

constexpr uint32_t extended = 0x80000001;

/// All that a compiler may use for x86-64-v3 and v4, not only what the name of a variant says.
constexpr Feature features[] = {
    {"pni", Isa::Avx2, 1, Ecx, 0},
    {"ssse3", Isa::Avx2, 1, Ecx, 9},
    {"fma", Isa::Avx2, 1, Ecx, 12},
    {"cx16", Isa::Avx2, 1, Ecx, 13},
    {"sse4_1", Isa::Avx2, 1, Ecx, 19},
    {"sse4_2", Isa::Avx2, 1, Ecx, 20},
    {"movbe", Isa::Avx2, 1, Ecx, 22},
    {"popcnt", Isa::Avx2, 1, Ecx, 23},
    {"avx", Isa::Avx2, 1, Ecx, 28},
    {"f16c", Isa::Avx2, 1, Ecx, 29},
    {"bmi1", Isa::Avx2, 7, Ebx, 3},
    {"avx2", Isa::Avx2, 7, Ebx, 5},
    {"bmi2", Isa::Avx2, 7, Ebx, 8},
    {"lahf_lm", Isa::Avx2, extended, Ecx, 0},
    {"abm", Isa::Avx2, extended, Ecx, 5},
    {"avx512f", Isa::Avx512, 7, Ebx, 16},
    {"avx512dq", Isa::Avx512, 7, Ebx, 17},
    {"avx512cd", Isa::Avx512, 7, Ebx, 28},
    {"avx512bw", Isa::Avx512, 7, Ebx, 30},
    {"avx512vl", Isa::Avx512, 7, Ebx, 31},
    {"avx512_vnni", Isa::Avx512, 7, Ecx, 11},
    {"amx_tile", Isa::Amx, 7, Edx, 24},
    {"amx_int8", Isa::Amx, 7, Edx, 25},
};

/// Register states of XCR0 by variant: SSE and AVX; opmask and both parts of ZMM; tile
/// configuration and data.
constexpr uint64_t statesOf(Isa isa) {
  return isa == Isa::Avx2 ? 0x6 : isa == Isa::Avx512 ? 0xE6 : 0x600E6;
}

constexpr uint8_t osxsaveBit = 27; // leaf 1, ECX: XCR0 can be read

void add(std::string &list, const std::string &item) { list += (list.empty() ? "" : ", ") + item; }

CpuProbe makeHostProbe() {
  CpuProbe probe;
#if defined(__x86_64__)
  probe.x86 = true;
  probe.cpuid = [](uint32_t leaf, uint32_t subleaf) {
    CpuidWords words;
    if (!__get_cpuid_count(leaf, subleaf, &words.eax, &words.ebx, &words.ecx, &words.edx))
      return CpuidWords();
    return words;
  };
  probe.savedStates = [] {
    uint32_t low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return uint64_t(high) << 32 | low;
  };
#if defined(__linux__)
  probe.permitTiles = [] {
    constexpr long requestPermission = 0x1023, tileData = 18; // ARCH_REQ_XCOMP_PERM, XTILEDATA
    return ::syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
  };
#else
  probe.permitTiles = [] { return false; };
#endif
#endif
  return probe;
}

} // namespace

const char *nameOf(Isa isa) {
  return isa == Isa::Avx2 ? "avx2" : isa == Isa::Avx512 ? "avx512" : "amx";
}

std::optional<Isa> isaNamed(std::string_view name) {
  for (const Isa isa : allIsas)
    if (name == nameOf(isa))
      return isa;
  return std::nullopt;
}

std::string isaNames() {
  std::string names;
  for (size_t i = std::size(allIsas); i-- > 0;)
    add(names, nameOf(allIsas[i]));
  return names;
}

const CpuProbe &hostProbe() {
  static const CpuProbe probe = makeHostProbe();
  return probe;
}

std::string missingFor(Isa isa, const CpuProbe &probe) {
  if (!probe.x86)
    return "an x86-64 CPU";
  std::string missing;
  for (const Feature &feature : features) {
    const CpuidWords words = probe.cpuid(feature.leaf, 0);
    const uint32_t word = feature.word == Ebx   ? words.ebx
                          : feature.word == Ecx ? words.ecx
                                                : words.edx;
    if (feature.since <= isa && !(word >> feature.bit & 1))
      add(missing, feature.name);
  }
  if (!missing.empty())
    return missing;
  const bool readable = probe.cpuid(1, 0).ecx >> osxsaveBit & 1;
  const uint64_t needed = statesOf(isa);
  if (!readable || (probe.savedStates() & needed) != needed)
    return std::string("an operating system that saves the registers of ") + nameOf(isa);
  if (isa == Isa::Amx && !probe.permitTiles())
    return "the operating system's permission to use AMX tiles";
  return {};
}

} // namespace llmc::rt::cpu
