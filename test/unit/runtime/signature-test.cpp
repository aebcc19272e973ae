// Signatures of plans: what they cover, and every way in which one can be wrong.
#include "catch2/catch.hpp"

#include <algorithm>

#include "compiler/Emit/PlanWriter.h"
#include "runtime/c/llmc_runtime.h"
#include "runtime/drivers/host/plan_file.h"
#include "runtime/drivers/host/signature.h"
#include "runtime/schema/explain.h"
#include "test/unit/runtime/plan_fixture.h"

using namespace llmc;
using namespace llmc::test;
using rt::Plan;
using rt::Status;

namespace {

const std::string keys = LLMC_TEST_DATA "/keys/";
constexpr size_t signatureAt = offsetof(rt::FileHeader, signatureOffset);

std::unique_ptr<const rt::host::PublicKey> publicKey(const char *name = "public.pem") {
  std::string error;
  auto key = rt::host::PublicKey::load(keys + name, error);
  INFO(error);
  REQUIRE(key);
  return key;
}

/// A signed plan as `llmc sign` leaves it.
std::vector<uint8_t> signedPlan(bool digests = true) {
  std::vector<uint8_t> bytes;
  PlanWriterOptions options;
  options.digests = digests;
  REQUIRE(writePlan(languageModel(), bytes, options));
  rt::FileHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.signatureOffset = (bytes.size() + 15) / 16 * 16;
  header.signatureSize = 64;
  header.fileSize = header.signatureOffset + 64;
  Memory file = Memory::of(bytes);
  llmc_source source = rt::memorySource(file.data(), file.size());
  Plan plan;
  REQUIRE(Plan::open(source, {}, &plan).ok());
  std::string error;
  auto key = rt::host::SigningKey::load(keys + "signing.pem", error);
  REQUIRE(key);
  uint8_t root[32];
  rt::host::Signature signature;
  REQUIRE(plan.rootDigestOf(header, rt::host::platform(), root).ok());
  REQUIRE(key->sign(root, signature));
  std::copy(root, root + 16, header.root);
  bytes.resize(header.fileSize);
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::copy(signature.begin(), signature.end(), bytes.begin() + long(header.signatureOffset));
  return bytes;
}

/// What opening and checking everything says.
Status checkAll(const Memory &file, const llmc_platform &platform) {
  llmc_source source = rt::memorySource(file.data(), file.size());
  Plan plan;
  Status status = Plan::open(source, {}, &plan);
  if (status.ok())
    status = plan.checkSignature(platform);
  for (uint32_t i = 0; status.ok() && i < plan.segments().size; ++i)
    status = plan.checkSegment(i, file.data() + plan.segments()[i].offset, platform);
  return status;
}

} // namespace

TEST_CASE("a signature holds for its key alone") {
  const Memory file = Memory::of(signedPlan());
  CHECK(checkAll(file, publicKey()->platform()).ok());
  CHECK(checkAll(file, publicKey("other-public.pem")->platform()) ==
        Status(LLMC_BAD_DIGEST, LLMC_AT_HEADER, signatureAt));
  CHECK(checkAll(file, rt::host::platform()) == Status(LLMC_UNSUPPORTED, LLMC_AT_PLATFORM));
}

TEST_CASE("C: a signature is checked through the platform's hook") {
  const Memory file = Memory::of(signedPlan());
  const llmc_source source = llmc_memory_source(file.data(), file.size());
  static llmc_plan plan;
  REQUIRE(Status(llmc_plan_open(&plan, &source, nullptr, 0)).ok());
  const auto key = publicKey(), other = publicKey("other-public.pem");
  const llmc_platform right = key->platform(), wrong = other->platform();
  CHECK(Status(llmc_plan_check_signature(&plan, &right)).ok());
  CHECK(Status(llmc_plan_check_signature(&plan, &wrong)) ==
        Status(LLMC_BAD_DIGEST, LLMC_AT_HEADER, signatureAt));
}

TEST_CASE("plans that are not signed, or not wholly") {
  const auto key = publicKey();
  CHECK(checkAll(Memory::of(planBytes(languageModel())), key->platform()) ==
        Status(LLMC_NOT_FOUND, LLMC_AT_HEADER, signatureAt));
  CHECK(checkAll(Memory::of(signedPlan(false)), key->platform()) ==
        Status(LLMC_MISSING, LLMC_AT_DIGEST, 0));
  std::vector<uint8_t> large = signedPlan();
  large.resize(large.size() + 65);
  rt::FileHeader header;
  std::memcpy(&header, large.data(), sizeof(header));
  header.signatureSize += 65;
  header.fileSize += 65;
  std::memcpy(large.data(), &header, sizeof(header));
  CHECK(checkAll(Memory::of(large), key->platform()) ==
        Status(LLMC_BAD_VALUE, LLMC_AT_HEADER, offsetof(rt::FileHeader, signatureSize)));
}

TEST_CASE("no byte of a signed plan can change but those between its parts") {
  const std::vector<uint8_t> good = signedPlan();
  const auto key = publicKey();
  Memory file = Memory::of(good);
  size_t unused = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    file.data()[at] ^= uint8_t(1u << (at % 8));
    const Status status = checkAll(file, key->platform());
    INFO("byte " << at << ": " << rt::explain(status));
    REQUIRE(!status.pending());
    unused += status.ok();
    if (status.ok())
      REQUIRE(good[at] == 0); // padding
    file.data()[at] = good[at];
  }
  CHECK(unused < 64);
}
