// Vector chains: whole rows, step by step.
#include "targets/Reference/ReferenceParts.h"

#include "runtime/base/numerics.h"
#include "targets/Interface/Chain.h"

#include <algorithm>
#include <vector>

namespace llmc::target {

namespace {

using Row = std::vector<float>;

float combine(const ChainStep &step, float x, float y) {
  switch (step.step) {
  case Step::Add:
    return x + y;
  case Step::Sub:
    return x - y;
  case Step::Mul:
    return x * y;
  case Step::Max:
    return x > y ? x : y;
  case Step::Min:
    return x < y ? x : y;
  case Step::Recip:
    return llmc_recip(x);
  case Step::Rsqrt:
    return llmc_rsqrt(x);
  case Step::Exp:
    return llmc_exp(x);
  case Step::Sigmoid:
    return llmc_sigmoid(x);
  case Step::RoundF16:
    return llmc_round_f16(x);
  case Step::InverseScale:
    return llmc_activation_inverse_scale(x);
  case Step::ActivationScale:
    return llmc_activation_scale(x);
  default:
    return y >= step.imm ? x : 0.0f;
  }
}

/// One row of the chain. A value is a row of `columns` numbers, or of one: a scalar.
class RowRun {
public:
  RowRun(const KernelCall &call, const VectorChain &chain, const std::vector<ValueKind> &kinds,
         uint32_t token, uint32_t sub)
      : call(call), chain(chain), kinds(kinds), columns(call.valueOf(chain.columns)), token(token),
        sub(sub) {}

  void run() {
    for (const ChainStep &step : chain.steps)
      values.push_back(resultOf(step));
  }

private:
  Row resultOf(const ChainStep &step) {
    switch (step.step) {
    case Step::Constant:
      return {step.imm};
    case Step::SumLanes:
      return {llmc_sum16(values[step.a].data(), columns)};
    case Step::AbsMax:
      return {llmc_absmax(values[step.a].data(), columns)};
    case Step::MaxVisible:
      return {llmc_max(values[step.a].data(), std::min(columns, visible()))};
    case Step::MaskVisible: {
      Row row = values[step.a];
      for (size_t i = visible(); i < row.size(); ++i)
        row[i] = 0.0f;
      return row;
    }
    default:
      break;
    }
    if (isLoad(step.step))
      return load(step);
    if (isStore(step.step))
      return store(step);
    return computed(step);
  }

  uint8_t *at(const ChainStep &step) const {
    const bool everyRow = step.step == Step::LoadRow;
    return call.row(step.operand, everyRow ? 0 : token, everyRow ? 0 : sub);
  }

  Row load(const ChainStep &step) const {
    const ElementType type = call.operands[step.operand].type;
    Row row(step.step == Step::LoadScalar ? 1 : columns);
    for (size_t i = 0; i < row.size(); ++i)
      row[i] = elementOf(type, at(step), step.step == Step::LoadGroup ? i / size_t(step.imm) : i);
    return row;
  }

  Row store(const ChainStep &step) const {
    for (size_t i = 0; i < values[step.a].size(); ++i)
      storeElement(call.operands[step.operand].type, values[step.a][i], at(step), i);
    return {};
  }

  Row computed(const ChainStep &step) const {
    const unsigned a = step.a, b = inputCount(step.step) == 2 ? step.b : step.a;
    const auto isVector = [&](unsigned value) { return kinds[value] == ValueKind::Vector; };
    Row row(isVector(a) || isVector(b) ? columns : 1);
    for (size_t i = 0; i < row.size(); ++i)
      row[i] = combine(step, values[a][isVector(a) ? i : 0], values[b][isVector(b) ? i : 0]);
    return row;
  }

  uint32_t visible() const {
    return call.arguments[size_t(chain.positionArgument)] + chain.firstToken + token + 1;
  }

  const KernelCall &call;
  const VectorChain &chain;
  const std::vector<ValueKind> &kinds;
  const uint32_t columns, token, sub;
  std::vector<Row> values;
};

} // namespace

void runChain(const KernelCall &call, const VectorChain &chain) {
  std::string error; // a chain that is not well formed has no kinds, and nothing to run
  const std::vector<ValueKind> kinds = chainKinds(chain, error);
  for (uint32_t token = 0; !kinds.empty() && token < call.valueOf(chain.tokens); ++token)
    for (uint32_t sub = 0; sub < chain.subRows; ++sub)
      RowRun(call, chain, kinds, token, sub).run();
}

} // namespace llmc::target
