#include "tools/llmc/DebugInfo.h"

#include "tools/llmc/Errors.h"

#include <algorithm>

namespace llmc {

using Json = nlohmann::ordered_json;

static InputError malformed(const std::string &what) {
  return InputError("the plan's debug segment is malformed (" + what +
                    "): compile the model again");
}

static bool areCounts(const Json &object) {
  return object.is_object() && std::all_of(object.begin(), object.end(), [](const Json &value) {
           return value.is_number_unsigned();
         });
}

DebugInfo::DebugInfo(const rt::host::PlanFile &file) : plan(file.plan()) {
  const uint16_t index = plan.segmentOf(rt::SegmentKind::Debug);
  if (index == rt::none16)
    return;
  const rt::Span<const uint8_t> bytes = file.segment(index);
  document = Json::parse(bytes.begin(), bytes.end(), nullptr, /*allow_exceptions=*/false);
  if (!document.is_object())
    throw malformed("not a JSON object");
  for (const Json &name : document.value("kernels", Json::array()))
    if (!name.is_string())
      throw malformed("kernels");
  const Json facts = document.value("metadata", Json::object());
  for (const auto &[key, value] : facts.items())
    if (!value.is_string())
      throw malformed("metadata '" + key + "'");
  for (const Json &entry : document.value("figures", Json::array()))
    if (!entry.is_object() || !entry.value("estimated_cycles", Json(0)).is_number_unsigned() ||
        !areCounts(entry.value("peak_bytes", Json::object())))
      throw malformed("figures");
}

std::string DebugInfo::kernelName(uint32_t kernel) const {
  if (document.is_null() || !document.contains("kernels"))
    return "";
  const Json &names = document.at("kernels");
  return kernel < names.size() ? names[kernel].get<std::string>() : "";
}

Json DebugInfo::metadata() const {
  return document.is_null() ? Json::object() : document.value("metadata", Json::object());
}

uint64_t DebugInfo::estimatedCycles(uint32_t entry) const {
  return figures(entry).value("estimated_cycles", uint64_t(0));
}

uint64_t DebugInfo::peakBytes(uint32_t entry, const std::string &region, uint64_t whole) const {
  return figures(entry).value("peak_bytes", Json::object()).value(region, whole);
}

Json DebugInfo::figures(uint32_t entry) const {
  if (document.is_null() || !document.contains("figures"))
    return Json::object();
  const Json &all = document.at("figures");
  return entry < all.size() ? all[entry] : Json::object();
}

Json DebugInfo::memoryMap() const {
  if (document.is_null())
    throw InputError("the plan holds no debug segment, so its memory cannot be drawn: compile the "
                     "model again with debug information");
  if (!document.contains("entries") || !document["entries"].is_array())
    throw malformed("no entries");
  return {{"entries", document["entries"]}};
}

} // namespace llmc
