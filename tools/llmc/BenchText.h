// What `llmc bench` measured, in sentences.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace llmc {

/// Of the document that --json prints.
std::string benchText(const nlohmann::ordered_json &json);

} // namespace llmc
