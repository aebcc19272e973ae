// The mutator that both targets of plans share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "test/fuzz/plan_mutator.h"

// The names below are those that libFuzzer asks for.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
  if (seed % 16 == 0)
    return LLVMFuzzerMutate(data, size, most);
  const std::vector<uint8_t> plan = llmc::fuzz::mutatePlan({data, size}, seed);
  if (plan.empty() || plan.size() > most)
    return LLVMFuzzerMutate(data, size, most);
  __builtin_memcpy(data, plan.data(), plan.size());
  return plan.size();
}
