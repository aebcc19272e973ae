#include "test/unit/targets/LlvmChainOracle.h"

#include "runtime/base/numerics.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace llmc::test {

using namespace target;

namespace {

using Row = std::vector<float>;

template <class T> T read(const uint8_t *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

float element(ElementType type, const uint8_t *row, size_t index) {
  const uint32_t nibble = uint32_t(row[index / 2]) >> (index % 2 * 4) & 15;
  switch (type) {
  case ElementType::F32:
    return read<float>(row + 4 * index);
  case ElementType::F16:
    return llmc_f16_bits_to_f32(read<uint16_t>(row + 2 * index));
  case ElementType::I8:
    return float(int8_t(row[index]));
  case ElementType::I4:
    return float(nibble < 8 ? int(nibble) : int(nibble) - 16);
  default:
    return float(nibble);
  }
}

void put(ElementType type, float value, uint8_t *row, size_t index) {
  if (type == ElementType::F32) {
    std::memcpy(row + 4 * index, &value, 4);
  } else if (type == ElementType::F16) {
    const uint16_t half = llmc_f32_to_f16(value);
    std::memcpy(row + 2 * index, &half, 2);
  } else {
    row[index] = uint8_t(llmc_quantize_i8(value, 1.0f));
  }
}

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

/// A value is a row of `columns` numbers, or of one: a scalar.
struct RowRun {
  ChainCase &data;
  uint32_t columns, token, sub;
  std::vector<Row> values;
  std::vector<bool> vector;

  uint8_t *at(const ChainStep &step) {
    const KernelOperand &operand = data.operands[step.operand];
    uint8_t *base = data.memory[step.operand].data();
    return step.step == Step::LoadRow
               ? base
               : base + token * operand.tokenStride + sub * operand.subStride;
  }

  Row load(const ChainStep &step) {
    const ElementType type = data.operands[step.operand].type;
    Row row(step.step == Step::LoadScalar ? 1 : columns);
    for (size_t i = 0; i < row.size(); ++i)
      row[i] = element(type, at(step), step.step == Step::LoadGroup ? i / size_t(step.imm) : i);
    return row;
  }

  Row reduce(const ChainStep &step, const Row &x) {
    if (step.step == Step::SumLanes)
      return {llmc_sum16(x.data(), columns)};
    if (step.step == Step::AbsMax)
      return {llmc_absmax(x.data(), columns)};
    return {llmc_max(x.data(), std::min(columns, visible()))};
  }

  uint32_t visible() const {
    return data.params[size_t(data.chain.positionArgument)] + data.chain.firstToken + token + 1;
  }

  void run(const ChainStep &step) {
    Row result;
    switch (step.step) {
    case Step::LoadMatrix:
    case Step::LoadRow:
    case Step::LoadScalar:
    case Step::LoadGroup:
      result = load(step);
      break;
    case Step::Constant:
      result = {step.imm};
      break;
    case Step::SumLanes:
    case Step::MaxVisible:
    case Step::AbsMax:
      result = reduce(step, values[step.a]);
      break;
    case Step::MaskVisible:
      result = values[step.a];
      for (size_t i = visible(); i < result.size(); ++i)
        result[i] = 0.0f;
      break;
    case Step::StoreMatrix:
    case Step::StoreScalar:
      for (size_t i = 0; i < values[step.a].size(); ++i)
        put(data.operands[step.operand].type, values[step.a][i], at(step), i);
      break;
    default: {
      const bool binary = step.step <= Step::Min || step.step == Step::KeepGe;
      const unsigned a = step.a, b = binary ? step.b : step.a;
      result.resize(vector[a] || vector[b] ? columns : 1);
      for (size_t i = 0; i < result.size(); ++i)
        result[i] = combine(step, values[a][vector[a] ? i : 0], values[b][vector[b] ? i : 0]);
      vector.push_back(vector[a] || vector[b]);
    }
    }
    if (vector.size() == values.size())
      vector.push_back(step.step == Step::LoadMatrix || step.step == Step::LoadRow ||
                       step.step == Step::LoadGroup || step.step == Step::MaskVisible);
    values.push_back(std::move(result));
  }
};

} // namespace

void runChain(ChainCase &data) {
  const uint32_t columns = data.extent(data.chain.columns);
  for (uint32_t token = 0; token < data.extent(data.chain.tokens); ++token)
    for (uint32_t sub = 0; sub < data.chain.subRows; ++sub) {
      RowRun row{data, columns, token, sub, {}, {}};
      for (const ChainStep &step : data.chain.steps)
        row.run(step);
    }
}

bool sameBytes(ElementType type, const std::vector<uint8_t> &x, const std::vector<uint8_t> &y) {
  if (x == y)
    return true;
  if (x.size() != y.size() || (type != ElementType::F32 && type != ElementType::F16))
    return false;
  const size_t size = type == ElementType::F32 ? 4 : 2;
  for (size_t i = 0; i + size <= x.size(); i += size) {
    const bool nans =
        std::isnan(element(type, x.data() + i, 0)) && std::isnan(element(type, y.data() + i, 0));
    if (!nans && std::memcmp(x.data() + i, y.data() + i, size) != 0)
      return false;
  }
  return std::equal(x.end() - ptrdiff_t(x.size() % size), x.end(),
                    y.end() - ptrdiff_t(y.size() % size));
}

} // namespace llmc::test
