// Opens hostile bytes as a plan, in every way that there is.
#include "compiler/Emit/PlanView.h"
#include "runtime/plan/source.h"
#include "runtime/schema/plan_generated.h"
#include "test/fuzz/plan_run.h"
#include "test/fuzz/plan_targets.h"
#include "test/fuzz/reference_device.h"

using namespace llmc;
using namespace llmc::fuzz;

/// Digests and the other reader of an accepted plan.
static void checkAccepted(std::span<const uint8_t> bytes) {
  std::vector<uint64_t> copy(bytes.size() / 8 + 1);
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t *>(copy.data()));
  const auto *at = reinterpret_cast<const uint8_t *>(copy.data());
  llmc_source source = rt::memorySource(at, bytes.size());
  rt::Plan plan;
  if (!rt::Plan::open(source, {}, &plan).ok())
    finding("open depends on when it is called");
  flatbuffers::Verifier verifier(plan.planBytes().data, plan.planBytes().size, 64, UINT32_MAX);
  if (!plan::fb::VerifyPlanBuffer(verifier))
    finding("the flatbuffers library does not accept the plan");
  llmc_platform platform = {};
  platform.struct_size = sizeof(platform);
  platform.abi = LLMC_PLATFORM_ABI;
  platform.sha256 = sha256Hook;
  (void)plan.checkRoot(platform);
  for (uint32_t i = 0; i < plan.segments().size; ++i)
    (void)plan.checkSegment(i, at + plan.segments()[i].offset, platform);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (openEveryWay({data, size}).ok())
    checkAccepted({data, size});
  return 0;
}
