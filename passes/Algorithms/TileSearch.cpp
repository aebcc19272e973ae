#include "passes/Algorithms/TileSearch.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

namespace llmc::passes {
namespace {

uint64_t ceilDiv(uint64_t a, uint64_t b) { return (a + b - 1) / b; }
uint64_t roundUp(uint64_t a, uint64_t b) { return ceilDiv(a, b) * b; }

uint64_t copyCycles(const StreamedMatmul &matmul, uint64_t rows) {
  double bytes = double(rows * matmul.bytesPerWeightRow);
  return matmul.copyOverhead + uint64_t(std::ceil(bytes / matmul.bytesPerCycle));
}

/// The engine works in whole granules: a part of one costs as much as all of it.
uint64_t computeCycles(const StreamedMatmul &matmul, uint64_t rowsOfM, uint64_t rows) {
  double macs = double(roundUp(rowsOfM, matmul.mGranule)) *
                double(roundUp(rows, matmul.rowGranule)) * double(matmul.k);
  return matmul.computeOverhead + uint64_t(std::ceil(macs / matmul.macsPerCycle));
}

/// Two clocks, of the copies and of the computations, and when each slot was last free.
class Pipeline {
public:
  explicit Pipeline(uint32_t slots) : freeAt(slots, 0) {}

  void step(uint64_t copy, uint64_t compute) {
    uint64_t &slot = freeAt[next];
    next = next + 1 == freeAt.size() ? 0 : next + 1;
    copied = std::max(copied, slot) + copy;
    computed = std::max(computed, copied) + compute;
    slot = computed;
  }

  uint64_t end() const { return computed; }

private:
  std::vector<uint64_t> freeAt;
  size_t next = 0;
  uint64_t copied = 0, computed = 0;
};

uint64_t slotBytesOf(const StreamedMatmul &matmul, uint64_t rows) {
  return roundUp(rows * matmul.bytesPerWeightRow, matmul.slotAlign);
}

uint64_t heldBytes(const StreamedMatmul &matmul, uint64_t rowsOfM) {
  return rowsOfM * (matmul.inputBytesPerRow + matmul.outputBytesPerRow);
}

uint64_t lowerBoundOf(const StreamedMatmul &matmul) {
  double copy = std::ceil(double(matmul.n * matmul.bytesPerWeightRow) / matmul.bytesPerCycle);
  double compute =
      std::ceil(double(matmul.m) * double(matmul.n) * double(matmul.k) / matmul.macsPerCycle);
  return uint64_t(std::max(copy + double(matmul.copyOverhead), compute));
}

/// All of M, or the multiples of the granule below it.
std::vector<uint64_t> candidates(uint64_t extent, uint64_t granule) {
  std::vector<uint64_t> sizes;
  for (uint64_t size = granule; size < extent; size += granule)
    sizes.push_back(size);
  sizes.push_back(extent);
  return sizes;
}

class Search {
public:
  explicit Search(const StreamedMatmul &matmul) : matmul(matmul) {
    best.lowerBound = lowerBoundOf(matmul);
  }

  TilePlan run() {
    std::vector<uint64_t> rows = candidates(matmul.n, matmul.rowGranule);
    std::vector<uint64_t> rowsOfM = candidates(matmul.m, matmul.mGranule);
    // Fewer M tiles never stream more; those that stream more than the best already costs need no
    // look.
    for (auto mTile = rowsOfM.rbegin(); mTile != rowsOfM.rend(); ++mTile)
      if (heldBytes(matmul, *mTile) <= matmul.sramBudget && worthwhile(*mTile))
        for (uint64_t rowTile : rows)
          tryRows(rowTile, *mTile);
    if (best.slots == 0)
      best.error = tooLarge();
    return best;
  }

private:
  bool worthwhile(uint64_t rowsOfM) const {
    double streamed = double(ceilDiv(matmul.m, rowsOfM)) *
                      double(matmul.n * matmul.bytesPerWeightRow) / matmul.bytesPerCycle;
    return best.slots == 0 || streamed <= double(best.cycles);
  }

  uint32_t usefulSlots(uint32_t wanted, uint64_t rows, uint64_t rowsOfM) const {
    uint64_t tiles = ceilDiv(matmul.m, rowsOfM) * ceilDiv(matmul.n, rows);
    return uint32_t(std::min<uint64_t>(wanted, tiles));
  }

