#include "tools/conformance/ModelRuns.h"

#include "runtime/drivers/host/plan_file.h"
#include "targets/Plugin/PluginCall.h"
#include "targets/Reference/Difference.h"
#include "tools/llmc/Errors.h"
#include "tools/llmc/PlanRunner.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace llmc::conformance {

namespace {

std::span<const uint8_t> bytesOf(std::span<const float> values) {
  return {reinterpret_cast<const uint8_t *>(values.data()), values.size_bytes()};
}

/// Calls `body` with the plan on its device.
template <class Body>
std::optional<Failure> withPlan(const Subject &subject, const TinyModel &model,
                                const std::string &plan, const std::string &what, Body body) {
  const std::string whole = model.name() + " model, " + what;
  try {
    PlanRunner runner(model.file(plan), subject.devices);
    const std::string reason = body(runner);
    return reason.empty() ? std::nullopt : std::optional(Failure{whole, "run", reason});
  } catch (const target::PluginError &broken) {
    return failureOf(whole, broken);
  } catch (const std::exception &error) {
    return Failure{whole, "run", error.what()};
  }
}

std::string feed(PlanRunner &runner, const TinyModel &model, size_t count, size_t chunk) {
  std::vector<float> logits;
  const std::span<const int32_t> ids(model.ids.data(), count);
  for (size_t at = 0; at < count; at += chunk)
    runner.evaluate(ids.subspan(at, std::min(chunk, count - at)), logits);
  const std::span<const float> expected(model.expected.data(), count * model.vocabulary);
  if (logits.size() != expected.size())
    return fmt::format("{} logits, expected {}", logits.size(), expected.size());
  const auto difference =
      target::firstDifference(target::ElementType::F32, bytesOf(logits), bytesOf(expected));
  if (!difference)
    return "";
  return fmt::format("position {}, logit {}: {}, expected {}",
                     difference->element / model.vocabulary, difference->element % model.vocabulary,
                     target::hexOf(difference->got, 4), target::hexOf(difference->expected, 4));
}

} // namespace

std::optional<Failure> feedPlan(const Subject &subject, const TinyModel &model,
                                const std::string &plan, size_t count, size_t chunk) {
  count = std::min(count, model.ids.size());
  const std::string what =
      chunk ? fmt::format("{} ids by {}", count, chunk) : fmt::format("{} ids at once", count);
  return withPlan(subject, model, plan, what, [&](PlanRunner &runner) {
    return feed(runner, model, count, chunk ? chunk : count);
  });
}

std::optional<Failure> feedTwice(const Subject &subject, const TinyModel &model,
                                 const std::string &plan) {
  return withPlan(subject, model, plan, "twice", [&](PlanRunner &runner) {
    const std::string first = feed(runner, model, model.ids.size(), model.ids.size());
    runner.reset();
    const std::string second = feed(runner, model, model.ids.size(), model.ids.size());
    return first.empty() && !second.empty() ? "the second run: " + second : "";
  });
}

std::optional<Failure> feedTooMuch(const Subject &subject, const TinyModel &model,
                                   const std::string &plan) {
  return withPlan(subject, model, plan, "one id beyond the context",
                  [&](PlanRunner &runner) -> std::string {
                    runner.feed(model.ids);
                    try {
                      runner.feed({model.ids.data(), 1});
                    } catch (const InputError &) {
                      return "";
                    }
                    return "was accepted";
                  });
}

std::optional<Failure> comparePeak(const Subject &subject, const TinyModel &model,
                                   const std::string &plan) {
  return withPlan(subject, model, plan, "on-chip memory", [&](PlanRunner &runner) -> std::string {
    std::vector<float> logits;
    runner.evaluate(model.ids, logits);
    const std::optional<DeviceFigures> figures = runner.device().figures();
    uint64_t planned = 0;
    for (uint32_t i = 0; i < runner.plan().regions().size; ++i)
      if (toString(runner.plan().text(runner.plan().regions()[i].name)) == "sram")
        planned = runner.plan().regions()[i].size;
    if (!figures || figures->sramPeakBytes <= planned)
      return "";
    return fmt::format("{} bytes were used, the plan states {}", figures->sramPeakBytes, planned);
  });
}

void countKernels(const Subject &subject, const std::string &plan, ClassResult &result) {
  std::string error;
  const auto file = rt::host::PlanFile::open(plan, error);
  if (!file)
    return;                              // told by the runs
  std::map<std::string, uint32_t> first; // of each backend: its variants have the same kernels
  const rt::Plan &opened = file->plan();
  for (uint32_t target = 0; target < opened.nTargets(); ++target) {
    const llmc_target_info info = opened.target(target);
    first.emplace(std::string(info.backend, info.backend_size), target);
  }
  for (const auto &[backend, target] : first)
    for (const rt::Kernel &kernel : opened.kernels())
      if (opened.blobs()[kernel.blob].target == target)
        ++(backend == subject.target.name() ? result.kernelsOnTarget : result.kernelsOnFallback);
}

} // namespace llmc::conformance
