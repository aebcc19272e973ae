// Kernels of every instruction set: one row against the read bandwidth, many rows against the
// instruction's peak. Rates compare within one run only; a thread is a part.
#include "runtime/drivers/cpu/machine_peaks.h"
#include "targets/Llvm/Layout/X86PackedRows.h"
#include "targets/Llvm/Layout/X86WeightLayout.h"
#include "targets/Llvm/Lower.h"
#include "targets/X86/X86Isa.h"
#include "tools/bench-kernels/AttentionBenchmark.h"
#include "tools/bench-kernels/BenchMemory.h"

#include <benchmark/benchmark.h>
#include <cstring>
#include <memory>

using namespace llmc::target;
using namespace llmc::bench;
using namespace llmc::rt::cpu;

namespace {

bool hasIsa(Isa isa) { return missingFor(isa, hostProbe()).empty(); }

constexpr uint32_t columns = 2048, outputs = 5632, rows = 512;

struct Layer {
  std::string name;
  X86WeightLayout layout;
  Kernel *linear = nullptr, *pack = nullptr;
  uint8_t *packedRows = nullptr;
  std::vector<int8_t> activations;
  std::vector<float> scales, out;
};

std::shared_ptr<Layer> makeLayer(const IsaTable &isa, const WeightFormat &format, uint32_t m) {
  auto layer = std::make_shared<Layer>();
  std::string error;
  const auto layout = X86WeightLayout::of(format, columns, error);
  if (!layout)
    fail(error);
  layer->layout = *layout;
  Matmul matmul;
  matmul.tokens = {m, -1};
  matmul.n = {outputs, -1};
  matmul.k = {columns, -1};
  matmul.format = format;
  PackRows pack{{m, -1}, 1, columns, layout->scaledByGroup() ? format.group : 0};
  const KernelOperand a{ElementType::I8, columns, columns}, packed{ElementType::U8};
  const KernelOperand scale{ElementType::F32, 4}, out{ElementType::F32, outputs * 4};
  const auto blob =
      lowerLlvm({{"linear", matmul, {m == 1 ? a : packed, scale, {format.element}, out}},
                 {"pack", pack, {a, packed}}},
                isa, error);
  if (!blob)
    fail(error);
  uint8_t *code = placed(*blob);
  layer->linear = reinterpret_cast<Kernel *>(code + blob->entries[0].offset);
  layer->pack = reinterpret_cast<Kernel *>(code + blob->entries[1].offset);
  layer->packedRows = mapped(packedRowsBytes(isa, pack));
  layer->activations.assign(size_t(m) * columns, 3);
  layer->scales.assign(m, 0.5f);
  layer->out.resize(size_t(m) * outputs);
  void *operands[] = {layer->activations.data(), layer->packedRows};
  layer->pack(operands, nullptr, 0, 1);
  return layer;
}

void addRead() {
  benchmark::RegisterBenchmark(
      "read",
      [](benchmark::State &state) {
        const size_t share = poolBytes / size_t(state.threads()) / 4096 * 4096;
        const uint8_t *from = pool() + share * size_t(state.thread_index());
        for (auto _ : state)
          readBytes(hasIsa(Isa::Avx512) ? Isa::Avx512 : Isa::Avx2, from, share);
        state.SetBytesProcessed(int64_t(share) * state.iterations());
      })
      ->ThreadRange(1, 2)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

/// One pass over as many matrices as the pool holds.
void addOneRow(const IsaTable &isa, const char *name, const WeightFormat &format) {
  const auto layer = makeLayer(isa, format, 1);
  benchmark::RegisterBenchmark(
      ("one row/" + isa.name + "/" + name).c_str(),
      [layer](benchmark::State &state) {
        const size_t bytes = layer->layout.bytes(outputs), count = poolBytes / bytes;
        for (auto _ : state)
          for (size_t i = 0; i < count; ++i) {
            void *operands[] = {layer->activations.data(), layer->scales.data(), pool() + i * bytes,
                                layer->out.data()};
            layer->linear(operands, nullptr, uint32_t(state.thread_index()),
                          uint32_t(state.threads()));
          }
        state.SetBytesProcessed(int64_t(count * bytes) / state.threads() * state.iterations());
      })
      ->ThreadRange(1, 2)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void addManyRows(const IsaTable &isa, const char *name, const WeightFormat &format) {
  const auto layer = makeLayer(isa, format, rows);
  benchmark::RegisterBenchmark(("512 rows/" + isa.name + "/" + name).c_str(),
                               [layer](benchmark::State &state) {
                                 void *operands[] = {layer->packedRows, layer->scales.data(),
                                                     pool(), layer->out.data()};
                                 for (auto _ : state)
                                   layer->linear(operands, nullptr, uint32_t(state.thread_index()),
                                                 uint32_t(state.threads()));
                                 state.SetItemsProcessed(int64_t(2) * rows * columns * outputs /
                                                         state.threads() * state.iterations());
                               })
      ->ThreadRange(1, 2)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
  if (std::strcmp(name, "w8") != 0)
    return;
  benchmark::RegisterBenchmark(("pack 512 rows/" + isa.name).c_str(),
                               [layer](benchmark::State &state) {
                                 void *operands[] = {layer->activations.data(), layer->packedRows};
                                 for (auto _ : state)
                                   layer->pack(operands, nullptr, uint32_t(state.thread_index()),
                                               uint32_t(state.threads()));
                               })
      ->ThreadRange(1, 2)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void addPeak(const char *name, uint64_t (*run)(Isa, uint64_t), Isa isa) {
  benchmark::RegisterBenchmark(name,
                               [run, isa](benchmark::State &state) {
                                 uint64_t operations = 0;
                                 for (auto _ : state)
                                   operations += run(isa, 200000);
                                 state.SetItemsProcessed(int64_t(operations));
                               })
      ->ThreadRange(1, 2)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void addAll(const IsaTable &isa) {
  const std::pair<const char *, WeightFormat> formats[] = {
      {"w8", {ElementType::I8, ScaleKind::F32Row, 0}},
      {"m16", {ElementType::I4, ScaleKind::MultiplierF32Row, 16}},
      {"m32", {ElementType::I4, ScaleKind::MultiplierF32Row, 32}},
      {"g32", {ElementType::I4, ScaleKind::F16Group, 32}}};
  for (const auto &[name, format] : formats)
    addOneRow(isa, name, format);
  for (const auto &[name, format] : formats)
    addManyRows(isa, name, format);
  addAttention(isa);
}

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  addRead();
  addPeak("peak vpmaddubsw", multiplyInt8, Isa::Avx2);
  addPeak("peak vfmadd231ps ymm", multiplyF32, Isa::Avx2);
  addAll(x86Avx2());
  if (hasIsa(Isa::Avx512)) {
    addPeak("peak vpdpbusd", multiplyInt8, Isa::Avx512);
    addPeak("peak vfmadd231ps zmm", multiplyF32, Isa::Avx512);
    addAll(x86Avx512());
  }
  if (hasIsa(Isa::Amx)) {
    addPeak("peak tdpbsud", multiplyInt8, Isa::Amx);
    addAll(x86Amx());
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
