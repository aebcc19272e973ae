// Perplexity of a model that is given as a function from ids to logits.
#include "compiler/Evaluate/Perplexity.h"

#include <algorithm>
#include <cmath>

namespace llmc::evaluate {

namespace {

constexpr int64_t longestWindow = 512;

std::string findProblem(std::span<const int32_t> ids, const PerplexityOptions &options) {
  if (options.vocabulary <= 0 || options.context < 2 || options.chunk < 0)
    return "perplexity needs a vocabulary, a context of at least 2 and a chunk of at least 1";
  for (size_t index = 0; index < ids.size(); ++index)
    if (ids[index] < 0 || ids[index] >= options.vocabulary)
      return "id " + std::to_string(ids[index]) + " at index " + std::to_string(index) +
             " is outside the vocabulary of " + std::to_string(options.vocabulary) + " ids";
  if (ids.size() < 2)
    return "perplexity needs at least 2 tokens, there are " + std::to_string(ids.size());
  return {};
}

/// Adds the losses of one window. False where the model failed.
bool scoreWindow(std::span<const int32_t> window, const PerplexityOptions &options,
                 const LogitsFunction &model, std::vector<float> &logits, double &sum) {
  size_t chunk = options.chunk > 0 ? size_t(options.chunk) : window.size();
  size_t vocabulary = size_t(options.vocabulary);
  for (size_t first = 0; first < window.size(); first += chunk) {
    size_t count = std::min(chunk, window.size() - first);
    if (!model(window.subspan(first, count), int64_t(first), logits))
      return false;
    for (size_t row = 0; row < count && first + row + 1 < window.size(); ++row)
      sum += negativeLogLikelihood(
          std::span<const float>(logits).subspan(row * vocabulary, vocabulary),
          window[first + row + 1]);
  }
  return true;
}

} // namespace

double negativeLogLikelihood(std::span<const float> logits, int32_t target) {
  double top = *std::max_element(logits.begin(), logits.end()), sum = 0;
  for (float logit : logits)
    sum += std::exp(double(logit) - top);
  return std::log(sum) + top - double(logits[size_t(target)]);
}

std::optional<Perplexity> perplexity(std::span<const int32_t> ids, const PerplexityOptions &options,
                                     const LogitsFunction &model, std::string &error) {
  error = findProblem(ids, options);
  if (!error.empty())
    return std::nullopt;
  size_t window = size_t(std::min(options.context, longestWindow));
  Perplexity result;
  result.tokens = int64_t(ids.size());
  double sum = 0;
  std::vector<float> logits;
  for (size_t first = 0; first < ids.size(); first += window) {
    size_t count = std::min(window, ids.size() - first);
    if (count < 2) // A lone id at the end has no prediction.
      break;
    if (!scoreWindow(ids.subspan(first, count), options, model, logits, sum))
      return std::nullopt;
    result.scoredTokens += int64_t(count) - 1;
  }
  result.perplexity = std::exp(sum / double(result.scoredTokens));
  return result;
}

} // namespace llmc::evaluate
