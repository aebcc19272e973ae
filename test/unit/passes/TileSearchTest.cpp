#include "passes/Algorithms/TileSearch.h"

#include "catch2/catch.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

using namespace llmc::passes;

namespace {

StreamedMatmul randomMatmul(uint32_t seed) {
  std::mt19937 random(seed);
  StreamedMatmul matmul;
  matmul.m = 1 + random() % 20;
  matmul.n = 1 + random() % 200;
  matmul.k = 32 * (1 + random() % 8);
  matmul.bytesPerWeightRow = matmul.k / 2 + 4;
  matmul.inputBytesPerRow = matmul.k;
  matmul.outputBytesPerRow = 4 * matmul.n;
  matmul.sramBudget = 2000 + random() % 30000;
  matmul.slotLimit = 1000 + random() % 12000;
  matmul.slotAlign = 16;
  matmul.minSlots = 1 + random() % 2;
  matmul.maxSlots = matmul.minSlots + random() % 3;
  matmul.rowGranule = 16;
  matmul.mGranule = 1 + random() % 8;
  matmul.macsPerCycle = 64;
  matmul.computeOverhead = random() % 40;
  matmul.bytesPerCycle = 1.5 + random() % 8;
  matmul.copyOverhead = random() % 200;
  return matmul;
}

/// The same machine, told through the history of all tiles.
uint64_t referenceCycles(const StreamedMatmul &matmul, uint64_t rows, uint64_t rowsOfM,
                         uint32_t slots) {
  std::vector<uint64_t> copied, computed;
  for (uint64_t m = 0; m < matmul.m; m += rowsOfM)
    for (uint64_t n = 0; n < matmul.n; n += rows) {
      uint64_t tileRows = std::min(rows, matmul.n - n), tileM = std::min(rowsOfM, matmul.m - m);
      uint64_t granules = (tileRows + matmul.rowGranule - 1) / matmul.rowGranule;
      uint64_t granulesOfM = (tileM + matmul.mGranule - 1) / matmul.mGranule;
      double macs = double(granules * matmul.rowGranule * granulesOfM * matmul.mGranule * matmul.k);
      size_t i = copied.size();
      uint64_t start = i ? copied[i - 1] : 0;
      if (i >= slots)
        start = std::max(start, computed[i - slots]);
      copied.push_back(
          start + matmul.copyOverhead +
          uint64_t(std::ceil(double(tileRows * matmul.bytesPerWeightRow) / matmul.bytesPerCycle)));
      uint64_t ready = std::max(copied[i], i ? computed[i - 1] : 0);
      computed.push_back(ready + matmul.computeOverhead +
                         uint64_t(std::ceil(macs / matmul.macsPerCycle)));
    }
  return computed.back();
}

uint64_t bruteForce(const StreamedMatmul &matmul) {
  uint64_t best = UINT64_MAX;
  for (uint64_t rowsOfM = 1; rowsOfM <= matmul.m; ++rowsOfM) {
    if (rowsOfM % matmul.mGranule && rowsOfM != matmul.m)
      continue;
    for (uint64_t rows = 1; rows <= matmul.n; ++rows) {
      if (rows % matmul.rowGranule && rows != matmul.n)
        continue;
      uint64_t slot = (rows * matmul.bytesPerWeightRow + 15) / 16 * 16;
      uint64_t tiles = ((matmul.m + rowsOfM - 1) / rowsOfM) * ((matmul.n + rows - 1) / rows);
      for (uint64_t slots = 1; slots <= matmul.maxSlots; ++slots) {
        bool enough = slots >= std::min<uint64_t>(matmul.minSlots, tiles);
        uint64_t sram =
            slots * slot + rowsOfM * (matmul.inputBytesPerRow + matmul.outputBytesPerRow);
        if (enough && slot <= matmul.slotLimit && sram <= matmul.sramBudget)
          best = std::min(best, referenceCycles(matmul, rows, rowsOfM, uint32_t(slots)));
      }
    }
  }
  return best;
}

} // namespace

