// The figures of a run, as docs/format/stats.md names them.
#pragma once

#include "tools/llmc/Device.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace llmc {

class PlanRunner;

/// What must cross between SRAM and off-chip memory, from the plan's metadata: written there by the
/// compiler from the legalised graph, never from the plan.
struct CompulsoryBytes {
  uint64_t weights = 0;       ///< Weights, scales, norms and rows of tables, per token.
  uint64_t kvPerPosition = 0; ///< K and V of one position, all layers.
  uint64_t io = 0;            ///< Ids, and results of one token.

  /// Nothing where the plan does not say.
  static std::optional<CompulsoryBytes> of(const PlanRunner &runner);
  /// Of one token that has `kvLength` positions before it, on average: reads those, writes its own.
  double perToken(double kvLength) const;
  /// The same without inputs and results.
  double weightsAndKv(double kvLength) const;
};

struct RunStats {
  std::string target, isa;
  uint32_t threads = 1;
  uint64_t decodeSteps = 0;      ///< Ids fed back one at a time.
  uint64_t decodedPositions = 0; ///< Sum over the decode steps of the positions before the token.
  std::vector<int32_t> prompt, generated;
  std::string stopReason;                       ///< "max_tokens", "eos" or "context_full".
  std::optional<DeviceFigures> prefill, decode; ///< Of a simulated machine.
  std::optional<CompulsoryBytes> compulsory;
  /// All of the run; its prompt; its decode steps; these and choosing and writing the tokens.
  double hostSeconds = 0, hostPrefillSeconds = 0, hostStepSeconds = 0, hostDecodeSeconds = 0;

  nlohmann::ordered_json json() const;
};

} // namespace llmc
