#include "tools/bench-kernels/AttentionBenchmark.h"

#include "targets/Llvm/Lower.h"
#include "tools/bench-kernels/BenchMemory.h"

#include <benchmark/benchmark.h>
#include <memory>
#include <vector>

using namespace llmc::target;

namespace llmc::bench {

namespace {

constexpr uint32_t capacity = 4096, chunk = 512;

struct Heads {
  uint32_t heads, kvHeads, headDim;
  std::string name() const {
    return std::to_string(heads) + "/" + std::to_string(kvHeads) + "x" + std::to_string(headDim);
  }
  size_t cacheBytes() const { return size_t(kvHeads) * capacity * headDim * 2; }
};

struct Layer {
  Heads heads;
  Kernel *kernel = nullptr;
  std::vector<uint16_t> queries;
  std::vector<float> out;

  Layer(const IsaTable &isa, const Heads &heads) : heads(heads) {
    const Attention attention{.tokens = {chunk, 0},
                              .heads = heads.heads,
                              .kvHeads = heads.kvHeads,
                              .headDim = heads.headDim,
                              .capacity = capacity,
                              .scale = 0.125f,
                              .positionArgument = 1};
    const uint32_t row = heads.headDim * 2;
    const KernelOperand cache{ElementType::F16, row, row * capacity};
    std::string error;
    const auto blob = lowerLlvm({{"attention",
                                  attention,
                                  {{ElementType::F16, row * heads.heads, row},
                                   cache,
                                   cache,
                                   {ElementType::F32, row * 2 * heads.heads, row * 2}}}},
                                isa, error);
    if (!blob)
      fail(error);
    kernel = reinterpret_cast<Kernel *>(placed(*blob) + blob->entries[0].offset);
    queries.assign(size_t(chunk) * heads.heads * heads.headDim, 0x3000);
    out.resize(queries.size());
  }

  void run(size_t index, const uint32_t *params, const benchmark::State &state) {
    uint8_t *keys = pool() + index * 2 * heads.cacheBytes();
    void *operands[] = {queries.data(), keys, keys + heads.cacheBytes(), out.data()};
    kernel(operands, params, uint32_t(state.thread_index()), uint32_t(state.threads()));
  }
};

/// One pass over as many caches as the pool holds, or over one that stays in the processor's.
void addToken(const std::shared_ptr<Layer> &layer, uint32_t position, bool isCold,
              const std::string &name) {
  const auto run = [layer, position, isCold](benchmark::State &state) {
    const size_t count = isCold ? poolBytes / (2 * layer->heads.cacheBytes()) : 1;
    const uint32_t params[] = {1, position};
    for (auto _ : state)
      for (size_t i = 0; i < count; ++i)
        layer->run(i, params, state);
    const size_t bytes = size_t(4) * (position + 1) * layer->heads.kvHeads * layer->heads.headDim;
    state.SetBytesProcessed(int64_t(count * bytes) / state.threads() * state.iterations());
  };
  benchmark::RegisterBenchmark(("attention, one token behind " + std::to_string(position) +
                                (isCold ? "/" : ", cached/") + name)
                                   .c_str(),
                               run)
      ->ThreadRange(1, 2)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void addChunk(const std::shared_ptr<Layer> &layer, uint32_t position, const std::string &name) {
  const auto run = [layer, position](benchmark::State &state) {
    const uint32_t params[] = {chunk, position};
    for (auto _ : state)
      layer->run(0, params, state);
    const int64_t pairs = int64_t(chunk) * position + int64_t(chunk) * (chunk + 1) / 2;
    state.SetItemsProcessed(4 * pairs * layer->heads.heads * layer->heads.headDim /
                            state.threads() * state.iterations());
  };
  benchmark::RegisterBenchmark(
      ("attention, 512 tokens behind " + std::to_string(position) + "/" + name).c_str(), run)
      ->ThreadRange(1, 2)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

} // namespace

void addAttention(const IsaTable &isa) {
  for (const Heads &heads : {Heads{9, 3, 64}, {32, 4, 64}, {16, 8, 128}}) {
    const auto layer = std::make_shared<Layer>(isa, heads);
    const std::string name = isa.name + "/" + heads.name();
    for (uint32_t position : {159u, capacity - 1})
      for (bool isCold : {false, true})
        addToken(layer, position, isCold, name);
    for (uint32_t position : {0u, capacity - chunk})
      addChunk(layer, position, name);
  }
}

} // namespace llmc::bench
