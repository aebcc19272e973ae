// What rounding did to the weights, as parts of the compile report.
#pragma once

#include "passes/Quantization/WeightStatistics.h"

#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace llmc {

/// One object for each weight that was rounded or measured, in program order.
nlohmann::json weightsReport(const std::vector<passes::WeightStatistics> &weights);

/// One object for each format: how many weights, the ratio of all their signal to all their noise,
/// and the weight that lost most.
nlohmann::json formatsReport(const std::vector<passes::WeightStatistics> &weights);

} // namespace llmc