  void tryRows(uint64_t rows, uint64_t rowsOfM) {
    uint64_t slot = slotBytesOf(matmul, rows);
    if (slot > matmul.slotLimit)
      return;
    uint64_t held = heldBytes(matmul, rowsOfM);
    for (uint32_t wanted = matmul.minSlots; wanted <= matmul.maxSlots; ++wanted) {
      uint32_t slots = usefulSlots(wanted, rows, rowsOfM);
      if (held + slots * slot <= matmul.sramBudget)
        offer(rows, rowsOfM, slots, slot, held + slots * slot);
    }
  }

  void offer(uint64_t rows, uint64_t rowsOfM, uint32_t slots, uint64_t slot, uint64_t sram) {
    uint64_t cycles = streamedCycles(matmul, rows, rowsOfM, slots);
    if (best.slots &&
        std::make_tuple(cycles, sram, ~rows, ~rowsOfM) >=
            std::make_tuple(best.cycles, best.sramBytes, ~best.rowsPerTile, ~best.rowsOfM))
      return;
    uint64_t passes = ceilDiv(matmul.m, rowsOfM);
    best.rowsPerTile = rows;
    best.rowsOfM = rowsOfM;
    best.slots = slots;
    best.tiles = passes * ceilDiv(matmul.n, rows);
    best.slotBytes = slot;
    best.sramBytes = sram;
    best.bytesStreamed = passes * matmul.n * matmul.bytesPerWeightRow;
    best.cycles = cycles;
  }

  std::string tooLarge() const {
    uint64_t rows = std::min(matmul.n, matmul.rowGranule);
    uint64_t rowsOfM = std::min(matmul.m, matmul.mGranule);
    uint64_t slot = slotBytesOf(matmul, rows);
    if (slot > matmul.slotLimit)
      return "the smallest tile, " + std::to_string(rows) + " weight rows, has " +
             std::to_string(slot) + " bytes; a slot may have " + std::to_string(matmul.slotLimit);
    uint32_t slots = usefulSlots(matmul.minSlots, rows, rowsOfM);
    uint64_t needed = heldBytes(matmul, rowsOfM) + slots * slot;
    return "the smallest tiling needs " + std::to_string(needed) + " bytes of SRAM (" +
           std::to_string(slots) + " slots of " + std::to_string(slot) +
           " bytes, input and output of " + std::to_string(rowsOfM) + " rows); the budget is " +
           std::to_string(matmul.sramBudget);
  }

  const StreamedMatmul &matmul;
  TilePlan best;
};

} // namespace

uint64_t streamedCycles(const StreamedMatmul &matmul, uint64_t rowsPerTile, uint64_t rowsOfM,
                        uint32_t slots) {
  Pipeline pipeline(slots);
  for (uint64_t m = 0; m < matmul.m; m += rowsOfM) {
    uint64_t mRows = std::min(rowsOfM, matmul.m - m);
    uint64_t fullCompute = computeCycles(matmul, mRows, rowsPerTile);
    uint64_t fullCopy = copyCycles(matmul, rowsPerTile);
    uint64_t whole = matmul.n / rowsPerTile, rest = matmul.n % rowsPerTile;
    for (uint64_t tile = 0; tile < whole; ++tile)
      pipeline.step(fullCopy, fullCompute);
    if (rest)
      pipeline.step(copyCycles(matmul, rest), computeCycles(matmul, mRows, rest));
  }
  return pipeline.end();
}

std::string checkStreamedMatmul(const StreamedMatmul &matmul) {
  if (matmul.m == 0 || matmul.n == 0 || matmul.k == 0)
    return "the product has an extent of 0";
  if (matmul.bytesPerWeightRow == 0)
    return "a weight row has 0 bytes";
  if (matmul.rowGranule == 0 || matmul.mGranule == 0 || matmul.slotAlign == 0)
    return "granules and alignment must be at least 1";
  if (matmul.minSlots == 0 || matmul.minSlots > matmul.maxSlots)
    return "the range of slots is empty";
  if (!(matmul.macsPerCycle > 0) || !(matmul.bytesPerCycle > 0))
    return "rates must be positive";
  return "";
}

TilePlan searchTiles(const StreamedMatmul &matmul) {
  TilePlan plan;
  plan.error = checkStreamedMatmul(matmul);
  return plan.error.empty() ? Search(matmul).run() : plan;
}

} // namespace llmc::passes
