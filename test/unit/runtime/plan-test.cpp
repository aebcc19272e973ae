// The plan file: what is written is read back, by both readers; damaged headers and truncated files
// are refused.
#include "catch2/catch.hpp"

#include <algorithm>
#include <cstdio>
#include <dirent.h>
#include <fstream>
#include <iterator>
#include <string_view>
#include <unistd.h>

#include "compiler/Emit/PlanView.h"
#include "compiler/Support/AtomicFile.h"
#include "runtime/schema/explain.h"
#include "runtime/schema/plan_generated.h"
#include "test/unit/runtime/check_status.h"
#include "test/unit/runtime/plan_fixture.h"

using namespace llmc;
using namespace llmc::test;
namespace fb = llmc::plan::fb;
using rt::Plan;
using rt::Status;

namespace {

Status openBytes(const std::vector<uint8_t> &bytes) {
  Memory exact(bytes.size());
  std::copy(bytes.begin(), bytes.end(), exact.data());
  llmc_source source = rt::memorySource(exact.data(), exact.size());
  Plan plan;
  return Plan::open(source, {}, &plan);
}

template <class T> void put(std::vector<uint8_t> &bytes, size_t at, T value) {
  std::memcpy(&bytes[at], &value, sizeof(T));
}

std::vector<std::string> filesIn(const std::string &folder) {
  std::vector<std::string> names;
  DIR *dir = opendir(folder.c_str());
  while (dirent *entry = readdir(dir))
    if (std::string_view(entry->d_name) != "." && std::string_view(entry->d_name) != "..")
      names.push_back(entry->d_name);
  closedir(dir);
  return names;
}

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/llmc-plan-test-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() {
    for (const std::string &name : filesIn(path))
      std::remove((path + "/" + name).c_str());
    rmdir(path.c_str());
  }
};

PlanWriterResult writeFile(const PlanDescription &description, const std::string &path) {
  PlanWriterResult result;
  AtomicFile file;
  REQUIRE(file.open(path, result.error));
  result = writePlan(description, file);
  if (result)
    file.commit(result.error);
  return result;
}

} // namespace

TEST_CASE("a plan is read back as it was written") {
  Machine machine(languageModel());
  const Plan &plan = machine.plan;
  CHECK(plan.regions().size == 4);
  CHECK(plan.nEntries() == 5);
  CHECK(plan.entry(prefill4).name().equals("prefill4"));
  CHECK(plan.entry(prefill4).chunk() == 4);
  CHECK(plan.entry(head4).rowParam() == pRow);
  CHECK(plan.entry(decode1).rowParam() == rt::none8);
  CHECK(plan.entry(prefill16).input(0).role() == rt::TensorRole::Ids);
  CHECK(plan.text(plan.regions()[dramRegion].name).equals("dram"));
  CHECK(plan.contextLength() == context);
  CHECK(plan.model().name().equals("toy"));
  CHECK(plan.model().bosId() == -1);
  CHECK(plan.model().eosIds().size == 2);
  CHECK(plan.target(0).abi == 1);
  CHECK(plan.features() == (rt::featureLoops | rt::featureDma | rt::featureGather |
                            rt::featureCache | rt::featureKvCommit | rt::featureDerivedParams));
}

TEST_CASE("the generated reader sees the same plan") {
  std::vector<uint8_t> bytes = planBytes(languageModel());
  Memory exact(bytes.size());
  std::copy(bytes.begin(), bytes.end(), exact.data());
  std::string error;
  auto view = PlanView::open(std::span<const uint8_t>(exact.data(), exact.size()), error);
  REQUIRE(error == "");
  const Plan &own = view->plan();
  const fb::Plan &lib = view->root();
  auto same = [](const auto *vector, auto span) {
    REQUIRE(vector->size() == span.size);
    CHECK(vector->size() * sizeof(span[0]) > 0);
    CHECK(std::memcmp(vector->Data(), span.data, span.size * sizeof(span[0])) == 0);
  };
  same(lib.targets(), own.targets());
  same(lib.regions(), own.regions());
  same(lib.segments(), own.segments());
  same(lib.params(), own.params());
  same(lib.moves(), own.moves());
  same(lib.operands(), own.operands());
  same(lib.args(), own.args());
  same(lib.blobs(), own.blobs());
  same(lib.kernels(), own.kernels());
  same(lib.queues(), own.queues());
  same(lib.rows(), own.rows());
  same(lib.steps(), own.steps());
  same(lib.states(), own.states());
  same(lib.numbers(), own.numbers());
  same(lib.tensors(), own.tensors());
  same(lib.entries(), own.entries());
  CHECK(own.producer().equals(lib.producer()->c_str()));
  CHECK(own.entry(head4).name().equals(lib.text()->c_str() + lib.entries()->Get(head4)->name()));
  CHECK(lib.required_features() == own.features());
  CHECK(reinterpret_cast<const uint8_t *>(lib.digest_root()) == own.digestRoot());
  CHECK(lib.model()->vocab_size() == own.model().vocabSize());
}

