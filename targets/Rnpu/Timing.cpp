// The timing and energy laws of docs/format/rnpu.md.
#include "targets/Rnpu/Timing.h"

#include "targets/Rnpu/Names.h"
#include "targets/Rnpu/Validate.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace llmc::rnpu {

using namespace target;

namespace {

Band scaled(const Band &band, double factor) {
  return {band.low * factor, band.nominal * factor, band.high * factor};
}

Band sum(const Band &a, const Band &b) {
  return {a.low + b.low, a.nominal + b.nominal, a.high + b.high};
}

uint64_t cyclesFor(double amount, double perCycle) {
  return amount == 0 ? 0 : uint64_t(std::ceil(amount / perCycle));
}

uint64_t valueOf(const Extent &extent, const uint32_t *arguments, uint32_t unit = 1) {
  if (extent.argument < 0 || !arguments)
    return extent.value;
  return uint64_t(arguments[extent.argument]) * unit;
}

/// Elements that a step works on per row.
uint64_t widthOf(const ChainStep &step, ValueKind kind, ValueKind inputKind, uint64_t columns) {
  switch (step.step) {
  case Step::StoreScalar:
  case Step::LoadScalar:
    return 1;
  case Step::StoreMatrix:
    return columns;
  default:
    return kind == ValueKind::Vector || inputKind == ValueKind::Vector ? columns : 1;
  }
}

/// Calls visit(step, width) for every step.
template <typename Visit> void forEachStep(const ChainShape &shape, Visit visit) {
  std::string error;
  std::vector<ValueKind> kinds = chainKinds(*shape.chain, error);
  assert(!kinds.empty() && "chains are checked before they are timed");
  for (size_t i = 0; i < kinds.size(); ++i) {
    const ChainStep &step = shape.chain->steps[i];
    bool hasInput = traitsOf(step.step).inputs != Inputs::None;
    ValueKind input = hasInput ? kinds[step.a] : ValueKind::None;
    visit(step, widthOf(step, kinds[i], input, shape.columns));
  }
}

} // namespace

const Memory &memoryOf(const Machine &machine, Space space) {
  const Placement &placement = machine.placement;
  const std::string *name = nullptr;
  switch (space) {
  case Space::Sram:
    return machine.sram();
  case Space::Weights:
    name = &placement.weights;
    break;
  case Space::State:
    name = &placement.state;
    break;
  case Space::Scratch:
    name = &placement.scratch;
    break;
  case Space::Ids:
  case Space::Io:
    name = &placement.io;
    break;
  }
  const Memory *memory = machine.memory(*name);
  assert(memory && "a machine's placement names its memories");
  return *memory;
}

DmaShape shapeOf(const Dma &dma, const uint32_t *arguments) {
  DmaShape shape;
  shape.load = dma.destination.space == Space::Sram;
  shape.offChip = shape.load ? dma.source.space : dma.destination.space;
  shape.run = valueOf(dma.run, arguments, dma.runUnit);
  shape.runs = valueOf(dma.counts[0], arguments) * valueOf(dma.counts[1], arguments);
  // Runs that touch on the off-chip side are one.
  const uint64_t (&strides)[2] = shape.load ? dma.sourceStrides : dma.destinationStrides;
  if (!dma.gather && shape.runs > 1 && valueOf(dma.counts[1], arguments) == 1 &&
      strides[0] == shape.run) {
    shape.run *= shape.runs;
    shape.runs = 1;
  }
  return shape;
}

MatmulShape shapeOf(const Matmul &matmul, const uint32_t *arguments) {
  return {matmul.kind,
          matmul.format,
          valueOf(matmul.tokens, arguments) * matmul.subRows,
          valueOf(matmul.n, arguments),
          valueOf(matmul.k, arguments),
          matmul.accumulate};
}

ChainShape shapeOf(const VectorChain &chain, const uint32_t *arguments) {
  return {&chain, valueOf(chain.tokens, arguments) * chain.subRows,
          valueOf(chain.columns, arguments)};
}

DmaShape shapeOf(const Dma &dma) { return shapeOf(dma, nullptr); }
MatmulShape shapeOf(const Matmul &matmul) { return shapeOf(matmul, nullptr); }
ChainShape shapeOf(const VectorChain &chain) { return shapeOf(chain, nullptr); }

uint64_t offChipBytes(const Machine &machine, const DmaShape &shape) {
  if (shape.run == 0)
    return 0;
  return shape.runs * std::max<uint64_t>(shape.run, memoryOf(machine, shape.offChip).burstBytes);
}

