#pragma once

#include <cstdint>
#include <string>

namespace llmc::passes {

/// A matrix product [M, K] x [N, K]^T whose N weight rows stream from memory through slots of SRAM
/// while the engine computes on those that have arrived. The activations of one M tile stay in
/// SRAM; with several M tiles, all weights stream once per M tile.
struct StreamedMatmul {
  uint64_t m = 1, n = 1, k = 1;
  uint64_t bytesPerWeightRow = 0; ///< K weights with their scales, padding included
  uint64_t inputBytesPerRow = 0;  ///< SRAM for one row of M, held while its M tile is computed
  uint64_t outputBytesPerRow = 0; ///< SRAM for one row of the result, likewise

  uint64_t sramBudget = 0; ///< bytes for slots, input and output together
  uint64_t slotLimit = 0;  ///< bytes one slot may have
  uint64_t slotAlign = 1;  ///< slots are padded to a multiple of it
  uint32_t minSlots = 2;   ///< with 1, copies and computations alternate
  uint32_t maxSlots = 2;   ///< no tiling gets more slots than it has tiles
  uint64_t rowGranule = 1; ///< N rows the engine computes at a time
  uint64_t mGranule = 1;   ///< M rows the engine computes at a time

  double macsPerCycle = 1;      ///< peak rate of the engine
  uint64_t computeOverhead = 0; ///< cycles per tile
  double bytesPerCycle = 1;     ///< bandwidth of the copies
  uint64_t copyOverhead = 0;    ///< cycles per copy
};

struct TilePlan {
  std::string error; ///< not empty when nothing fits: what is needed at least and what there is

  uint64_t rowsPerTile = 0; ///< weight rows per slot, a multiple of the granule or all of N
  uint64_t rowsOfM = 0;     ///< rows per M tile
  uint32_t slots = 0;
  uint64_t tiles = 0; ///< weight tiles streamed in total, all M tiles counted
  uint64_t slotBytes = 0;
  uint64_t sramBytes = 0; ///< slots, input and output
  uint64_t bytesStreamed = 0;
  uint64_t cycles = 0;
  uint64_t lowerBound =
      0; ///< cycles that no tiling beats: each weight copied once, each product computed once

  double gap() const { return lowerBound ? double(cycles - lowerBound) / double(lowerBound) : 0.0; }
};

/// Cycles of one tiling: copies run one after the other and wait for a free slot, computations run
/// one after the other and wait for their weights.
uint64_t streamedCycles(const StreamedMatmul &matmul, uint64_t rowsPerTile, uint64_t rowsOfM,
                        uint32_t slots);

/// The first reason why the description makes no sense, or an empty string.
std::string checkStreamedMatmul(const StreamedMatmul &matmul);

/// The fastest tiling that fits; among equals the one with the least SRAM, then with the largest
/// tiles.
TilePlan searchTiles(const StreamedMatmul &matmul);

} // namespace llmc::passes
