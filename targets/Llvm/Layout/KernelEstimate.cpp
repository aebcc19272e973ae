#include "targets/Llvm/Layout/KernelEstimate.h"

#include "targets/Llvm/Layout/ChainPhases.h"

#include <algorithm>
#include <cmath>

namespace llmc::target {

static double cyclesFor(double amount, double perCycle) {
  return amount == 0 ? 0 : std::ceil(amount / perCycle);
}

static const Memory &memoryOf(const Machine &machine, Space space) {
  const Placement &placement = machine.placement;
  switch (space) {
  case Space::Weights:
    return *machine.memory(placement.weights);
  case Space::State:
    return *machine.memory(placement.state);
  case Space::Scratch:
    return *machine.memory(placement.scratch);
  case Space::Ids:
  case Space::Io:
    return *machine.memory(placement.io);
  case Space::Sram:
    break;
  }
  return machine.sram();
}

/// What comes behind the sums: one addition each, or silu and a product for each two.
static double epilogueCycles(const VectorEngine &vector, const Matmul &matmul) {
  const double sums = double(matmul.tokens.value) * matmul.subRows * matmul.n.value;
  switch (matmul.epilogue) {
  case Epilogue::Store:
    return 0;
  case Epilogue::Add:
    return cyclesFor(sums, vector.lanes);
  case Epilogue::SiluMul:
    return cyclesFor(sums / 2, vector.lanes) * (vector.cyclesPerFunction + 2);
  }
  return 0;
}

uint64_t cyclesOf(const Machine &machine, const Matmul &matmul, uint64_t weightBytes) {
  const TensorEngine &tensor = machine.tensor;
  const bool linear = matmul.kind == MatmulKind::Linear;
  const double rows = double(matmul.tokens.value) * matmul.subRows;
  const double n = matmul.n.value, k = matmul.k.value;
  if (rows * n == 0)
    return machine.launchCycles + tensor.timing.issueCycles;
  const double peak = linear ? tensor.macPerCycleI8 : tensor.macPerCycleF16;
  const double oneRow = tensor.gemvMacPerCycle * (peak / tensor.macPerCycleI8);
  const double products = cyclesFor(rows * n * k, std::min(peak, oneRow * rows));
  const double outputs =
      cyclesFor(rows * n, tensor.outputsPerCycle) + epilogueCycles(machine.vector, matmul);
  const double rate =
      matmul.format.element == ElementType::I4 ? tensor.weightsPerCycle4 : tensor.weightsPerCycle8;
  const double decoding = linear && rate > 0 ? cyclesFor(n * k, rate) : 0;
  const double memory =
      linear ? cyclesFor(double(weightBytes), memoryOf(machine, Space::Weights).effectiveReadRate())
             : cyclesFor(n * k * 2, // fp16 rows of the cache
                         memoryOf(machine, Space::State).effectiveReadRate());
  return machine.launchCycles + tensor.timing.issueCycles +
         uint64_t(std::max({products, outputs, decoding, memory}));
}

std::vector<KernelOperand> plainOperands(const VectorChain &chain) {
  size_t count = 0;
  for (const ChainStep &step : chain.steps)
    if (isLoad(step.step) || isStore(step.step))
      count = std::max(count, size_t(step.operand) + 1);
  return std::vector<KernelOperand>(count);
}

uint64_t cyclesOf(const Machine &machine, const VectorChain &chain) {
  const VectorEngine &vector = machine.vector;
  const uint64_t fixed = machine.launchCycles + vector.timing.issueCycles;
  std::string ignored;
  const auto phases = cutChain(chain, plainOperands(chain), ignored);
  if (!phases)
    return fixed;
  uint64_t beats = 0, elements = 0; // Of one row.
  for (size_t i = 0; i < chain.steps.size(); ++i) {
    const ChainStep &step = chain.steps[i];
    const bool wide =
        phases->steps[i].vector || traitsOf(step.step).reduces || step.step == Step::StoreMatrix;
    const uint64_t width = wide ? chain.columns.value : 1;
    beats += (width + vector.lanes - 1) / vector.lanes *
             (traitsOf(step.step).function ? vector.cyclesPerFunction : 1);
    elements += isLoad(step.step) || isStore(step.step) ? width : 0;
  }
  const double rows = double(chain.tokens.value) * chain.subRows;
  // Activations of a chunk stay in the cache; fp32 is the widest they are.
  const double memory =
      cyclesFor(rows * double(elements) * 4, memoryOf(machine, Space::Sram).effectiveReadRate());
  return fixed + uint64_t(std::max(rows * double(beats), memory));
}

/// Rows read once and written once.
static uint64_t rowCycles(const Machine &machine, Extent tokens, uint32_t columns) {
  VectorChain copy;
  copy.tokens = tokens;
  copy.columns = {columns};
  copy.steps = {{Step::LoadMatrix}, {Step::StoreMatrix}};
  return cyclesOf(machine, copy);
}

static uint64_t cyclesOf(const Machine &machine, const Attention &attention) {
  Matmul scores;
  scores.kind = MatmulKind::Scores;
  scores.tokens = attention.tokens;
  scores.subRows = attention.heads / std::max(attention.kvHeads, 1u);
  scores.n = {attention.capacity};
  scores.k = {attention.headDim};
  Matmul values = scores;
  values.kind = MatmulKind::Values;
  std::swap(values.n, values.k);
  return attention.kvHeads * (cyclesOf(machine, scores, 0) + cyclesOf(machine, values, 0));
}

uint64_t cyclesOf(const Machine &machine, const KernelWork &work, uint64_t weightBytes) {
  if (const auto *matmul = std::get_if<Matmul>(&work))
    return cyclesOf(machine, *matmul, weightBytes);
  if (const auto *chain = std::get_if<VectorChain>(&work))
    return cyclesOf(machine, *chain);
  if (const auto *pack = std::get_if<PackRows>(&work))
    return rowCycles(machine, pack->tokens, pack->columns);
  if (const auto *embed = std::get_if<EmbedRows>(&work))
    return rowCycles(machine, embed->tokens, embed->columns);
  return cyclesOf(machine, std::get<Attention>(work));
}

uint64_t copyCycles(const Machine &machine, Space space, uint64_t bytes, uint64_t runs,
                    bool isLoad) {
  if (bytes == 0)
    return 0;
  const Memory &memory = memoryOf(machine, space);
  const double moved = std::max(double(bytes), double(runs) * memory.burstBytes);
  const double rate = isLoad ? memory.effectiveReadRate() : memory.effectiveWriteRate();
  return (isLoad ? memory.readLatency : memory.writeLatency) + uint64_t(cyclesFor(moved, rate));
}

} // namespace llmc::target
