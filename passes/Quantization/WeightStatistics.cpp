#include "passes/Quantization/WeightStatistics.h"

#include "passes/Quantization/WeightUses.h"

#include <cmath>

using namespace mlir;

namespace llmc::passes {

namespace {

constexpr StringRef valuesName = "lm.statistics";
constexpr StringRef roundingName = "lm.rounding";

double number(DictionaryAttr attributes, StringRef key) {
  auto value = attributes.getAs<FloatAttr>(key);
  return value ? value.getValueAsDouble() : 0;
}

uint64_t count(DictionaryAttr attributes, StringRef key) {
  auto value = attributes.getAs<IntegerAttr>(key);
  return value ? value.getInt() : 0;
}

RoundingStatistics roundingOf(DictionaryAttr attributes) {
  RoundingStatistics result;
  if (auto format = attributes.getAs<lm::FormatAttr>("format"))
    result.format = fromAttribute(format);
  result.squaredError = number(attributes, "squared_error");
  result.counters.zeroGroups = count(attributes, "zero_groups");
  result.counters.zeroScales = count(attributes, "zero_scales");
  result.counters.subnormalScales = count(attributes, "subnormal_scales");
  result.counters.clampedElements = count(attributes, "clamped_elements");
  return result;
}

} // namespace

std::optional<double> WeightStatistics::snrDb() const {
  if (!values || !rounding || values->rms == 0 || rounding->squaredError == 0)
    return std::nullopt;
  double signal = values->rms * values->rms * double(elements);
  return 10 * std::log10(signal / rounding->squaredError);
}

SmallVector<WeightStatistics> weightStatisticsOf(ModuleOp module) {
  SmallVector<WeightStatistics> all;
  for (auto weight : module.getOps<lm::WeightOp>()) {
    auto values = weight->getAttrOfType<DictionaryAttr>(valuesName);
    auto rounding = weight->getAttrOfType<DictionaryAttr>(roundingName);
    if (!values && !rounding)
      continue;
    WeightStatistics &entry = all.emplace_back();
    entry.name = weight.getSymName().str();
    entry.elements = weight.tensorType().getNumElements();
    if (values)
      entry.values = FloatStatistics{number(values, "abs_max"), number(values, "rms")};
    if (rounding)
      entry.rounding = roundingOf(rounding);
  }
  return all;
}

void setFloatStatistics(lm::WeightOp weight, const FloatStatistics &statistics) {
  Builder builder(weight.getContext());
  NamedAttribute attributes[] = {
      builder.getNamedAttr("abs_max", builder.getF64FloatAttr(statistics.absMax)),
      builder.getNamedAttr("rms", builder.getF64FloatAttr(statistics.rms))};
  weight->setAttr(valuesName, builder.getDictionaryAttr(attributes));
}

void setRoundingStatistics(lm::WeightOp weight, const RoundingStatistics &statistics) {
  Builder builder(weight.getContext());
  auto counter = [&](StringRef name, uint64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(int64_t(value)));
  };
  const RoundingCounters &counters = statistics.counters;
  NamedAttribute attributes[] = {
      builder.getNamedAttr("format", toAttribute(weight.getContext(), statistics.format)),
      builder.getNamedAttr("squared_error", builder.getF64FloatAttr(statistics.squaredError)),
      counter("zero_groups", counters.zeroGroups),
      counter("zero_scales", counters.zeroScales),
      counter("subnormal_scales", counters.subnormalScales),
      counter("clamped_elements", counters.clampedElements)};
  weight->setAttr(roundingName, builder.getDictionaryAttr(attributes));
}

void copyFloatStatistics(lm::WeightOp from, lm::WeightOp to) {
  if (Attribute values = from->getAttr(valuesName))
    to->setAttr(valuesName, values);
}

} // namespace llmc::passes
