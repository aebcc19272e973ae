// The ring against a quadratic validator.
#include "passes/Algorithms/StreamRing.h"

#include "catch2/catch.hpp"

#include <algorithm>
#include <random>

using namespace llmc::passes;

namespace {

constexpr uint64_t kAlignment = 16;

/// Buffers in load order, each read for a few steps.
std::vector<StreamBuffer> randomStreams(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<StreamBuffer> streams(1 + random() % 40);
  uint32_t step = 0;
  for (size_t i = 0; i < streams.size(); ++i) {
    step += random() % 3;
    streams[i] = {"s" + std::to_string(i), 1 + random() % 300, step,
                  uint32_t(step + 1 + random() % 6)};
  }
  return streams;
}

bool liveTogether(const StreamBuffer &a, const StreamBuffer &b) {
  return std::max(a.first, b.first) < std::min(a.last, b.last);
}

bool overlaps(uint64_t a, uint64_t aSize, uint64_t b, uint64_t bSize) {
  return a < b + bSize && b < a + aSize;
}

void validate(const std::vector<StreamBuffer> &streams, const RingPlacement &ring,
              uint64_t capacity) {
  REQUIRE(ring.offsets.size() == streams.size());
  uint64_t end = 0;
  for (size_t i = 0; i < streams.size(); ++i) {
    CHECK(ring.offsets[i] % kAlignment == 0);
    CHECK(ring.offsets[i] + streams[i].size <= capacity);
    end = std::max(end, ring.offsets[i] + streams[i].size);
    for (size_t j = 0; j < i; ++j)
      if (liveTogether(streams[i], streams[j]))
        CHECK_FALSE(overlaps(ring.offsets[i], streams[i].size, ring.offsets[j], streams[j].size));
  }
  CHECK(ring.used >= end);
  CHECK(ring.used < end + kAlignment);
}

/// An offset at which the next buffer could stand beside those placed before it.
bool hasPlace(const std::vector<StreamBuffer> &streams, const RingPlacement &ring,
              uint64_t capacity) {
  const StreamBuffer &next = streams[ring.offsets.size()];
  uint64_t size = (next.size + kAlignment - 1) / kAlignment * kAlignment;
  for (uint64_t offset = 0; offset + size <= capacity; offset += kAlignment) {
    bool isFree = true;
    for (size_t j = 0; j < ring.offsets.size(); ++j)
      isFree &= !liveTogether(next, streams[j]) ||
                !overlaps(offset, size, ring.offsets[j], streams[j].size);
    if (isFree)
      return true;
  }
  return false;
}

} // namespace

TEST_CASE(
    "a ring holds no two living buffers in one place, and fails only where no place is left") {
  uint32_t placed = 0, refused = 0;
  for (uint32_t seed = 0; seed < 400; ++seed) {
    std::vector<StreamBuffer> streams = randomStreams(seed);
    uint64_t bound = ringLowerBound(streams, kAlignment);
    uint64_t capacity = bound * (50 + seed % 150) / 100 / kAlignment * kAlignment;
    INFO("seed " << seed << " capacity " << capacity << " bound " << bound);
    RingPlacement ring = placeInRing(streams, capacity, kAlignment);
    if (ring.error.empty()) {
      ++placed;
      CHECK(capacity >= bound);
      validate(streams, ring, capacity);
      continue;
    }
    ++refused;
    REQUIRE(ring.offsets.size() < streams.size());
    const StreamBuffer &next = streams[ring.offsets.size()];
    CHECK(ring.error == "streamed buffer '" + next.name + "' of " + std::to_string(next.size) +
                            " bytes does not fit a ring of " + std::to_string(capacity) +
                            " bytes beside what is read together with it");
    CHECK_FALSE(hasPlace(streams, ring, capacity));
  }
  CHECK(placed > 50);
  CHECK(refused > 50);
}

TEST_CASE("the lower bound is the most bytes alive at one step") {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    std::vector<StreamBuffer> streams = randomStreams(seed);
    uint64_t most = 0;
    for (uint32_t step = 0; step < 200; ++step) {
      uint64_t live = 0;
      for (const StreamBuffer &stream : streams)
        if (stream.first <= step && step < stream.last)
          live += (stream.size + kAlignment - 1) / kAlignment * kAlignment;
      most = std::max(most, live);
    }
    CHECK(ringLowerBound(streams, kAlignment) == most);
  }
}

TEST_CASE("loads run ahead as far as the ring is long") {
  std::vector<StreamBuffer> streams;
  for (uint32_t i = 0; i < 6; ++i)
    streams.push_back({"s", 64, i, i + 1});
  CHECK(placeInRing(streams, 192, 64).offsets == std::vector<uint64_t>{0, 64, 128, 0, 64, 128});
  CHECK(placeInRing(streams, 1024, 64).offsets == std::vector<uint64_t>{0, 64, 128, 192, 256, 320});
  CHECK(placeInRing(streams, 64, 64).used == 64);
}

TEST_CASE("an empty ring") {
  RingPlacement ring = placeInRing({}, 0, 64);
  CHECK(ring.error.empty());
  CHECK(ring.used == 0);
  CHECK(ringLowerBound({}, 64) == 0);
  CHECK_FALSE(placeInRing({{"s", 1, 0, 1}}, 0, 64).error.empty());
}
