// llmc bench: the speed of a plan on its device, with made-up ids.
#include "compiler/Support/PeakMemory.h"
#include "runtime/drivers/host/huge_pages.h"
#include "tools/llmc/BenchText.h"
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/Errors.h"
#include "tools/llmc/Interference.h"
#include "tools/llmc/LargePages.h"
#include "tools/llmc/PlanRunner.h"
#include "tools/llmc/Stats.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace llmc {

namespace {

using Json = nlohmann::ordered_json;

struct BenchOptions {
  std::string plan;
  std::optional<std::string> promptIds;
  std::vector<uint64_t> prefill = {128, 512};
  uint64_t decode = 128;
  uint32_t repeat = 3;
  DeviceOptions device;
  bool kernels = false;
  bool json = false;
};

using Clock = std::chrono::steady_clock;

/// Of a step's time: less than that is no wait for a CPU, but the account of a tick.
constexpr double leastDisturbance = 0.005;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The value that `share` of the sorted values do not exceed.
double percentile(const std::vector<double> &sorted, double share) {
  const auto rank = size_t(std::ceil(share * double(sorted.size())));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

/// What was measured, before it is put in relation to what the machine can do.
struct Measured {
  struct Prompt {
    uint64_t tokens;
    double seconds;
    std::vector<KernelTimes::Entry> kernels;
    double intRate = 0; ///< Of the multipliers, just before and after, for as long each.
  };
  struct Decode {
    std::vector<double> steps;       ///< Seconds, ascending.
    std::vector<double> undisturbed; ///< Those in which no thread waited for a CPU, ascending.
    std::optional<double> delayed, stolen;
    double seconds = 0;
    std::vector<KernelTimes::Entry> kernels;
  };
  std::vector<Prompt> prefill;
  Decode decode;
};

/// The fastest of as many runs as asked for: other work on the machine only ever slows.
template <class Run> auto fastest(uint32_t times, const Run &run) {
  auto best = run();
  for (uint32_t i = 1; i < times; ++i)
    if (auto next = run(); next.seconds < best.seconds)
      best = std::move(next);
  return best;
}

class Bench {
public:
  Bench(const BenchOptions &options, const Toolbox &tools)
      : options(options), start(Clock::now()),
        runner(options.plan, tools.devices, options.device, options.kernels ? &times : nullptr),
        loadSeconds(secondsSince(start)) {
    if (options.kernels && runner.device().figures())
      throw InputError("--kernels: '" + options.plan +
                       "' runs on a simulated machine, where a dispatch is a whole entry; see "
                       "`llmc run --stats` for what its engines do");
    makePrompts();
    checkLengths();
  }

  Json run() {
    Device &device = runner.device();
    const bool simulated = device.figures().has_value();
    uint64_t peakRss = 0;
    if (!simulated) { // Warms up, and has touched all that is touched before the probes do.
      for (const std::vector<int32_t> &prompt : prompts)
        prefillOnce(prompt);
      decodeOnce();
      peakRss = peakRssBytes();
    }
    const uint32_t times = simulated ? 1 : options.repeat; // Simulated time is always the same.
    double intRate = device.int8OpsPerSecond();
    for (const std::vector<int32_t> &prompt : prompts)
      measured.prefill.push_back(fastest(times, [&] { return prefillBetweenPeaks(prompt); }));
    intRate = std::max(intRate, device.int8OpsPerSecond());
    double readRate = device.readBytesPerSecond();
    measured.decode = fastest(times, [&] { return decodeOnce(); });
    readRate = std::max(readRate, device.readBytesPerSecond());
    Json json = {{"target", runner.machine()},   {"isa", device.isa()},
                 {"threads", device.threads()},  {"context", runner.lm().contextLength()},
                 {"prefill", describePrefill()}, {"decode", describeDecode(readRate)}};
    json["read_bandwidth_bytes_per_second"] = readRate;
    json["int8_peak_ops_per_second"] = intRate;
    const uint64_t cache = device.lastLevelCacheBytes();
    json["last_level_cache_bytes"] = cache ? Json(cache) : Json(nullptr);
    json["load_ms"] = loadSeconds * 1e3;
    json["plan_large_page_share"] = simulated ? Json(nullptr) : largePageShare();
    json["peak_rss_bytes"] = simulated ? peakRssBytes() : peakRss;
    json["host_seconds"] = secondsSince(start);
    return json;
  }

private:
  void makePrompts() {
    if (!options.promptIds) {
      for (const uint64_t tokens : options.prefill) {
        checkPrompt(tokens);
        prompts.emplace_back(tokens);
        for (int32_t &id : prompts.back())
          id = nextId();
      }
      return;
    }
    prompts.push_back(parseIds(*options.promptIds, "--prompt-ids"));
    runner.checkIds(prompts.front());
  }

  void checkPrompt(uint64_t tokens) const {
    if (tokens > runner.lm().contextLength())
      throw InputError(fmt::format("--prefill={}: '{}' holds a context of {} tokens; give fewer, "
                                   "or compile with a larger --context",
                                   tokens, options.plan, runner.lm().contextLength()));
  }

  void checkLengths() const {
    const uint64_t context = runner.lm().contextLength(), prompt = prompts.front().size();
    if (options.decode > context - prompt)
      throw InputError(
          fmt::format("--decode={} behind a prompt of {} tokens needs {} positions, the context of "
                      "'{}' has {}; give fewer, or a shorter first prompt",
                      options.decode, prompt, prompt + options.decode, options.plan, context));
  }

  /// The next made-up id: every run and every machine reads the same.
  int32_t nextId() {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return int32_t((random >> 33) % runner.lm().vocab());
  }

  /// Seconds of the device that ran, which may be simulated ones.
  double feed(std::span<const int32_t> ids) {
    runner.device().clearFigures();
    const Clock::time_point begin = Clock::now();
    runner.feed(ids);
    const double seconds = secondsSince(begin);
    const auto figures = runner.device().figures();
    return figures ? figures->seconds() : seconds;
  }

  Measured::Prompt prefillOnce(const std::vector<int32_t> &prompt) {
    runner.reset();
    times.start();
    lastPrefill = feed(prompt);
    return {prompt.size(), lastPrefill, times.entries()};
  }

  /// Clocks and neighbours change within seconds: what the multipliers could do is measured for as
  /// long as the run, on both sides of it.
  Measured::Prompt prefillBetweenPeaks(const std::vector<int32_t> &prompt) {
    Device &device = runner.device();
    if (device.figures())
      return prefillOnce(prompt);
    const double before = device.sustainedInt8OpsPerSecond(lastPrefill);
    Measured::Prompt result = prefillOnce(prompt);
    result.intRate = (before + device.sustainedInt8OpsPerSecond(result.seconds)) / 2;
    return result;
  }

  /// Behind the first prompt.
  Measured::Decode decodeOnce() {
    runner.reset();
    feed(prompts.front());
    Measured::Decode decode;
    traffic = {};
    times.start();
    const std::optional<double> stolen = stolenSeconds(), delayed = delays.seconds();
    std::optional<double> before = delayed;
    for (uint64_t step = 0; step < options.decode; ++step) {
      const int32_t id = nextId();
      times.resume();
      decode.steps.push_back(feed(std::span(&id, 1)));
      decode.seconds += decode.steps.back();
      const std::optional<double> after = delays.seconds();
      if (before && after && *after - *before <= leastDisturbance * decode.steps.back())
        decode.undisturbed.push_back(decode.steps.back());
      before = after;
      if (const auto figures = runner.device().figures()) {
        traffic.bytes += double(figures->offChipBytes());
        traffic.boundSeconds += figures->dmaBoundCycles / figures->clockHz;
      }
    }
    decode.kernels = times.entries();
    if (delayed && before)
      decode.delayed = *before - *delayed;
    if (const std::optional<double> after = stolenSeconds(); stolen && after)
      decode.stolen = *after - *stolen;
    std::sort(decode.steps.begin(), decode.steps.end());
    std::sort(decode.undisturbed.begin(), decode.undisturbed.end());
    return decode;
  }

  Json describePrefill() const {
    Json list = Json::array();
    for (const auto &[tokens, seconds, kernels, intRate] : measured.prefill) {
      list.push_back({{"tokens", tokens},
                      {"seconds", seconds},
                      {"tokens_per_second", double(tokens) / seconds},
                      {"int8_sustained_ops_per_second", intRate ? Json(intRate) : Json(nullptr)}});
      if (options.kernels)
        list.back()["kernels"] = describe(kernels);
    }
    return list;
  }

  /// The last large page may reach beyond the file's end. More than that page is a wrong count, and
  /// shows as a share above 1.
  Json largePageShare() const {
    const std::span<const uint8_t> file = runner.fileBytes();
    const uint64_t size = file.size(), page = rt::host::hugePageBytes;
    std::optional<uint64_t> large = largePageBytes(file.data());
    if (!large)
      return nullptr;
    if (*large <= (size + page - 1) / page * page)
      large = std::min(*large, size);
    return double(*large) / double(size);
  }

  static Json describe(const std::vector<KernelTimes::Entry> &kernels) {
    Json list = Json::array();
    for (const KernelTimes::Entry &kernel : kernels)
      list.push_back({{"name", kernel.name}, {"calls", kernel.calls}, {"seconds", kernel.seconds}});
    return list;
  }

  Json describeDecode(double readRate) const {
    const double steps = double(options.decode), rate = steps / measured.decode.seconds;
    Json json = {{"tokens", options.decode},
                 {"first_position", prompts.front().size()},
                 {"tokens_per_second", rate},
                 {"p50_ms", percentile(measured.decode.steps, 0.5) * 1e3},
                 {"p99_ms", percentile(measured.decode.steps, 0.99) * 1e3}};
    const double positions = double(prompts.front().size()) + (steps - 1) / 2;
    const auto compulsory = CompulsoryBytes::of(runner);
    Json &bytes = json["bytes_per_token"], &share = json["bandwidth_share"];
    bytes = share = nullptr;
    if (runner.device().figures()) {
      bytes = traffic.bytes / steps;
      share = traffic.boundSeconds / measured.decode.seconds;
    } else if (compulsory) {
      bytes = compulsory->weightsAndKv(positions);
      share = compulsory->weightsAndKv(positions) * rate / readRate;
    }
    json["compulsory_bytes_per_token"] =
        compulsory ? Json(compulsory->perToken(positions)) : Json(nullptr);
    describeInterference(json);
    const double cache = double(runner.device().lastLevelCacheBytes());
    json["cache_affected"] =
        cache > 0 && bytes.is_number() ? Json(bytes.get<double>() < 4 * cache) : Json(nullptr);
    if (options.kernels)
      json["kernels"] = describe(measured.decode.kernels);
    return json;
  }

  /// What others took of the CPUs; null where the system does not say, and of simulated time.
  void describeInterference(Json &json) const {
    const Measured::Decode &decode = measured.decode;
    const auto milliseconds = [](std::optional<double> seconds) {
      return seconds ? Json(*seconds * 1e3) : Json(nullptr);
    };
    const bool known = decode.delayed && !runner.device().figures();
    json["run_delay_ms"] = milliseconds(known ? decode.delayed : std::nullopt);
    json["steal_ms"] = milliseconds(known ? decode.stolen : std::nullopt);
    Json &undisturbed = json["undisturbed"];
    undisturbed = nullptr;
    if (!known)
      return;
    undisturbed = {{"tokens", decode.undisturbed.size()}};
    for (const auto &[name, share] : {std::pair("p50_ms", 0.5), {"p99_ms", 0.99}})
      undisturbed[name] = decode.undisturbed.empty()
                              ? Json(nullptr)
                              : Json(percentile(decode.undisturbed, share) * 1e3);
  }

  /// Of the decode steps, where a simulator counts them.
  struct Traffic {
    double bytes = 0, boundSeconds = 0;
  };

  const BenchOptions &options;
  const Clock::time_point start;
  KernelTimes times;
  PlanRunner runner;
  const double loadSeconds;
  const ThreadDelays delays;
  double lastPrefill = 0;
  uint64_t random = 1;
  std::vector<std::vector<int32_t>> prompts;
  Measured measured;
  Traffic traffic;
};

} // namespace

void addBenchCommand(CLI::App &app, Toolbox &tools) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App *command =
      app.add_subcommand("bench", "Measure a plan on its device; on a simulated one, in its time");
  addFile(*command, "PLAN", options->plan, "Plan file; needs no tokenizer")->required();
  command->add_option("--prefill", options->prefill, "Lengths of prompts: 128,512")
      ->delimiter(',')
      ->check(checkCount)
      ->capture_default_str();
  command
      ->add_option("--decode", options->decode,
                   "Tokens to decode one at a time, behind the first prompt")
      ->check(checkCount)
      ->capture_default_str();
  command
      ->add_option("--repeat", options->repeat,
                   "Runs of each on the host's CPU, of which the fastest counts")
      ->check(checkCount32)
      ->capture_default_str();
  addTargetOptions(*command, tools);
  command
      ->add_option("--prompt-ids", options->promptIds,
                   "The prompt to measure, as ids: 1,2,3; made up if not given")
      ->excludes("--prefill");
  addDeviceOptions(*command, options->device);
  command->add_flag("--kernels", options->kernels,
                    "Say how long each kernel takes; on the host's CPU");
  command->add_flag("--json", options->json, "One JSON document on standard output");
  command->callback([options, &tools] {
    openTargets(tools, {/*on=*/false, std::nullopt}); // A watch would be measured, too.
    const Json result = Bench(*options, tools).run();
    print(options->json ? result.dump(2) + "\n" : benchText(result));
  });
}

} // namespace llmc
