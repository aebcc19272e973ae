#include "runtime/lm/sampler.h"

#include "runtime/base/numerics.h"

namespace llmc::rt {
namespace {

/// Larger weights first, then lower ids: a total order.
bool before(const Candidate &a, const Candidate &b) {
  return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
}

bool byId(const Candidate &a, const Candidate &b) { return a.id < b.id; }

/// Heap sort: in place, no recursion, n log n whatever the input.
template <class Less> void sift(Candidate *heap, size_t root, size_t n, Less less) {
  for (size_t child; (child = 2 * root + 1) < n; root = child) {
    if (child + 1 < n && less(heap[child], heap[child + 1]))
      ++child;
    if (!less(heap[root], heap[child]))
      return;
    Candidate swap = heap[root];
    heap[root] = heap[child];
    heap[child] = swap;
  }
}

template <class Less> void sortBy(Candidate *items, size_t n, Less less) {
  for (size_t i = n / 2; i-- > 0;)
    sift(items, i, n, less);
  for (size_t end = n; end-- > 1;) {
    Candidate swap = items[0];
    items[0] = items[end];
    items[end] = swap;
    sift(items, 0, end, less);
  }
}

float sumOf(const Candidate *items, size_t n) {
  float sum = 0;
  for (size_t i = 0; i < n; ++i)
    sum += items[i].weight;
  return sum;
}

/// The first of the largest.
Status findLargest(Span<const float> logits, uint32_t *id) {
  if (logits.empty())
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_LOGITS);
  uint32_t best = 0;
  for (size_t i = 0; i < logits.size; ++i) {
    if (!llmc_is_finite(logits[i]))
      return Status(LLMC_NOT_FINITE, LLMC_AT_LOGITS, i);
    if (logits[i] > logits[best])
      best = uint32_t(i);
  }
  *id = best;
  return {};
}

/// How many of the first ones sum to `share` of all, at least one.
size_t countOf(const Candidate *items, size_t n, float share) {
  const float wanted = share * sumOf(items, n);
  float sum = 0;
  size_t count = 0;
  for (; count < n && (count == 0 || sum < wanted); ++count)
    sum += items[count].weight;
  return count;
}

} // namespace

Pcg32::Pcg32(uint64_t seed, uint64_t stream) : increment((stream << 1) | 1) {
  next();
  state += seed;
  next();
}

uint32_t Pcg32::next() {
  uint64_t old = state;
  state = old * 6364136223846793005u + increment;
  uint32_t shifted = uint32_t(((old >> 18) ^ old) >> 27);
  uint32_t rotation = uint32_t(old >> 59);
  return (shifted >> rotation) | (shifted << ((32 - rotation) & 31));
}

Status Sampler::init(const SamplerOptions &wanted) {
  // Beyond these the weights are greedy or uniform anyway, and 1/temperature would leave fp32.
  bool usable = wanted.temperature >= 0x1p-20f && wanted.temperature <= 0x1p20f;
  if (!usable && wanted.temperature != 0)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_SAMPLER, 0);
  if (!(wanted.topP > 0 && wanted.topP <= 1))
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_SAMPLER, 1);
  options = wanted;
  random = Pcg32(wanted.seed);
  return {};
}

Status Sampler::sample(Span<const float> logits, Span<Candidate> scratch, uint32_t *id) {
  const Status status = findLargest(logits, id);
  if (!status.ok() || options.temperature == 0)
    return status;
  size_t n = logits.size;
  if (scratch.size < n)
    return Status(LLMC_TOO_SMALL, LLMC_AT_SAMPLER, 2);
  Candidate *kept = scratch.data;
  for (size_t i = 0; i < n; ++i)
    kept[i] = {uint32_t(i), logits[i]};
  const bool cutsK = options.topK != 0 && options.topK < n, cutsP = options.topP < 1;
  if (cutsK || cutsP)
    sortBy(kept, n, before);
  if (cutsK)
    n = options.topK;
  // Weights relative to the best: the largest is 1, so the sum is never 0. Subtraction first: it
  // cannot overflow later.
  const float inverse = llmc_recip(options.temperature), top = logits[*id];
  for (size_t i = 0; i < n; ++i)
    kept[i].weight = llmc_exp((kept[i].weight - top) * inverse);
  if (cutsP)
    n = countOf(kept, n, options.topP);
  if (cutsK || cutsP)
    sortBy(kept, n, byId);
  draw(kept, n, id);
  return {};
}

void Sampler::draw(const Candidate *kept, size_t n, uint32_t *id) {
  const float target = random.uniform() * sumOf(kept, n);
  float sum = 0;
  for (size_t i = 0; i < n; ++i) { // target is below the whole sum, whose order this is
    sum += kept[i].weight;
    if (target < sum) {
      *id = kept[i].id;
      return;
    }
  }
}

} // namespace llmc::rt
