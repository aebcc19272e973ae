#include "targets/Reference/ReferenceParts.h"

#include "runtime/base/numerics.h"

#include <cstring>

namespace llmc::target {

uint8_t *KernelCall::row(unsigned operand, uint64_t token, uint64_t sub) const {
  const KernelOperand &shape = operands[operand];
  const uint64_t moved =
      shape.argument < 0 ? 0 : uint64_t(arguments[size_t(shape.argument)]) * shape.argumentStride;
  return memory[operand] + moved + token * shape.tokenStride + sub * shape.subStride;
}

void runReference(const KernelCall &call) {
  if (const auto *chain = std::get_if<VectorChain>(&call.work))
    return runChain(call, *chain);
  if (const auto *embed = std::get_if<EmbedRows>(&call.work))
    return runEmbedRows(call, *embed);
  if (const auto *attention = std::get_if<Attention>(&call.work))
    return runAttention(call, *attention);
  if (const auto *matmul = std::get_if<Matmul>(&call.work))
    return matmul->kind == MatmulKind::Linear ? runLinear(call, *matmul)
                                              : runProducts(call, *matmul);
}

float elementOf(ElementType type, const uint8_t *row, size_t index) {
  switch (type) {
  case ElementType::F32: {
    float value;
    std::memcpy(&value, row + 4 * index, 4);
    return value;
  }
  case ElementType::F16: {
    uint16_t half;
    std::memcpy(&half, row + 2 * index, 2);
    return llmc_f16_bits_to_f32(half);
  }
  case ElementType::I32: {
    int32_t value;
    std::memcpy(&value, row + 4 * index, 4);
    return float(value);
  }
  case ElementType::I8:
    return float(int8_t(row[index]));
  case ElementType::U8:
    return float(row[index]);
  case ElementType::I4:
  case ElementType::U4: {
    const int nibble = row[index / 2] >> (index % 2 * 4) & 15;
    return float(type == ElementType::I4 && nibble >= 8 ? nibble - 16 : nibble);
  }
  }
  return 0;
}

void storeElement(ElementType type, float value, uint8_t *row, size_t index) {
  if (type == ElementType::F32) {
    std::memcpy(row + 4 * index, &value, 4);
  } else if (type == ElementType::F16) {
    const uint16_t half = llmc_f32_to_f16(value);
    std::memcpy(row + 2 * index, &half, 2);
  } else {
    row[index] = uint8_t(llmc_quantize_i8(value, 1.0f));
  }
}

} // namespace llmc::target
