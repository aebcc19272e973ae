#include "tools/llmc/DebugInfo.h"

#include "tools/llmc/Errors.h"

namespace llmc {

using Json = nlohmann::ordered_json;

static std::string textOf(rt::Text text) { return std::string(text.data, text.size); }

static InputError malformed(const std::string &what) {
  return InputError("the plan's debug segment is malformed (" + what +
                    "): compile the model again");
}

DebugInfo::DebugInfo(const rt::host::PlanFile &file) : plan(file.plan()) {
  const uint16_t index = plan.debugSegment();
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
}

std::string DebugInfo::kernelName(uint32_t kernel) const {
  const rt::Text name = plan.string(plan.kernels()[kernel].name);
  if (name.size || document.is_null() || !document.contains("kernels"))
    return textOf(name);
  const Json &names = document.at("kernels");
  return kernel < names.size() ? names[kernel].get<std::string>() : "";
}

Json DebugInfo::metadata() const {
  Json facts = document.is_null() ? Json::object() : document.value("metadata", Json::object());
  for (uint32_t i = 0; i < plan.nMetadata(); ++i)
    facts[textOf(plan.metadataKey(i))] = textOf(plan.metadataValue(i));
  return facts;
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
