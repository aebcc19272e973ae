#include "tools/llmc/PlanRunner.h"

#include "runtime/schema/explain.h"
#include "tools/llmc/DebugInfo.h"
#include "tools/llmc/Errors.h"

#include <algorithm>
#include <charconv>

namespace llmc {

PlanRunner::PlanRunner(const std::string &path, const DeviceRegistry &registry,
                       const DeviceOptions &options, KernelTimes *times)
    : place(path) {
  std::string error;
  file = rt::host::PlanFile::open(path, error);
  if (!file)
    throw InputError(error);
  runs = registry.create(plan(), options, error);
  if (!runs || !memory.prepare(plan(), error))
    throw InputError("'" + place + "': " + error);
  // Simulating takes far longer than reading the weights does; a real machine starts at once.
  if (runs->figures() && !file->checkWeights(error))
    throw InputError(error);
  openTokenizer();
  for (const int32_t id : plan().model() ? plan().model().eosIds() : rt::Span<const int32_t>())
    eos.insert(id);
  if (times)
    times->attach(*file);
  bind(times ? &times->table() : nullptr);
}

std::string PlanRunner::machine() const {
  const llmc_target_info info = plan().target(runs->target());
  return std::string(info.device, info.device_size);
}

void PlanRunner::bind(const llmc_trace *trace) {
  std::vector<const llmc_device *> tables(plan().nTargets(), nullptr);
  runs->bindTo(tables);
  rt::Bindings bindings;
  bindings.memories = memory.views();
  bindings.devices = {tables.data(), tables.size()};
  bindings.platform = &rt::host::platform();
  bindings.trace = trace;
  if (const rt::Status status = session.bind(plan(), bindings); !status.ok()) {
    if (status.code == LLMC_DEVICE_MISMATCH)
      throw InputError("'" + place + "': " + device().error());
    fail(status, "binding the plan to its device");
  }
  if (const rt::Status status = model.init(session); !status.ok())
    fail(status, "finding the entries of a language model");
}

void PlanRunner::openTokenizer() {
  const uint16_t index = plan().segmentOf(rt::SegmentKind::Tokenizer);
  if (index == rt::none16)
    return;
  codec = std::make_unique<TextCodec>(file->segment(index), "'" + place + "'");
  for (uint32_t i = 0; i < codec->tokenizer().eosCount(); ++i)
    eos.insert(int32_t(codec->tokenizer().eosId(i)));
}

TextCodec &PlanRunner::text(const std::string &reason) {
  if (!codec)
    throw InputError("'" + place + "' holds no tokenizer, and " + reason +
                     " needs one: compile the model with a tokenizer.json beside it, or give ids");
  return *codec;
}

std::optional<int32_t> PlanRunner::bos() const {
  if (codec && codec->bos())
    return codec->bos();
  const int32_t id = plan().model() ? plan().model().bosId() : -1;
  return id < 0 ? std::nullopt : std::optional(id);
}

void PlanRunner::checkIds(std::span<const int32_t> ids) const {
  for (size_t i = 0; i < ids.size(); ++i)
    if (ids[i] < 0 || uint32_t(ids[i]) >= model.vocab())
      throw InputError("id " + std::to_string(ids[i]) + " at index " + std::to_string(i) +
                       " is outside the vocabulary of " + std::to_string(model.vocab()) + " ids");
  const uint32_t left = model.contextLength() - model.position();
  if (ids.size() > left)
    throw InputError(std::to_string(ids.size()) + " ids do not fit: the context of " +
                     std::to_string(model.contextLength()) + " ids has room for " +
                     std::to_string(left) + "; give fewer, or compile with a larger --context");
}

rt::Logits PlanRunner::feed(std::span<const int32_t> ids, size_t chunk) {
  rt::Logits logits;
  for (size_t at = 0; at < ids.size();) {
    const size_t count = std::min(chunk ? chunk : ids.size(), ids.size() - at);
    const rt::Status status = model.feed({ids.data() + at, count}, &logits);
    if (!status.ok())
      fail(status, "running the plan at position " + std::to_string(model.position()));
    at += count;
  }
  return logits;
}

void PlanRunner::evaluate(std::span<const int32_t> ids, std::vector<float> &logits) {
  const auto append = [](void *to, const rt::Logits &rows) -> rt::Status {
    auto &all = *static_cast<std::vector<float> *>(to);
    all.insert(all.end(), rows.data, rows.data + size_t(rows.rows) * rows.vocab);
    return {};
  };
  const rt::Status status = model.evaluate({ids.data(), ids.size()}, append, &logits);
  if (!status.ok())
    fail(status, "running the plan at position " + std::to_string(model.position()));
}

void PlanRunner::reset() {
  if (const rt::Status status = model.reset(); !status.ok())
    fail(status, "resetting the session");
}

std::optional<uint64_t> PlanRunner::metadataNumber(const std::string &key) const {
  const nlohmann::ordered_json facts = DebugInfo(*file).metadata();
  if (!facts.contains(key))
    return std::nullopt;
  const auto text = facts[key].get<std::string>();
  uint64_t value = 0;
  const auto end = text.data() + text.size();
  if (const auto read = std::from_chars(text.data(), end, value);
      read.ec != std::errc() || read.ptr != end)
    throw InputError("'" + place + "': metadata '" + key + "' is '" + text +
                     "', which is not a number");
  return value;
}

void PlanRunner::fail(rt::Status status, const std::string &action) const {
  std::string message = "'" + place + "': " + action + ": " + rt::explain(status);
  if (const std::string detail = device().error(); !detail.empty())
    message += ": " + detail;
  if (std::string damage; !file->checkWeights(damage))
    throw InputError(damage);
  if (status.code == LLMC_DEVICE_FAULT)
    throw std::runtime_error(message);
  throw InputError(message);
}

} // namespace llmc
