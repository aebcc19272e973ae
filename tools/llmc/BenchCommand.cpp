// llmc bench: the speed of a plan on its device, with made-up ids.
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/Errors.h"
#include "tools/llmc/PlanRunner.h"
#include "tools/llmc/Stats.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace llmc {

namespace {

using Json = nlohmann::ordered_json;

struct BenchOptions {
  std::string plan;
  std::vector<uint64_t> prefill = {128, 512};
  uint64_t decode = 128;
  bool json = false;
};

/// The value that `share` of the sorted values do not exceed.
double percentile(const std::vector<double> &sorted, double share) {
  const auto rank = size_t(std::ceil(share * double(sorted.size())));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

/// High-water mark of this process.
uint64_t peakRssBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return uint64_t(usage.ru_maxrss) * 1024;
}

class Bench {
public:
  Bench(const BenchOptions &options, const Toolbox &tools)
      : options(options), start(std::chrono::steady_clock::now()),
        runner(options.plan, tools.devices), loadSeconds(secondsSinceStart()) {
    checkLengths();
  }

  Json run() {
    const llmc_target_info info = runner.plan().target(0);
    Json json = {{"target", std::string(info.device, info.device_size)},
                 {"isa", "simulated"},
                 {"threads", 1},
                 {"context", runner.lm().contextLength()},
                 {"prefill", Json::array()}};
    for (const uint64_t tokens : options.prefill)
      json["prefill"].push_back(prefill(tokens));
    json["decode"] = decode();
    const DeviceFigures figures = runner.device().figures();
    json["read_bandwidth_bytes_per_second"] = figures.readBytesPerSecond;
    json["int8_peak_ops_per_second"] = figures.int8OpsPerSecond;
    json["load_ms"] = loadSeconds * 1e3;
    json["peak_rss_bytes"] = peakRssBytes();
    json["host_seconds"] = secondsSinceStart();
    return json;
  }

private:
  double secondsSinceStart() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  void checkLengths() {
    const uint64_t context = runner.lm().contextLength();
    for (const uint64_t tokens : options.prefill)
      if (tokens > context)
        throw InputError(fmt::format("--prefill={}: '{}' holds a context of {} tokens; give fewer, "
                                     "or compile with a larger --context",
                                     tokens, options.plan, context));
    if (options.decode > context - options.prefill.front())
      throw InputError(
          fmt::format("--decode={} behind a prompt of {} tokens needs {} positions, the context of "
                      "'{}' has {}; give fewer, or a shorter first --prefill",
                      options.decode, options.prefill.front(),
                      options.prefill.front() + options.decode, options.plan, context));
  }

  /// The next made-up id: every run and every machine reads the same.
  int32_t nextId() {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return int32_t((random >> 33) % runner.lm().vocab());
  }

  double feed(uint64_t tokens) {
    std::vector<int32_t> ids(tokens);
    std::generate(ids.begin(), ids.end(), [this] { return nextId(); });
    const uint64_t before = runner.device().figures().cycles;
    runner.feed(ids);
    const DeviceFigures after = runner.device().figures();
    return double(after.cycles - before) / after.clockHz;
  }

  Json prefill(uint64_t tokens) {
    runner.reset();
    runner.device().clearFigures();
    const double seconds = feed(tokens);
    return {
        {"tokens", tokens}, {"seconds", seconds}, {"tokens_per_second", double(tokens) / seconds}};
  }

  /// Behind the first prompt.
  Json decode() {
    runner.reset();
    feed(options.prefill.front());
    runner.device().clearFigures();
    std::vector<double> times;
    double total = 0;
    for (uint64_t step = 0; step < options.decode; ++step) {
      times.push_back(feed(1));
      total += times.back();
    }
    std::sort(times.begin(), times.end());
    const DeviceFigures figures = runner.device().figures();
    const double steps = double(options.decode);
    Json json = {{"tokens", options.decode},
                 {"first_position", options.prefill.front()},
                 {"tokens_per_second", steps / total},
                 {"p50_ms", percentile(times, 0.5) * 1e3},
                 {"p99_ms", percentile(times, 0.99) * 1e3},
                 {"bytes_per_token", double(figures.offChipBytes()) / steps},
                 {"bandwidth_share", figures.dmaBoundCycles / double(figures.cycles)}};
    const double positions = double(options.prefill.front()) + (steps - 1) / 2;
    const auto compulsory = CompulsoryBytes::of(runner);
    json["compulsory_bytes_per_token"] =
        compulsory ? Json(compulsory->perToken(positions)) : Json(nullptr);
    return json;
  }

  const BenchOptions &options;
  const std::chrono::steady_clock::time_point start;
  PlanRunner runner;
  const double loadSeconds;
  uint64_t random = 1;
};

std::string sentences(const Json &json) {
  std::string text = fmt::format("{}, simulated time\n", json["target"].get<std::string>());
  for (const Json &prompt : json["prefill"])
    text += fmt::format("prefill {:>5}  {:>10.1f} tokens/s\n", prompt["tokens"].get<uint64_t>(),
                        prompt["tokens_per_second"].get<double>());
  const Json &decode = json["decode"];
  return text +
         fmt::format("decode  {:>5}  {:>10.1f} tokens/s, p50 {:.3f} ms, p99 {:.3f} ms, {:.0f} "
                     "bytes a token, {:.1f} % of the memory's rate\n",
                     decode["tokens"].get<uint64_t>(), decode["tokens_per_second"].get<double>(),
                     decode["p50_ms"].get<double>(), decode["p99_ms"].get<double>(),
                     decode["bytes_per_token"].get<double>(),
                     100 * decode["bandwidth_share"].get<double>());
}

} // namespace

void addBenchCommand(CLI::App &app, Toolbox &tools) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App *command =
      app.add_subcommand("bench", "Measure a plan on its device; on a simulated one, in its time");
  command->add_option("PLAN", options->plan, "Plan file; needs no tokenizer")->required();
  command->add_option("--prefill", options->prefill, "Lengths of prompts: 128,512")
      ->delimiter(',')
      ->check(checkCount)
      ->capture_default_str();
  command
      ->add_option("--decode", options->decode,
                   "Tokens to decode one at a time, behind the first prompt")
      ->check(checkCount)
      ->capture_default_str();
  addMachineOption(*command, tools);
  command->add_flag("--json", options->json, "One JSON document on standard output");
  command->callback([options, &tools] {
    const Json result = Bench(*options, tools).run();
    print(options->json ? result.dump(2) + "\n" : sentences(result));
  });
}

} // namespace llmc
