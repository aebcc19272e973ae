// Perplexity of a model that is given as a function from ids to logits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace llmc::evaluate {

/// Computes the logits of a chunk, row-major [ids, vocabulary], the first of which has `position`.
/// Position 0 begins with an empty cache. False where the model failed (it has said why).
using LogitsFunction =
    std::function<bool(std::span<const int32_t> ids, int64_t position, std::vector<float> &logits)>;

struct PerplexityOptions {
  int64_t vocabulary = 0;
  int64_t context = 0; ///< Of the model; a window is min(context, 512) ids.
  int64_t chunk = 0;   ///< Ids per call; 0: a whole window.
};

struct Perplexity {
  double perplexity = 0;
  int64_t tokens = 0;       ///< Ids given.
  int64_t scoredTokens = 0; ///< Predictions: all ids but the first of each window.
};

/// By the rules of docs/numerics.md, "Sampling and evaluation". Nothing where an id is outside the
/// vocabulary, nothing can be scored or the model failed; `error` is empty in the last case.
std::optional<Perplexity> perplexity(std::span<const int32_t> ids, const PerplexityOptions &options,
                                     const LogitsFunction &model, std::string &error);

/// The negative log likelihood of `target` under one row of logits: log-softmax in double.
double negativeLogLikelihood(std::span<const float> logits, int32_t target);

} // namespace llmc::evaluate
