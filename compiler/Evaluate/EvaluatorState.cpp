// The key/value caches of a session.
#include "compiler/Evaluate/EvaluatorState.h"

using namespace mlir;

namespace llmc::evaluate {

EvaluatorState::EvaluatorState(ModuleOp module) {
  for (auto state : module.getOps<lm::KvStateOp>()) {
    KvCache &cache = caches[state.getSymNameAttr()];
    cache.layers = int64_t(state.getLayers());
    cache.channels = int64_t(state.getKvHeads()) * int64_t(state.getHeadDim());
    cache.capacity = int64_t(state.getCapacity());
    cache.elementBytes = state.getElement().getIntOrFloatBitWidth() / 8;
    cache.keys.resize(size_t(cache.layers));
    cache.values.resize(size_t(cache.layers));
  }
}

int64_t EvaluatorState::capacity() const {
  int64_t least = INT64_MAX;
  for (const auto &[symbol, cache] : caches)
    least = std::min(least, cache.capacity);
  return least;
}

KvCache *EvaluatorState::find(StringAttr symbol) {
  auto found = caches.find(symbol);
  return found == caches.end() ? nullptr : &found->second;
}

} // namespace llmc::evaluate
