#include "compiler/Report/WeightReport.h"

#include "catch2/catch.hpp"

#include <nlohmann/json.hpp>

using namespace llmc;
using passes::WeightStatistics;

static WeightStatistics rounded(std::string name, std::string_view format, uint64_t elements,
                                double rms, double squaredError) {
  WeightStatistics weight;
  weight.name = std::move(name);
  weight.elements = elements;
  weight.values = passes::FloatStatistics{4 * rms, rms};
  weight.rounding = passes::RoundingStatistics{};
  weight.rounding->format = *passes::parseWeightFormat(format);
  weight.rounding->squaredError = squaredError;
  return weight;
}

TEST_CASE("a weight states its rounding noise in dB") {
  std::vector<WeightStatistics> weights = {rounded("a", "w4-m32", 100, 2.0, 4.0)};
  weights[0].rounding->counters.clampedElements = 3;
  const nlohmann::json entry = weightsReport(weights).at(0);
  CHECK(entry["name"] == "a");
  CHECK(entry["format"] == "w4-m32");
  CHECK(entry["abs_max"] == 8.0);
  CHECK(entry["clamped_elements"] == 3);
  CHECK(entry["snr_db"].get<double>() == Approx(20.0)); // 100 * 2^2 over 4
}

TEST_CASE("no noise and no signal have no ratio") {
  const std::vector<WeightStatistics> weights = {rounded("exact", "w8", 10, 1.0, 0.0),
                                                 rounded("zero", "w8", 10, 0.0, 0.0)};
  for (const nlohmann::json &entry : weightsReport(weights))
    CHECK(entry["snr_db"].is_null());
  const nlohmann::json format = formatsReport(weights).at(0);
  CHECK(format["weights"] == 2);
  CHECK(format["snr_db"].is_null());
  CHECK(format["worst_snr_db"].is_null());
}

TEST_CASE("formats sum signal and noise and name the weight that lost most") {
  std::vector<WeightStatistics> weights = {
      rounded("good", "w4-m32", 100, 1.0, 0.01), rounded("bad", "w4-m32", 100, 1.0, 0.99),
      rounded("table", "w8", 50, 1.0, 0.5), WeightStatistics{}};
  weights[3].name = "measured alone";
  weights[3].values = passes::FloatStatistics{1, 1};
  const nlohmann::json formats = formatsReport(weights);
  REQUIRE(formats.size() == 2);
  CHECK(formats[0]["format"] == "w4-m32");
  CHECK(formats[0]["weights"] == 2);
  CHECK(formats[0]["elements"] == 200);
  CHECK(formats[0]["snr_db"].get<double>() == Approx(23.0103)); // 200 over 1
  CHECK(formats[0]["worst_weight"] == "bad");
  CHECK(formats[0]["worst_snr_db"].get<double>() == Approx(20.0436)); // 100 over 0.99
  CHECK(formats[1]["format"] == "w8");
  CHECK(weightsReport(weights).size() == 4);
  CHECK_FALSE(weightsReport(weights).at(3).contains("format"));
}
