// What one thread of this machine can do at most: the denominators of every share.
#pragma once

#include <cstddef>
#include <cstdint>

namespace llmc::bench {

bool hasAvx512Vnni();
/// Also asks the system for the tiles' state of this process.
bool hasAmx();

/// Reads every byte once, with the widest loads of the machine.
void readAll(const uint8_t *from, size_t bytes);
/// Each is independent instructions on registers; returns the operations (multiply and add count
/// two).
uint64_t runVpdpbusd(uint64_t rounds);
uint64_t runTdpbsud(uint64_t rounds);
uint64_t runMaddUbs(uint64_t rounds);
uint64_t runWideFma(uint64_t rounds); ///< fp32, 512 bits.
uint64_t runNarrowFma(uint64_t rounds);

} // namespace llmc::bench
