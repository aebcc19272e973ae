#include "tools/conformance/Result.h"

#include "targets/Plugin/PluginCall.h"

#include <fmt/format.h>

namespace llmc::conformance {

namespace {

using Json = nlohmann::ordered_json;

/// Failures that are told in full; the rest is counted.
constexpr size_t mostFailures = 3;

Json reasonsToJson(const std::map<std::string, uint64_t> &reasons) {
  Json list = Json::array();
  for (const auto &[reason, cases] : reasons)
    list.push_back({{"reason", reason}, {"cases", cases}});
  return list;
}

std::map<std::string, uint64_t> reasonsFromJson(const Json &list) {
  std::map<std::string, uint64_t> reasons;
  for (const Json &entry : list)
    reasons[entry.at("reason")] = entry.at("cases");
  return reasons;
}

Json variantsToJson(const std::map<std::string, std::string> &variants) {
  Json list = Json::array();
  for (const auto &[name, reason] : variants)
    list.push_back({{"name", name}, {"reason", reason}});
  return list;
}

void addCounts(Json &json, const ClassResult &counts) {
  json["claimed"] = counts.claimed();
  json["passed"] = counts.passed;
  json["failed"] = counts.failed;
  json["not_claimed"] = counts.notClaimed;
  json["not_run"] = counts.notRun;
}

std::string lineOf(const ClassResult &checks) {
  std::string counts;
  const auto add = [&](uint64_t count, const char *what) {
    if (count)
      counts += fmt::format("{}{:>5} {}", counts.empty() ? "" : ", ", count, what);
  };
  add(checks.passed, "passed");
  add(checks.failed, "FAILED");
  add(checks.notRun, "not run");
  add(checks.notClaimed, "not claimed");
  return fmt::format("{:<24}{}\n", checks.name, counts.empty() ? "    - nothing to check" : counts);
}

std::string detailsOf(const ClassResult &checks) {
  std::string text;
  for (const Failure &failure : checks.failures)
    text += fmt::format("    {}: {}: {}\n", failure.what, failure.function, failure.reason);
  if (checks.failed > checks.failures.size())
    text += fmt::format("    and {} more\n", checks.failed - checks.failures.size());
  if (checks.incomplete)
    text += "    what else was found in this class is lost\n";
  for (const auto &[reason, cases] : checks.notRunReasons)
    text += fmt::format("    not run: {} ({})\n", reason, cases);
  for (const auto &[reason, cases] : checks.refusals)
    text += fmt::format("    not claimed: {} ({})\n", reason, cases);
  return text;
}

} // namespace

Failure failureOf(const std::string &what, const std::exception &thrown) {
  if (const auto *broken = dynamic_cast<const target::PluginError *>(&thrown))
    return {what, broken->function, broken->reason};
  return {what, "unknown", thrown.what()};
}

void ClassResult::fail(Failure failure) {
  ++failed;
  if (failures.size() < mostFailures)
    failures.push_back(std::move(failure));
}

void ClassResult::refuse(const std::string &reason) {
  ++notClaimed;
  ++refusals[reason.empty() ? "no reason given" : reason];
}

void ClassResult::skip(const std::string &reason, uint64_t cases) {
  if (cases == 0)
    return;
  notRun += cases;
  notRunReasons[reason] += cases;
}

ClassResult Report::total() const {
  ClassResult sum;
  for (const ClassResult &checks : classes) {
    sum.passed += checks.passed;
    sum.failed += checks.failed;
    sum.notClaimed += checks.notClaimed;
    sum.notRun += checks.notRun;
    sum.skippedVariants.insert(checks.skippedVariants.begin(), checks.skippedVariants.end());
    sum.kernelsOnTarget += checks.kernelsOnTarget;
    sum.kernelsOnFallback += checks.kernelsOnFallback;
  }
  return sum;
}

bool Report::conforms() const {
  const ClassResult sum = total();
  return sum.failed == 0 && sum.passed > 0 && (!withDevice || sum.notRun == 0);
}

std::string Report::verdict() const {
  const ClassResult sum = total();
  if (sum.failed)
    return fmt::format("{} does not do what it claims", machine);
  if (sum.claimed() == 0)
    return fmt::format("{} claims nothing", machine);
  if (withDevice && sum.notRun)
    return fmt::format("{} has not been shown to do what it claims: some of it did not run here; "
                       "--no-device asks for the rest alone",
                       machine);
  if (sum.passed == 0)
    return fmt::format("nothing of {} was checked", machine);
  return withDevice
             ? fmt::format("{} does all that it claims", machine)
             : fmt::format("{} does all that it claims as far as no device is needed", machine);
}

Json toJson(const ClassResult &checks) {
  Json json = {{"name", checks.name}};
  addCounts(json, checks);
  Json failures = Json::array();
  for (const Failure &failure : checks.failures)
    failures.push_back(
        {{"case", failure.what}, {"function", failure.function}, {"reason", failure.reason}});
  json["failures"] = std::move(failures);
  json["incomplete"] = checks.incomplete;
  json["refusals"] = reasonsToJson(checks.refusals);
  json["not_run_reasons"] = reasonsToJson(checks.notRunReasons);
  json["skipped_variants"] = variantsToJson(checks.skippedVariants);
  json["kernels_on_target"] = checks.kernelsOnTarget;
  json["kernels_on_fallback"] = checks.kernelsOnFallback;
  return json;
}

ClassResult classFromJson(const Json &json) {
  ClassResult checks;
  checks.name = json.at("name");
  checks.passed = json.at("passed");
  checks.failed = json.at("failed");
  checks.notClaimed = json.at("not_claimed");
  checks.notRun = json.at("not_run");
  for (const Json &failure : json.at("failures"))
    checks.failures.push_back({failure.at("case"), failure.at("function"), failure.at("reason")});
  checks.incomplete = json.at("incomplete");
  checks.refusals = reasonsFromJson(json.at("refusals"));
  checks.notRunReasons = reasonsFromJson(json.at("not_run_reasons"));
  for (const Json &variant : json.at("skipped_variants"))
    checks.skippedVariants[variant.at("name")] = variant.at("reason");
  checks.kernelsOnTarget = json.at("kernels_on_target");
  checks.kernelsOnFallback = json.at("kernels_on_fallback");
  return checks;
}

Json toJson(const Report &report) {
  const ClassResult sum = report.total();
  Json json = {{"machine", report.machine},     {"target", report.target},
               {"seed", report.seed},           {"device", report.withDevice},
               {"conforms", report.conforms()}, {"verdict", report.verdict()}};
  Json summary;
  addCounts(summary, sum);
  summary["kernels_on_target"] = sum.kernelsOnTarget;
  summary["kernels_on_fallback"] = sum.kernelsOnFallback;
  summary["skipped_variants"] = variantsToJson(sum.skippedVariants);
  json["summary"] = std::move(summary);
  json["classes"] = Json::array();
  for (const ClassResult &checks : report.classes)
    json["classes"].push_back(toJson(checks));
  return json;
}

std::string toText(const Report &report) {
  std::string text;
  for (const ClassResult &checks : report.classes)
    text += lineOf(checks) + detailsOf(checks);
  const ClassResult sum = report.total();
  text += fmt::format("\n{} claimed: {} passed, {} failed, {} not run; {} not claimed\n",
                      sum.claimed(), sum.passed, sum.failed, sum.notRun, sum.notClaimed);
  if (sum.kernelsOnTarget + sum.kernelsOnFallback)
    text += fmt::format("kernels of whole models: {} on the target, {} on the fallback\n",
                        sum.kernelsOnTarget, sum.kernelsOnFallback);
  for (const auto &[name, reason] : sum.skippedVariants)
    text += fmt::format("code for '{}' was made and not run: {}\n", name, reason);
  return text + report.verdict() + "\n";
}

} // namespace llmc::conformance
