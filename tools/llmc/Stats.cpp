#include "tools/llmc/Stats.h"

#include "tools/llmc/PlanRunner.h"

#include <algorithm>

namespace llmc {

using Json = nlohmann::ordered_json;

std::optional<CompulsoryBytes> CompulsoryBytes::of(const PlanRunner &runner) {
  const auto weights = runner.metadataNumber("compulsory_weight_bytes");
  const auto kv = runner.metadataNumber("kv_bytes_per_position");
  const auto io = runner.metadataNumber("compulsory_io_bytes");
  if (!weights || !kv || !io)
    return std::nullopt;
  return CompulsoryBytes{*weights, *kv, *io};
}

double CompulsoryBytes::perToken(double kvLength) const {
  return weightsAndKv(kvLength) + double(io);
}

double CompulsoryBytes::weightsAndKv(double kvLength) const {
  return double(weights) + double(kvPerPosition) * (kvLength + 1);
}

namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

/// What only a simulator counts; means over the decode steps.
void addSimulated(Json &json, const DeviceFigures &prefill, const DeviceFigures &decode,
                  double steps) {
  json["sram_peak_bytes"] = std::max(prefill.sramPeakBytes, decode.sramPeakBytes);
  json["sram_capacity_bytes"] = prefill.sramCapacityBytes;
  json["prefill_cycles"] = prefill.cycles;
  const double dma = ratio(decode.dmaBoundCycles, steps), mac = ratio(decode.macBoundCycles, steps);
  json["decode_cycles_per_token"] = ratio(double(decode.cycles), steps);
  json["dma_bound_cycles_per_token"] = dma;
  json["mac_bound_cycles_per_token"] = mac;
  json["bound_cycles_per_token"] = std::max(dma, mac);
  json["dram_bytes_per_token"] = ratio(double(decode.offChipBytes()), steps);
  json["energy_joules_per_token"] = {{"low", ratio(decode.energy.low * 1e-12, steps)},
                                     {"nominal", ratio(decode.energy.nominal * 1e-12, steps)},
                                     {"high", ratio(decode.energy.high * 1e-12, steps)}};
  json["utilization"] = Json::object();
  for (const DeviceFigures::EngineUse &use : decode.engines)
    json["utilization"][use.engine] = ratio(double(use.busyCycles), double(decode.cycles));
  json["memories"] = Json::array();
  for (const DeviceFigures::Traffic &traffic : decode.memories)
    json["memories"].push_back(
        {{"name", traffic.memory},
         {"off_chip", traffic.offChip},
         {"read_bytes_per_token", ratio(double(traffic.read), steps)},
         {"written_bytes_per_token", ratio(double(traffic.written), steps)}});
}

} // namespace

Json RunStats::json() const {
  const double steps = double(decodeSteps);
  Json json = {{"target", target},
               {"isa", isa},
               {"threads", threads},
               {"prefill_tokens", prompt.size()},
               {"decode_tokens", generated.size()},
               {"decode_steps", decodeSteps},
               {"stop_reason", stopReason}};
  if (prefill && decode)
    addSimulated(json, *prefill, *decode, steps);
  const double kvLength = ratio(double(decodedPositions), steps);
  json["kv_positions_per_token"] = kvLength;
  if (compulsory && decodeSteps)
    json["compulsory_bytes_per_token"] = compulsory->perToken(kvLength);
  else
    json["compulsory_bytes_per_token"] = nullptr;
  const double prefillSeconds = prefill ? prefill->seconds() : hostPrefillSeconds;
  const double decodeSeconds = decode ? decode->seconds() : hostStepSeconds;
  json["prefill_tokens_per_second"] = ratio(double(prompt.size()), prefillSeconds);
  json["seconds"] = prefillSeconds + decodeSeconds;
  json["tokens_per_second"] = ratio(steps, decodeSeconds);
  json["host_seconds"] = hostSeconds;
  json["host_tokens_per_second"] = ratio(steps, hostDecodeSeconds);
  json["prompt_ids"] = prompt;
  json["generated_ids"] = generated;
  return json;
}

} // namespace llmc
