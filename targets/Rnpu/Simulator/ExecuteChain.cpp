// The vector engine, and the choice of engine.
#include "targets/Rnpu/Simulator/Execute.h"

#include "runtime/base/numerics.h"
#include "targets/Rnpu/Names.h"

#include <algorithm>
#include <cstring>

namespace llmc::rnpu {

using namespace target;

void Executor::load(const ChainStep &step, ElementType type, const uint8_t *from, uint64_t columns,
                    unsigned index) {
  float *row = storage.data() + index * columns;
  if (step.step == Step::LoadScalar) {
    std::memcpy(&scalars[index], from, 4);
    values[index] = {&scalars[index], 0};
    return;
  }
  if (step.step == Step::LoadGroup)
    loadGroups(type, from, groupOf(step), columns, row);
  else
    loadRow(type, from, columns, row);
  values[index] = {row, 1};
}

void Executor::store(const ChainStep &step, ElementType type, uint64_t columns, uint8_t *to) {
  const Value value = values[step.a];
  if (step.step == Step::StoreScalar) {
    std::memcpy(to, value.data, 4);
    nonFinite += !llmc_is_finite(*value.data);
    return;
  }
  saturated += storeRow(type, value.data, columns, to);
  nonFinite += countNonFinite(value.data, columns);
}

void Executor::compute(const ChainStep &step, const Resolved &r, uint64_t visible, unsigned index) {
  float *row = storage.data() + index * r.columns, *scalar = &scalars[index];
  const Value a = values[step.a];
  const auto result = [&](bool isRow) { values[index] = {isRow ? row : scalar, isRow ? 1u : 0u}; };
  switch (step.step) {
  case Step::Constant:
    *scalar = step.imm;
    return result(false);
  case Step::SumLanes:
  case Step::MaxVisible:
  case Step::AbsMax:
    *scalar = reduce(step.step, a.data, r.columns, visible);
    return result(false);
  case Step::InverseScale:
    *scalar = llmc_activation_inverse_scale(*a.data);
    return result(false);
  case Step::ActivationScale:
    *scalar = llmc_activation_scale(*a.data);
    return result(false);
  case Step::MaskVisible: {
    const uint64_t kept = std::min(visible, r.columns);
    std::copy(a.data, a.data + kept, row);
    std::fill(row + kept, row + r.columns, 0.0f);
    return result(true);
  }
  case Step::Recip:
  case Step::Rsqrt:
  case Step::Exp:
  case Step::Sigmoid:
  case Step::RoundF16:
    unary(step.step, a.data, a.stride ? r.columns : 1, a.stride ? row : scalar);
    return result(a.stride != 0);
  default:
    break;
  }
  const Value b = values[step.b];
  const bool isRow = a.stride != 0 || b.stride != 0;
  const uint64_t count = isRow ? r.columns : 1;
  if (step.step == Step::KeepGe)
    keepGe(a, b, step.imm, count, isRow ? row : scalar);
  else
    binary(step.step, a, b, count, isRow ? row : scalar);
  result(isRow);
}

void Executor::chainStep(const ChainCommand &command, const Resolved &r, uint8_t *sram,
                         unsigned index, uint64_t token, uint64_t sub) {
  const ChainStep &step = command.chain.steps[index];
  if (!traitsOf(step.step).operand)
    return compute(step, r, r.position + token + 1, index);
  const Operand &operand = command.operands[step.operand];
  uint8_t *at = sram + r.addresses[step.operand];
  if (step.step != Step::LoadRow)
    at += token * operand.tokenStride + sub * operand.subStride;
  if (isStore(step.step))
    store(step, operand.type, r.columns, at);
  else
    load(step, operand.type, at, r.columns, index);
}

void Executor::chain(const ChainCommand &command, const Resolved &r, uint8_t *sram) {
  const size_t count = command.chain.steps.size();
  storage.resize(std::max<uint64_t>(1, count * r.columns));
  scalars.resize(count);
  values.assign(count, Value());
  for (uint64_t token = 0; token < r.tokens; ++token)
    for (uint64_t sub = 0; sub < r.subRows; ++sub)
      for (unsigned index = 0; index < count; ++index)
        chainStep(command, r, sram, index, token, sub);
}

void Executor::copy(const Dma &dma, const Resolved &r, const Memories &memories) {
  const uint8_t *ids = dma.gather ? memories[unsigned(Space::Ids)].data : nullptr;
  const uint64_t idsStart = dma.gather && !r.reads.empty() ? r.reads[0].start : 0;
  const uint8_t *from = memories[unsigned(dma.source.space)].data + r.addresses[0];
  uint8_t *to = memories[unsigned(dma.destination.space)].data + r.addresses[1];
  for (uint64_t j = 0; j < r.counts[1] && r.run > 0; ++j)
    for (uint64_t i = 0; i < r.counts[0]; ++i) {
      uint64_t row = i;
      if (ids) {
        int32_t id;
        std::memcpy(&id, ids + idsStart + 4 * i, 4);
        row = uint64_t(id);
      }
      std::memcpy(to + j * dma.destinationStrides[1] + i * dma.destinationStrides[0],
                  from + j * dma.sourceStrides[1] + row * dma.sourceStrides[0], r.run);
    }
}

bool Executor::run(const Instance &instance, const Resolved &resolved, const Memories &memories,
                   Reporter &reporter) {
  const auto &work = instance.command->work;
  uint8_t *sram = memories[unsigned(Space::Sram)].data;
  if (const auto *dma = std::get_if<Dma>(&work)) {
    copy(*dma, resolved, memories);
  } else if (const auto *matmul = std::get_if<MatmulCommand>(&work)) {
    if (matmul->matmul.kind == MatmulKind::Linear)
      return linear(*matmul, resolved, sram, reporter);
    products(*matmul, resolved, sram);
  } else {
    chain(std::get<ChainCommand>(work), resolved, sram);
  }
  return true;
}

} // namespace llmc::rnpu
