// Plan files and region memory as a host program uses them.
#include "runtime/drivers/host/plan_file.h"
#include "test/unit/runtime/plan_fixture.h"

#include "catch2/catch.hpp"
#include <cstdio>
#include <fstream>

using namespace llmc;
using namespace llmc::test;

namespace {

/// A file that is gone at the end of the test.
struct TemporaryFile {
  explicit TemporaryFile(const std::vector<uint8_t> &bytes) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char *>(bytes.data()), std::streamsize(bytes.size()));
  }
  ~TemporaryFile() { std::remove(path.c_str()); }
  const std::string path = "host-test.llmc";
};

std::string openError(const std::vector<uint8_t> &bytes) {
  const TemporaryFile file(bytes);
  std::string error;
  return rt::host::PlanFile::open(file.path, error) ? "" : error;
}

bool zero(const llmc_memory &memory) {
  const auto *bytes = static_cast<const uint8_t *>(memory.base);
  for (uint64_t i = 0; i < memory.size; ++i)
    if (bytes[i] != 0)
      return false;
  return true;
}

} // namespace

TEST_CASE("regions have their size, alignment and content") {
  PlanDescription description = languageModel();
  SECTION("as they are") {}
  SECTION("aligned beyond a page") { description.regions[dramRegion].alignLog2 = 14; }
  const TemporaryFile file(planBytes(description));
  std::string error;
  const auto plan = rt::host::PlanFile::open(file.path, error);
  INFO(error);
  REQUIRE(plan);
  rt::host::RegionMemory memory;
  REQUIRE(memory.prepare(plan->plan(), error));
  const rt::Span<const rt::Region> regions = plan->plan().regions();
  REQUIRE(memory.views().size == regions.size);
  for (uint32_t r = 0; r < regions.size; ++r) {
    CHECK(memory.views()[r].size == regions[r].size);
    CHECK(reinterpret_cast<uintptr_t>(memory.views()[r].base) %
              (uintptr_t(1) << regions[r].alignLog2) ==
          0);
    if (regions[r].lifetime != rt::Lifetime::Constant)
      CHECK(zero(memory.views()[r]));
  }
  const auto *flash = static_cast<const uint8_t *>(memory.views()[flashRegion].base);
  for (uint32_t s = 0; s < 2; ++s) {
    const rt::Span<const uint8_t> bytes = plan->segment(s);
    CHECK(std::memcmp(flash + plan->plan().segments()[s].regionOffset, bytes.data, bytes.size) ==
          0);
  }
}

TEST_CASE("a session runs on them") {
  const TemporaryFile file(planBytes(languageModel()));
  std::string error;
  const auto plan = rt::host::PlanFile::open(file.path, error);
  REQUIRE(plan);
  rt::host::RegionMemory memory;
  REQUIRE(memory.prepare(plan->plan(), error));
  ScriptedDevice device;
  installModel(device);
  const llmc_device *tables[] = {&device.table};
  rt::Bindings bindings;
  bindings.memories = memory.views();
  bindings.devices = {tables, 1};
  bindings.platform = &rt::host::platform();
  rt::Session session;
  REQUIRE(session.bind(plan->plan(), bindings).ok());
  const std::vector<int32_t> ids = {5};
  rt::Call call;
  call.entry = decode1;
  call.ids = {ids.data(), ids.size()};
  REQUIRE(session.run(call).ok());
  CHECK(session.position() == 1);
}

TEST_CASE("a constant region that the file does not hold as one range is loaded") {
  PlanDescription description = languageModel();
  // Another segment stands between the two of the region.
  SegmentDescription other;
  other.kind = rt::SegmentKind::Debug;
  other.name = "other";
  other.source = segmentFromBytes(std::vector<uint8_t>(5000));
  description.segments.insert(description.segments.begin() + 1, other);
  for (rt::Buffer &buffer : description.buffers)
    buffer.segment = buffer.segment == 1 ? 2 : buffer.segment;
  const TemporaryFile file(planBytes(description));
  std::string error;
  const auto plan = rt::host::PlanFile::open(file.path, error);
  INFO(error);
  REQUIRE(plan);
  rt::host::RegionMemory memory;
  REQUIRE(memory.prepare(plan->plan(), error));
  uint64_t offset = 0;
  REQUIRE(!plan->plan().regionFileOffset(flashRegion, &offset).ok());
  const auto *flash = static_cast<const uint8_t *>(memory.views()[flashRegion].base);
  for (const uint32_t i : {0, 2}) {
    const rt::Span<const uint8_t> bytes = plan->segment(i);
    CHECK(std::memcmp(flash + plan->plan().segments()[i].regionOffset, bytes.data, bytes.size) ==
          0);
  }
}

TEST_CASE("every damaged byte of a plan's content is found") {
  const std::vector<uint8_t> good = planBytes(languageModel());
  CHECK(openError(good) == "");
  CHECK_THAT(openError({}), Catch::Contains("incomplete"));
  std::vector<uint8_t> cut = good;
  cut.pop_back();
  CHECK_THAT(openError(cut), Catch::Contains("incomplete"));
  std::string error;
  const TemporaryFile file(good);
  const auto plan = rt::host::PlanFile::open(file.path, error);
  REQUIRE(plan);
  for (const rt::Segment &segment : plan->plan().segments())
    for (const uint64_t at : {segment.offset, segment.offset + segment.size - 1}) {
      std::vector<uint8_t> bad = good;
      bad[at] ^= 0x20;
      std::string problem;
      {
        std::ofstream("host-test-bad.llmc", std::ios::binary)
            .write(reinterpret_cast<const char *>(bad.data()), std::streamsize(bad.size()));
        CHECK(!rt::host::PlanFile::open("host-test-bad.llmc", problem));
      }
      CHECK_THAT(problem, Catch::Contains("digest"));
    }
  std::remove("host-test-bad.llmc");
}

TEST_CASE("files that cannot be read or are no plans are told apart") {
  std::string error;
  CHECK(!rt::host::PlanFile::open("host-test-absent.llmc", error));
  CHECK(error == "cannot read 'host-test-absent.llmc': No such file or directory");
  CHECK(!rt::host::PlanFile::open(".", error));
  CHECK(error == "cannot read '.': Is a directory");
  CHECK(!rt::host::looksLikePlan("host-test-absent.llmc"));
  const TemporaryFile foreign(std::vector<uint8_t>(200, 'x'));
  CHECK(!rt::host::looksLikePlan(foreign.path));
  CHECK(!rt::host::PlanFile::open(foreign.path, error));
  CHECK_THAT(error, Catch::Contains("not a plan file"));
  const TemporaryFile plan(planBytes(languageModel()));
  CHECK(rt::host::looksLikePlan(plan.path));
}