DmaCycles cyclesOf(const Machine &machine, const DmaShape &shape) {
  DmaCycles cycles;
  cycles.setup = machine.dmaSetupCycles;
  uint64_t bytes = offChipBytes(machine, shape);
  if (bytes == 0)
    return cycles;
  const Memory &offChip = memoryOf(machine, shape.offChip);
  const Memory &sram = machine.sram();
  double offRate = shape.load ? offChip.effectiveReadRate() : offChip.effectiveWriteRate();
  double sramRate = shape.load ? sram.effectiveWriteRate() : sram.effectiveReadRate();
  cycles.latency = shape.load ? std::max(offChip.readLatency, sram.writeLatency)
                              : std::max(offChip.writeLatency, sram.readLatency);
  cycles.transfer = std::max(cyclesFor(double(bytes), offRate),
                             cyclesFor(double(shape.run) * double(shape.runs), sramRate));
  return cycles;
}

uint64_t cyclesOf(const Machine &machine, const MatmulShape &shape) {
  const TensorEngine &tensor = machine.tensor;
  double outputs = double(shape.rows) * double(shape.n);
  uint64_t output = cyclesFor(outputs, tensor.outputsPerCycle);
  uint64_t decode = 0, mac = 0;
  if (outputs != 0 && shape.k != 0) {
    bool linear = shape.kind == MatmulKind::Linear;
    double peak = linear ? tensor.macPerCycleI8 : tensor.macPerCycleF16;
    double perRow = tensor.gemvMacPerCycle * (peak / tensor.macPerCycleI8);
    double rate = std::min(peak, perRow * double(shape.rows));
    mac = cyclesFor(outputs * double(shape.k), rate);
    double weightRate =
        shape.format.element == ElementType::I4 ? tensor.weightsPerCycle4 : tensor.weightsPerCycle8;
    if (linear && weightRate > 0)
      decode = cyclesFor(double(shape.n) * double(shape.k), weightRate);
  }
  return tensor.timing.issueCycles + std::max({mac, decode, output});
}

uint64_t cyclesOf(const Machine &machine, const ChainShape &shape) {
  const VectorEngine &vector = machine.vector;
  uint64_t perRow = 0;
  forEachStep(shape, [&](const ChainStep &step, uint64_t width) {
    uint64_t beats = (width + vector.lanes - 1) / vector.lanes;
    perRow += beats * (traitsOf(step.step).function ? vector.cyclesPerFunction : 1);
  });
  return vector.timing.issueCycles + perRow * shape.rows;
}

Band Energy::total() const { return sum(offChip, sum(sram, compute)); }

Energy &Energy::operator+=(const Energy &other) {
  offChip = sum(offChip, other.offChip);
  sram = sum(sram, other.sram);
  compute = sum(compute, other.compute);
  return *this;
}

Energy energyOf(const Machine &machine, const DmaShape &shape) {
  Energy energy;
  energy.offChip =
      scaled(memoryOf(machine, shape.offChip).energyPerByte, double(offChipBytes(machine, shape)));
  energy.sram = scaled(machine.sram().energyPerByte, double(shape.run) * double(shape.runs));
  return energy;
}

Energy energyOf(const Machine &machine, const MatmulShape &shape) {
  Energy energy;
  bool linear = shape.kind == MatmulKind::Linear;
  double rows = double(shape.rows), n = double(shape.n), k = double(shape.k);
  const Band &perMac = linear ? machine.tensor.energyPerMacI8 : machine.tensor.energyPerMacF16;
  energy.compute = scaled(perMac, rows * n * k);
  double weights =
      linear ? n * double(rowRecord(shape.format, uint32_t(shape.k)).bytes) : n * k * 2;
  double activations = linear ? rows * (k + 4) : rows * k * 2;
  double outputs = rows * n * (shape.accumulate ? 8 : 4);
  energy.sram = scaled(machine.sram().energyPerByte, weights + activations + outputs);
  return energy;
}

Energy energyOf(const Machine &machine, const ChainShape &shape, const uint32_t *operandBits) {
  double laneOps = 0, bits = 0;
  forEachStep(shape, [&](const ChainStep &step, uint64_t width) {
    const StepTraits &traits = traitsOf(step.step);
    if (traits.operand) {
      double elements = step.step == Step::LoadGroup ? std::ceil(double(width) / double(step.imm))
                                                     : double(width);
      bits += elements * operandBits[step.operand];
    }
    laneOps += double(width) * (traits.function ? machine.vector.cyclesPerFunction : 1);
  });
  Energy energy;
  energy.compute = scaled(machine.vector.energyPerLaneOp, laneOps * double(shape.rows));
  energy.sram = scaled(machine.sram().energyPerByte, bits / 8 * double(shape.rows));
  return energy;
}

Band staticEnergy(const Machine &machine, uint64_t cycles) {
  // 1 mW for one second is 1e9 pJ.
  return scaled(machine.staticPower, double(cycles) / machine.clockHz * 1e9);
}

} // namespace llmc::rnpu
