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

/// Of opening the plan and, if asked for, checking its weights too.
std::string openError(const std::vector<uint8_t> &bytes, bool weightsToo = false) {
  const TemporaryFile file(bytes);
  std::string error;
  const auto plan = rt::host::PlanFile::open(file.path, error);
  return plan && (!weightsToo || plan->checkWeights(error)) ? "" : error;
}

/// A plan opened from a copy of its bytes.
struct InMemory {
  explicit InMemory(const std::vector<uint8_t> &bytes)
      : file(Memory::of(bytes)), source(rt::memorySource(file.data(), file.size())) {
    REQUIRE(rt::Plan::open(source, {}, &plan).ok());
  }
  const Memory file;
  const llmc_source source;
  rt::Plan plan;
};

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
  SECTION("constants aligned as much as a plan can") {
    description.regions[flashRegion].alignLog2 = 16;
    description.segments[0].alignLog2 = 16;
  }
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
  // Constants stay where the file is mapped.
  const auto *flash = static_cast<const uint8_t *>(memory.views()[flashRegion].base);
  for (uint32_t s = 0; s < 2; ++s)
    CHECK(flash + plan->plan().segments()[s].regionOffset == plan->segment(s).data);
}

TEST_CASE("memory that the system does not have is one error") {
  PlanDescription description = languageModel();
  const uint64_t bytes = uint64_t(1) << 50;
  description.regions[dramRegion].size = bytes;
  const TemporaryFile file(planBytes(description));
  std::string error;
  const auto plan = rt::host::PlanFile::open(file.path, error);
  INFO(error);
  REQUIRE(plan);
  rt::host::RegionMemory memory;
  CHECK(!memory.prepare(plan->plan(), error));
  CHECK(error == "the plan's region 'dram' needs 1125899906842624 bytes of memory: the system "
                 "refuses them; free memory, raise the limit of this process, or compile the model "
                 "with a smaller --context");
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

TEST_CASE("damage is found when a plan is opened, in weights when they are checked") {
  const std::vector<uint8_t> good = planBytes(languageModel());
  CHECK(openError(good) == "");
  CHECK(openError(good, true) == "");
  CHECK_THAT(openError({}), Catch::Contains("incomplete"));
  std::vector<uint8_t> cut = good;
  cut.pop_back();
  CHECK_THAT(openError(cut), Catch::Contains("incomplete"));
  const InMemory file(good);
  for (const rt::Segment &segment : file.plan.segments())
    for (const uint64_t at : {segment.offset, segment.offset + segment.size - 1}) {
      std::vector<uint8_t> bad = good;
      bad[at] ^= 0x20;
      CHECK_THAT(openError(bad, true), Catch::Contains("digest"));
      const bool light = segment.kind == rt::SegmentKind::Weights;
      CHECK((openError(bad) == "") == light);
    }
}

TEST_CASE("the first chunk that differs is named") {
  PlanDescription description = languageModel();
  SegmentDescription other;
  other.name = "other";
  other.chunkLog2 = 10;
  other.source = segmentFromBytes(std::vector<uint8_t>(4 * 1024, 9));
  description.segments.push_back(other);
  std::vector<uint8_t> bytes = planBytes(description);
  const uint64_t begin = InMemory(bytes).plan.segments()[2].offset;
  bytes[begin + 2 * 1024 + 5] ^= 1;
  bytes[begin + 3 * 1024] ^= 1;
  CHECK(openError(bytes) == "");
  const std::string range = std::to_string(begin + 2048) + " to " + std::to_string(begin + 3071);
  CHECK(openError(bytes, true) ==
        "'host-test.llmc': segment 2 'other', bytes 2048 to 3071 of it (" + range +
            " of the file) do not match their digest; the file was changed or damaged");
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
