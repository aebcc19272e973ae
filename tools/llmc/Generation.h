// Text from a plan: prompt, prefill, then one token at a time.
#pragma once

#include "runtime/lm/sampler.h"
#include "tools/llmc/PlanRunner.h"
#include "tools/llmc/Stats.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmc {

struct GenerationOptions {
  std::string prompt;                            ///< Text; empty: bos.
  std::optional<std::vector<int32_t>> promptIds; ///< Instead of the text.
  size_t maxTokens = 128;
  size_t chunk = 0; ///< Ids of the prompt per call; 0: all.
  rt::SamplerOptions sampler;
};

/// Throws as PlanRunner does. Text, or ids where the plan has no tokenizer, goes to `output` as it
/// becomes known, a newline behind it; what is worth saying beside it to `note`.
class Generation {
public:
  using Sink = std::function<void(std::string_view)>;

  Generation(PlanRunner &runner, const GenerationOptions &options, Sink output, Sink note);
  RunStats run();

private:
  std::vector<int32_t> promptIds();
  int32_t pick(const rt::Logits &logits);
  bool emit(int32_t id);
  rt::Logits prefill(const std::vector<int32_t> &prompt);
  rt::Logits decode(int32_t id);
  void finishText();

  PlanRunner &runner;
  const GenerationOptions &options;
  Sink output, note;
  rt::Sampler sampler;
  std::vector<rt::Candidate> scratch;
  RunStats stats;
};

} // namespace llmc
