#include "compiler/Emit/PlanView.h"

#include <algorithm>

#include "compiler/Emit/Sha256.h"
#include "compiler/Support/MappedFile.h"
#include "runtime/plan/source.h"
#include "runtime/schema/explain.h"
#include "runtime/schema/plan_generated.h"

namespace llmc {

llmc_status sha256Hook(void *, const void *data, size_t size, uint8_t out[32]) {
  auto digest = sha256({static_cast<const uint8_t *>(data), size});
  std::copy(digest.begin(), digest.end(), out);
  return rt::Status();
}

std::unique_ptr<PlanView> PlanView::open(const std::string &path, std::string &error) {
  auto mapped = MappedFile::open(path, error);
  if (!mapped)
    return nullptr;
  std::unique_ptr<PlanView> view(new PlanView);
  view->file = {reinterpret_cast<const uint8_t *>(mapped->bytes().data()), mapped->bytes().size()};
  view->owner = mapped;
  error = view->load();
  if (!error.empty())
    error = path + ": " + error;
  return error.empty() ? std::move(view) : nullptr;
}

std::unique_ptr<PlanView> PlanView::open(std::span<const uint8_t> bytes, std::string &error) {
  std::unique_ptr<PlanView> view(new PlanView);
  view->file = bytes;
  error = view->load();
  return error.empty() ? std::move(view) : nullptr;
}

std::string PlanView::load() {
  source = rt::memorySource(file.data(), file.size());
  rt::Status status = rt::Plan::open(source, {}, &opened);
  if (!status.ok())
    return rt::explain(status);
  rt::Span<const uint8_t> bytes = opened.planBytes();
  flatbuffers::Verifier verifier(bytes.data, bytes.size, 64, UINT32_MAX);
  if (!plan::fb::VerifyPlanBuffer(verifier))
    return "the flatbuffers library does not accept the plan";
  generated = plan::fb::GetPlan(bytes.data);
  return {};
}

std::span<const uint8_t> PlanView::segment(uint32_t index) const {
  const rt::Segment &record = opened.segments()[index];
  return file.subspan(record.offset, record.size);
}

std::string PlanView::checkDigests() const {
  llmc_platform platform = {};
  platform.struct_size = sizeof(platform);
  platform.abi = LLMC_PLATFORM_ABI;
  platform.sha256 = sha256Hook;
  rt::Status status = opened.checkRoot(platform);
  for (uint32_t i = 0; status.ok() && i < opened.segments().size; ++i)
    status = opened.checkSegment(i, segment(i).data(), platform);
  return status.ok() ? std::string() : rt::explain(status);
}

} // namespace llmc