TEST_CASE("the same description gives the same bytes, digests hold, and damage shows") {
  std::vector<uint8_t> bytes = planBytes(languageModel());
  CHECK((bytes == planBytes(languageModel())));
  Memory copy(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.data());
  std::span<const uint8_t> span(copy.data(), copy.size());
  std::string error;
  auto view = PlanView::open(span, error);
  REQUIRE(view);
  CHECK(view->checkDigests() == "");
  for (const rt::Segment &segment : view->plan().segments()) {
    copy.data()[segment.offset + segment.size - 1] ^= 1;
    CHECK(view->checkDigests().find("do not match their digest") != std::string::npos);
    copy.data()[segment.offset + segment.size - 1] ^= 1;
  }
  size_t name =
      size_t(view->root().producer()->c_str() - reinterpret_cast<const char *>(copy.data()));
  copy.data()[name] ^= 1;
  CHECK(view->checkDigests().find("header") == 0);
}

TEST_CASE("chunk digests cover every page of a segment") {
  PlanDescription d = languageModel();
  SegmentDescription debug;
  debug.kind = rt::SegmentKind::Debug;
  debug.name = "debug";
  debug.chunkLog2 = 10;
  debug.source = segmentFromBytes(std::vector<uint8_t>(2500, 7));
  d.segments.push_back(debug);
  std::vector<uint8_t> bytes = planBytes(d);
  Memory copy(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.data());
  std::string error;
  auto view = PlanView::open(std::span<const uint8_t>(copy.data(), copy.size()), error);
  REQUIRE(view);
  CHECK(view->plan().segments()[3].size == 32 * (2 + 3));
  CHECK(view->checkDigests() == "");
  for (size_t at : {0u, 1023u, 1024u, 2499u}) {
    copy.data()[view->plan().segments()[2].offset + at] ^= 0x80;
    CHECK(view->checkDigests().find("segment 2") == 0);
    copy.data()[view->plan().segments()[2].offset + at] ^= 0x80;
  }
}

TEST_CASE("a constant region is one range of the file where its segments are neighbours") {
  Machine machine(languageModel());
  const void *base = nullptr;
  REQUIRE(machine.plan.mapRegion(flashRegion, &base).ok());
  CHECK(std::memcmp(base, machine.memories[flashRegion].data(),
                    machine.memories[flashRegion].size()) == 0);
  CHECK_FALSE(machine.plan.mapRegion(dramRegion, &base).ok());
}

TEST_CASE("files appear complete or not at all") {
  Folder folder;
  std::string path = folder.path + "/model.llmc";
  PlanDescription d = languageModel();
  PlanWriterResult result = writeFile(d, path);
  REQUIRE(result.error == "");
  CHECK(filesIn(folder.path) == std::vector<std::string>{"model.llmc"});
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(file)), {});
  CHECK((bytes == planBytes(d)));
  CHECK(bytes.size() == result.fileBytes);

  SECTION("a source that fails leaves the old file") {
    d.segments[1].source = segmentFromProducer(384, [](const ByteSink &sink, std::string &error) {
      uint8_t part[100] = {};
      error = "the disk caught fire";
      return sink(part) && false;
    });
    CHECK(writeFile(d, path).error == "segment 1 (embedding): the disk caught fire");
  }
  SECTION("a source of the wrong size") {
    for (size_t n : {383u, 385u}) {
      d.segments[1].source = segmentFromProducer(
          384, [n](const ByteSink &sink, std::string &) { return sink(std::vector<uint8_t>(n)); });
      CHECK(writeFile(d, path).error == "segment 1 (embedding) delivered other than its 384 bytes");
    }
  }
  SECTION("an invalid plan is refused before anything is written") {
    d.operands[0].extent += 1;
    CHECK(writeFile(d, path).error ==
          "the plan is not valid: operand 0: an offset, size or address "
          "leaves what must contain it");
  }
  SECTION("a segment without bytes") {
    d.segments[0].source = nullptr;
    CHECK(writeFile(d, path).error.find("segment 0 (kernels) has no bytes") == 0);
  }
  CHECK(filesIn(folder.path) == std::vector<std::string>{"model.llmc"});
  std::ifstream again(path, std::ios::binary);
  CHECK((std::vector<uint8_t>((std::istreambuf_iterator<char>(again)), {}) == bytes));
}

TEST_CASE("every truncation is refused") {
  std::vector<uint8_t> bytes = planBytes(languageModel());
  for (size_t n = 0; n < bytes.size(); ++n)
    REQUIRE_FALSE(openBytes({bytes.begin(), bytes.begin() + long(n)}).ok());
  CHECK(openBytes(bytes).ok());
  std::vector<uint8_t> longer = bytes;
  longer.resize(longer.size() + 100, 0xFF); // a flash partition is larger than its plan
  CHECK(openBytes(longer).ok());
}

