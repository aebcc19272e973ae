#include "tools/llmc/Generation.h"

#include "runtime/schema/explain.h"
#include "tools/llmc/Errors.h"

#include <chrono>
#include <fmt/format.h>

namespace llmc {

namespace {

double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace

Generation::Generation(PlanRunner &runner, const GenerationOptions &options, Sink output, Sink note)
    : runner(runner), options(options), output(std::move(output)), note(std::move(note)) {
  if (!sampler.init(options.sampler).ok())
    throw InputError(
        fmt::format("--temperature={} and --top-p={}: the sampler takes a temperature of "
                    "0 (greedy) or from 2^-20 to 2^20, and a top-p above 0 and at "
                    "most 1",
                    options.sampler.temperature, options.sampler.topP));
  if (options.sampler.temperature > 0)
    scratch.resize(runner.lm().vocab());
}

std::vector<int32_t> Generation::promptIds() {
  if (options.promptIds && !options.promptIds->empty())
    return *options.promptIds;
  std::vector<int32_t> ids;
  if (!options.promptIds && !options.prompt.empty())
    ids = runner.text("a --prompt").encode(options.prompt);
  const bool addsBos = runner.hasText() && runner.text("a prompt").tokenizer().addsBos();
  if (!ids.empty() && !addsBos)
    return ids;
  const std::optional<int32_t> bos = runner.bos();
  if (!bos)
    throw InputError("'" + runner.path() +
                     "' has no bos id, which an empty prompt starts from: give a --prompt or "
                     "--prompt-ids");
  ids.insert(ids.begin(), *bos);
  return ids;
}

int32_t Generation::pick(const rt::Logits &logits) {
  const rt::Span<const float> last{logits.data + size_t(logits.rows - 1) * logits.vocab,
                                   logits.vocab};
  uint32_t id = 0;
  const rt::Status status = sampler.sample(last, {scratch.data(), scratch.size()}, &id);
  if (!status.ok())
    throw InputError("sampling a token: " + rt::explain(status));
  return int32_t(id);
}

/// Hands out one id. False at the end of the text.
bool Generation::emit(int32_t id) {
  if (runner.isEos(id)) {
    stats.stopReason = "eos";
    return false;
  }
  if (runner.hasText())
    output(runner.text("text").decodeNext(id));
  else
    output((stats.generated.empty() ? "" : " ") + std::to_string(id));
  stats.generated.push_back(id);
  return true;
}

rt::Logits Generation::prefill(const std::vector<int32_t> &prompt) {
  runner.device().clearFigures();
  const auto start = std::chrono::steady_clock::now();
  const rt::Logits logits = runner.feed(prompt, options.chunk);
  stats.hostPrefillSeconds = secondsSince(start);
  stats.prompt = prompt;
  stats.prefill = runner.device().figures();
  runner.device().clearFigures();
  return logits;
}

rt::Logits Generation::decode(int32_t id) {
  stats.decodedPositions += runner.lm().position();
  ++stats.decodeSteps;
  const auto start = std::chrono::steady_clock::now();
  const rt::Logits logits = runner.feed(std::span(&id, 1));
  stats.hostStepSeconds += secondsSince(start);
  return logits;
}

/// The text's last bytes and one newline more, whatever it ends with: without its last byte the
/// output is the text.
void Generation::finishText() {
  if (runner.hasText())
    output(runner.text("text").decodeEnd());
  output("\n");
  if (stats.stopReason != "context_full")
    return;
  note(fmt::format("the context of {} tokens is full: generation ended after {} of {} tokens; for "
                   "longer texts compile with a larger --context",
                   runner.lm().contextLength(), stats.generated.size(), options.maxTokens));
}

RunStats Generation::run() {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<int32_t> prompt = promptIds();
  runner.checkIds(prompt);
  rt::Logits logits = prefill(prompt);
  const auto decodeStart = std::chrono::steady_clock::now();
  while (stats.stopReason.empty()) {
    const int32_t id = pick(logits);
    if (!emit(id))
      break;
    if (stats.generated.size() == options.maxTokens)
      stats.stopReason = "max_tokens";
    else if (runner.lm().position() == runner.lm().contextLength())
      stats.stopReason = "context_full";
    else
      logits = decode(id);
  }
  finishText();
  stats.decode = runner.device().figures();
  stats.hostDecodeSeconds = secondsSince(decodeStart);
  stats.hostSeconds = secondsSince(start);
  stats.compulsory = CompulsoryBytes::of(runner);
  stats.target = runner.machine();
  stats.isa = runner.device().isa();
  stats.threads = runner.device().threads();
  return stats;
}

} // namespace llmc
