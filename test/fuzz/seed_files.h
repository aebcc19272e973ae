// Tokenizer segments and ONNX models from which fuzzing starts.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace llmc::fuzz {

using SeedFiles = std::vector<std::pair<std::string, std::string>>; // name and bytes

/// A segment, a text, and the length of the text in the last byte.
SeedFiles tokenizerSeeds();
SeedFiles onnxSeeds();

} // namespace llmc::fuzz
