// What this machine can do at most: the denominators of every share.
#ifndef LLMC_RUNTIME_DRIVERS_CPU_MACHINE_PEAKS_H
#define LLMC_RUNTIME_DRIVERS_CPU_MACHINE_PEAKS_H

#include <cstddef>
#include <cstdint>
#include <optional>

#include "runtime/drivers/cpu/cpu_features.h"
#include "runtime/drivers/cpu/worker_pool.h"

namespace llmc::rt::cpu {

// On this thread, where the machine can run the variant.

/// Reads every byte once, with the widest loads of the variant.
void readBytes(Isa isa, const uint8_t *from, size_t bytes);
/// Independent multiplications of 8-bit integers on registers: vpmaddubsw and what sums its results
/// up, vpdpbusd, or tdpbsud. Returns the operations; multiply and add count two.
uint64_t multiplyInt8(Isa isa, uint64_t rounds);
/// The same with multiply-adds of fp32.
uint64_t multiplyF32(Isa isa, uint64_t rounds);

// By all threads of a pool together.

/// Memory that a read rate is measured on.
inline constexpr size_t readProbeBytes = size_t(1) << 30;
/// The best of several passes over memory of its own; nothing where the system refuses that memory.
std::optional<double> measureReadBytesPerSecond(Isa isa, WorkerPool &pool);
/// The best of several runs that are as short as a kernel.
double measureInt8OpsPerSecond(Isa isa, WorkerPool &pool);
/// The mean of such runs, one behind the other, over at least `seconds`.
double measureSustainedInt8OpsPerSecond(Isa isa, WorkerPool &pool, double seconds);

/// Of the last cache that all memory is read through; 0 where that is unknown.
uint64_t lastLevelCacheBytes();

} // namespace llmc::rt::cpu

#endif
