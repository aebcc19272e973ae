// The next token from logits: greedy, or seeded with temperature, top-k and top-p. The same seed
// gives the same tokens on every machine.
#ifndef LLMC_RUNTIME_LM_SAMPLER_H
#define LLMC_RUNTIME_LM_SAMPLER_H

#include "runtime/base/span.h"
#include "runtime/base/status.h"

namespace llmc::rt {

/// PCG32 (XSH RR 64/32) of M. E. O'Neill.
class Pcg32 {
public:
  explicit Pcg32(uint64_t seed = 0, uint64_t stream = 0);
  uint32_t next();
  /// Uniform in [0, 1), a multiple of 2^-24.
  float uniform() { return float(next() >> 8) * 0x1p-24f; }

private:
  uint64_t state = 0;
  uint64_t increment;
};

struct SamplerOptions {
  float temperature = 0; // 0: greedy
  uint32_t topK = 0;     // 0: all
  float topP = 1;        // in (0, 1]
  uint64_t seed = 0;
};

/// A token that may still be drawn.
struct Candidate {
  uint32_t id;
  float weight;
};

class Sampler {
public:
  /// INVALID_ARGUMENT for a temperature that is neither 0 nor in [2^-20, 2^20], or top-p outside
  /// (0, 1].
  Status init(const SamplerOptions &options);
  /// Greedy needs no scratch; else one Candidate for every logit. Logits must be finite: NOT_FINITE
  /// otherwise.
  ///
  /// Kept are the topK largest logits (ties: lower ids), of those the fewest largest ones whose
  /// probabilities sum to at least topP, and from them one is drawn, walking in the order of ids.
  Status sample(Span<const float> logits, Span<Candidate> scratch, uint32_t *id);

private:
  void draw(const Candidate *kept, size_t n, uint32_t *id);

  SamplerOptions options;
  Pcg32 random;
};

} // namespace llmc::rt

#endif