TEST_CASE("the tile search equals brute force") {
  uint32_t seed = GENERATE(range(0u, 150u));
  StreamedMatmul matmul = randomMatmul(seed);
  uint64_t expected = bruteForce(matmul);
  TilePlan plan = searchTiles(matmul);
  if (expected == UINT64_MAX) {
    CHECK(plan.error.find("the smallest til") == 0);
    return;
  }
  REQUIRE(plan.error == "");
  CHECK(plan.cycles == expected);
  CHECK(plan.cycles >= plan.lowerBound);
  CHECK(plan.cycles == referenceCycles(matmul, plan.rowsPerTile, plan.rowsOfM, plan.slots));
  CHECK(plan.slotBytes >= plan.rowsPerTile * matmul.bytesPerWeightRow);
  CHECK(plan.slotBytes <= matmul.slotLimit);
  CHECK(plan.sramBytes == plan.slots * plan.slotBytes +
                              plan.rowsOfM * (matmul.inputBytesPerRow + matmul.outputBytesPerRow));
  CHECK(plan.sramBytes <= matmul.sramBudget);
  CHECK((plan.rowsPerTile % matmul.rowGranule == 0 || plan.rowsPerTile == matmul.n));
}

TEST_CASE("random problems meet both answers") {
  uint32_t fitting = 0;
  for (uint32_t seed = 0; seed < 150; ++seed)
    fitting += searchTiles(randomMatmul(seed)).error.empty();
  CHECK(fitting > 50);
  CHECK(fitting < 150);
}

TEST_CASE("a bandwidth-bound decode step comes close to the bound") {
  StreamedMatmul matmul;
  matmul.n = 4096;
  matmul.k = 4096;
  matmul.bytesPerWeightRow = 2048 + 256;
  matmul.inputBytesPerRow = 4096;
  matmul.outputBytesPerRow = 4 * 4096;
  matmul.sramBudget = 1 << 20;
  matmul.slotLimit = 1 << 18;
  matmul.rowGranule = 16;
  matmul.macsPerCycle = 2048;
  matmul.bytesPerCycle = 16;
  matmul.copyOverhead = 250;
  TilePlan plan = searchTiles(matmul);
  REQUIRE(plan.error == "");
  CHECK(plan.gap() < 0.05);
  CHECK(plan.bytesStreamed == 4096 * 2304);
  CHECK(plan.tiles == (4096 + plan.rowsPerTile - 1) / plan.rowsPerTile);
}

TEST_CASE("activations that do not fit are computed in several passes over the weights") {
  StreamedMatmul matmul = randomMatmul(1);
  matmul.m = 64;
  matmul.n = 128;
  matmul.mGranule = 8;
  matmul.slotLimit = 4096;
  uint64_t row = matmul.inputBytesPerRow + matmul.outputBytesPerRow;
  matmul.sramBudget = 20 * row + 2 * matmul.slotLimit;
  TilePlan plan = searchTiles(matmul);
  REQUIRE(plan.error == "");
  CHECK(plan.rowsOfM < 64);
  CHECK(plan.bytesStreamed ==
        (64 + plan.rowsOfM - 1) / plan.rowsOfM * matmul.n * matmul.bytesPerWeightRow);
}

TEST_CASE("what does not fit says what is needed") {
  StreamedMatmul matmul;
  matmul.n = 64;
  matmul.bytesPerWeightRow = 100;
  matmul.rowGranule = 16;
  matmul.inputBytesPerRow = 50;
  matmul.sramBudget = 3000;
  matmul.slotLimit = 1000;
  CHECK(searchTiles(matmul).error ==
        "the smallest tile, 16 weight rows, has 1600 bytes; a slot may have 1000");
  matmul.slotLimit = 2000;
  CHECK(searchTiles(matmul).error ==
        "the smallest tiling needs 3250 bytes of SRAM (2 slots of 1600 bytes, input and output of "
        "1 rows); the budget is 3000");
  matmul.sramBudget = 3250;
  CHECK(searchTiles(matmul).rowsPerTile == 16);
}

TEST_CASE("descriptions that make no sense are errors") {
  StreamedMatmul matmul;
  CHECK(searchTiles(matmul).error == "a weight row has 0 bytes");
  matmul.bytesPerWeightRow = 1;
  matmul.minSlots = 3;
  CHECK(searchTiles(matmul).error == "the range of slots is empty");
  matmul.minSlots = 1;
  matmul.bytesPerCycle = 0;
  CHECK(searchTiles(matmul).error == "rates must be positive");
  matmul.bytesPerCycle = 1;
  matmul.rowGranule = 0;
  CHECK(searchTiles(matmul).error == "granules and alignment must be at least 1");
  matmul.rowGranule = 1;
  matmul.k = 0;
  CHECK(searchTiles(matmul).error == "the product has an extent of 0");
}
