#include "tools/llmc/BenchText.h"

#include <fmt/format.h>

namespace llmc {

namespace {

using Json = nlohmann::ordered_json;

std::string machineOf(const Json &json) {
  const std::string isa = json["isa"];
  const std::string name = json["target"];
  if (isa == "simulated")
    return name + ", simulated time";
  const auto threads = json["threads"].get<uint32_t>();
  return fmt::format("{}, {}, {} thread{}", name, isa, threads, threads == 1 ? "" : "s");
}

/// The share of the memory's rate, as far as it is known.
std::string shareOf(const Json &decode) {
  if (decode["bandwidth_share"].is_null())
    return "";
  const bool cached = decode["cache_affected"].is_boolean() && decode["cache_affected"].get<bool>();
  return fmt::format(", {:.0f} bytes a token, {:.1f} % of the memory's rate{}",
                     decode["bytes_per_token"].get<double>(),
                     100 * decode["bandwidth_share"].get<double>(),
                     cached ? " (partly read from the cache)" : "");
}

/// What others took of the CPUs meanwhile, where that is known.
std::string interferenceOf(const Json &decode) {
  const Json &calm = decode["undisturbed"];
  if (calm.is_null())
    return "";
  std::string text =
      fmt::format("; threads waited {:.1f} ms for a CPU", decode["run_delay_ms"].get<double>());
  if (decode["steal_ms"].is_number())
    text += fmt::format(", {:.0f} ms stolen", decode["steal_ms"].get<double>());
  text += fmt::format("; {} tokens undisturbed", calm["tokens"].get<uint64_t>());
  return calm["p99_ms"].is_null()
             ? text
             : text + fmt::format(", p50 {:.3f} ms, p99 {:.3f} ms", calm["p50_ms"].get<double>(),
                                  calm["p99_ms"].get<double>());
}

/// Where the time goes, where that was asked for.
std::string kernelsOf(const Json &phase) {
  std::string text;
  if (!phase.contains("kernels"))
    return text;
  double all = 0;
  for (const Json &kernel : phase["kernels"])
    all += kernel["seconds"].get<double>();
  for (const Json &kernel : phase["kernels"]) {
    const double seconds = kernel["seconds"].get<double>();
    text += fmt::format("  {:>5.1f} %  {:>10.3f} us x {:>6}  {}\n", 100 * seconds / all,
                        1e6 * seconds / kernel["calls"].get<double>(),
                        kernel["calls"].get<uint64_t>(), kernel["name"].get<std::string>());
  }
  return text;
}

/// What the host can do, and how the plan lies on it.
std::string hostOf(const Json &json) {
  std::string text =
      fmt::format("machine        {:.1f} GB/s read, {:.2f} TOPS of int8; loaded in {:.1f} ms, "
                  "{:.0f} MB resident at most",
                  json["read_bandwidth_bytes_per_second"].get<double>() / 1e9,
                  json["int8_peak_ops_per_second"].get<double>() / 1e12,
                  json["load_ms"].get<double>(), json["peak_rss_bytes"].get<double>() / 1e6);
  if (json["plan_large_page_share"].is_number())
    text += fmt::format(", {:.0f} % of the plan in large pages",
                        100 * json["plan_large_page_share"].get<double>());
  return text + "\n";
}

} // namespace

std::string benchText(const nlohmann::ordered_json &json) {
  std::string text = machineOf(json) + "\n";
  for (const Json &prompt : json["prefill"])
    text += fmt::format("prefill {:>5}  {:>10.1f} tokens/s\n", prompt["tokens"].get<uint64_t>(),
                        prompt["tokens_per_second"].get<double>()) +
            kernelsOf(prompt);
  const Json &decode = json["decode"];
  text += fmt::format("decode  {:>5}  {:>10.1f} tokens/s, p50 {:.3f} ms, p99 {:.3f} ms{}{}\n",
                      decode["tokens"].get<uint64_t>(), decode["tokens_per_second"].get<double>(),
                      decode["p50_ms"].get<double>(), decode["p99_ms"].get<double>(),
                      shareOf(decode), interferenceOf(decode)) +
          kernelsOf(decode);
  return json["isa"] == "simulated" ? text : text + hostOf(json);
}

} // namespace llmc
