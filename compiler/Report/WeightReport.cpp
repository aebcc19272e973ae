#include "compiler/Report/WeightReport.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

using llmc::passes::WeightStatistics;
using nlohmann::json;

namespace llmc {

namespace {

json numberOrNull(const std::optional<double> &value) { return value ? json(*value) : json(); }

struct FormatSummary {
  uint64_t weights = 0, elements = 0;
  double signal = 0, noise = 0;
  std::optional<double> worstSnr;
  std::string worstWeight;

  void add(const WeightStatistics &weight) {
    ++weights;
    elements += weight.elements;
    noise += weight.rounding->squaredError;
    if (weight.values)
      signal += weight.values->rms * weight.values->rms * double(weight.elements);
    const std::optional<double> snr = weight.snrDb();
    if (!snr || (worstSnr && *worstSnr <= *snr))
      return;
    worstSnr = snr;
    worstWeight = weight.name;
  }

  std::optional<double> snrDb() const {
    return signal > 0 && noise > 0 ? std::optional(10 * std::log10(signal / noise)) : std::nullopt;
  }
};

} // namespace

json weightsReport(const std::vector<WeightStatistics> &weights) {
  json result = json::array();
  for (const WeightStatistics &weight : weights) {
    json &entry = result.emplace_back(json{{"name", weight.name}, {"elements", weight.elements}});
    if (weight.values) {
      entry["abs_max"] = weight.values->absMax;
      entry["rms"] = weight.values->rms;
    }
    if (!weight.rounding)
      continue;
    const passes::RoundingCounters &counters = weight.rounding->counters;
    entry["format"] = passes::printWeightFormat(weight.rounding->format);
    entry["squared_error"] = weight.rounding->squaredError;
    entry["snr_db"] = numberOrNull(weight.snrDb());
    entry["zero_groups"] = counters.zeroGroups;
    entry["zero_scales"] = counters.zeroScales;
    entry["subnormal_scales"] = counters.subnormalScales;
    entry["clamped_elements"] = counters.clampedElements;
  }
  return result;
}

json formatsReport(const std::vector<WeightStatistics> &weights) {
  std::map<std::string, FormatSummary> formats;
  for (const WeightStatistics &weight : weights)
    if (weight.rounding)
      formats[passes::printWeightFormat(weight.rounding->format)].add(weight);
  json result = json::array();
  for (const auto &[name, summary] : formats)
    result.push_back({{"format", name},
                      {"weights", summary.weights},
                      {"elements", summary.elements},
                      {"squared_error", summary.noise},
                      {"snr_db", numberOrNull(summary.snrDb())},
                      {"worst_snr_db", numberOrNull(summary.worstSnr)},
                      {"worst_weight", summary.worstWeight}});
  return result;
}

} // namespace llmc
