// The cases of every class of kernels: shapes that are small, odd, at the limits of the machine,
// and random. Equal seeds give equal cases.
#pragma once

#include "tools/conformance/Case.h"

#include <span>

namespace llmc::conformance {

/// What of a machine shapes depend on.
struct CaseSizes {
  uint32_t granule = 1; ///< Of rows of weights.
  uint32_t chunk = 16;  ///< Tokens of the largest prefill entry.
  uint32_t headRows = 16;
  uint32_t maxSteps = 255;
  uint64_t seed = 1;
};

/// Formats that recipes and imported models have, and a group of an odd size.
std::span<const target::WeightFormat> weightFormats();

/// Ascending in size.
std::vector<Case> linearCases(const CaseSizes &sizes, const target::WeightFormat &format,
                              target::Epilogue epilogue);
std::vector<Case> embedCases(const CaseSizes &sizes, const target::WeightFormat &format);
std::vector<Case> productCases(const CaseSizes &sizes, target::MatmulKind kind, bool accumulate);
std::vector<Case> attentionCases(const CaseSizes &sizes);
/// Every kind of values and type of elements that the step takes.
std::vector<Case> stepCases(const CaseSizes &sizes, target::Step step);
/// As the compiler makes them: norm, softmax, rotation, gating, quantization, cache.
std::vector<Case> fusedChainCases(const CaseSizes &sizes);
/// Random steps, up to as many as the machine takes.
std::vector<Case> randomChainCases(const CaseSizes &sizes);

} // namespace llmc::conformance