TEST_CASE("a truncated FlatBuffer under a matching header is refused or whole") {
  std::vector<uint8_t> bytes = planBytes(languageModel());
  rt::FileHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  for (uint64_t n = 0; n < header.planSize; ++n) {
    std::vector<uint8_t> shorter = bytes;
    put(shorter, offsetof(rt::FileHeader, planSize), n);
    // Read into memory of exactly that size, so that a step too far is seen by the sanitizer.
    llmc_source source = rt::memorySource(shorter.data(), shorter.size());
    source.map = nullptr;
    Memory resident(n);
    Plan plan;
    Status status = Plan::open(source, {resident.data(), resident.size()}, &plan);
    // Only padding behind the last table may go.
    REQUIRE((!status.ok() || n + 8 > header.planSize));
  }
}

TEST_CASE("the header is checked field by field") {
  const std::vector<uint8_t> good = planBytes(languageModel());
  auto patched = [&](size_t at, auto value) {
    std::vector<uint8_t> bytes = good;
    put(bytes, at, value);
    return openBytes(bytes);
  };
  using H = rt::FileHeader;
  check(patched(0, uint8_t('X')), LLMC_BAD_MAGIC, LLMC_AT_HEADER, 0);
  check(patched(offsetof(H, formatMajor), uint16_t(1)), LLMC_BAD_VERSION, LLMC_AT_HEADER, 8);
  check(patched(offsetof(H, formatMinor), uint16_t(4)), LLMC_BAD_VERSION, LLMC_AT_HEADER, 10);
  check(patched(offsetof(H, headerSize), 96u), LLMC_BAD_VALUE, LLMC_AT_HEADER, 12);
  check(patched(offsetof(H, fileSize), uint64_t(good.size() + 1)), LLMC_TRUNCATED, LLMC_AT_HEADER,
        16);
  check(patched(offsetof(H, planOffset), uint64_t(88)), LLMC_BAD_ALIGNMENT, LLMC_AT_HEADER, 24);
  check(patched(offsetof(H, planOffset), uint64_t(64)), LLMC_BAD_ALIGNMENT, LLMC_AT_HEADER, 24);
  check(patched(offsetof(H, planOffset), ~uint64_t(15)), LLMC_BAD_RANGE, LLMC_AT_HEADER, 32);
  check(patched(offsetof(H, planSize), uint64_t(good.size())), LLMC_BAD_RANGE, LLMC_AT_HEADER, 32);
  check(patched(offsetof(H, planSize), ~uint64_t(0)), LLMC_BAD_RANGE, LLMC_AT_HEADER, 32);
  check(patched(offsetof(H, dataOffset), uint64_t(96)), LLMC_BAD_RANGE, LLMC_AT_HEADER, 40);
  check(patched(offsetof(H, dataOffset), ~uint64_t(0)), LLMC_BAD_RANGE, LLMC_AT_HEADER, 40);
  check(patched(offsetof(H, signatureOffset), uint64_t(8)), LLMC_BAD_RANGE, LLMC_AT_HEADER, 48);
  check(patched(offsetof(H, signatureSize), 64u), LLMC_BAD_RANGE, LLMC_AT_HEADER, 48);
  check(patched(offsetof(H, flags), 1u), LLMC_UNKNOWN_FEATURE, LLMC_AT_HEADER, 60);
  check(patched(sizeof(H) + 4, uint8_t('X')), LLMC_BAD_MAGIC, LLMC_AT_PLAN, 0);
}

TEST_CASE("a source that cannot map is read into memory of the caller") {
  std::vector<uint8_t> bytes = planBytes(languageModel());
  llmc_source source = rt::memorySource(bytes.data(), bytes.size());
  source.map = nullptr;
  uint64_t need = 0;
  REQUIRE(Plan::residentBytes(source, &need).ok());
  Memory resident(need);
  Plan plan;
  check(Plan::open(source, {resident.data(), resident.size() - 1}, &plan), LLMC_TOO_SMALL,
        LLMC_AT_MEMORY, 0xFFFF);
  CHECK(Plan::open(source, {resident.data(), resident.size()}, &plan).ok());
  CHECK(plan.nEntries() == 5);
}

TEST_CASE("statuses are sentences") {
  for (int code = LLMC_OK; code <= LLMC_IO_ERROR; ++code)
    CHECK(rt::explain(Status(rt::Code(code))) != "unknown code");
  CHECK(rt::explain(Status(rt::Code(LLMC_IO_ERROR + 1))) == "unknown code");
  for (int where = LLMC_AT_HEADER; where <= LLMC_AT_SNAPSHOT; ++where)
    if (where <= LLMC_AT_ROWS || where >= LLMC_AT_MEMORY)
      CHECK_THAT(rt::explain(Status(LLMC_MISSING, rt::Where(where), 900)),
                 Catch::Contains(" 900: a "));
  CHECK(rt::explain(Status(LLMC_BAD_RANGE, LLMC_AT_OPERAND, 17)) ==
        "operand 17: an offset, size or address leaves what must contain it");
  CHECK(rt::explain(Status(LLMC_MISSING, LLMC_AT_PLAN, 3)) ==
        "plan, field targets: a required part is missing");
  CHECK(rt::explain(Status(LLMC_BAD_VALUE, LLMC_AT_TENSOR, 2)) ==
        "tensor 2: a field holds a value that is not allowed here");
  CHECK(rt::explain(Status(LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, 1u << 20)) ==
        "token 65535 or later: the value exceeds its stated maximum");
}
