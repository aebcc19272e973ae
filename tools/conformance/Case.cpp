#include "tools/conformance/Case.h"

#include "targets/Interface/Chain.h"
#include "targets/Reference/ReferenceKernel.h"

#include <fmt/format.h>

namespace llmc::conformance {

using namespace target;

bool Case::writes(size_t operand) const {
  if (const auto *chain = std::get_if<VectorChain>(&work)) {
    for (const ChainStep &step : chain->steps)
      if (isStore(step.step) && step.operand == operand)
        return true;
    return false;
  }
  if (std::holds_alternative<EmbedRows>(work))
    return operand == embed::Out;
  return operand ==
         (std::holds_alternative<Attention>(work) ? size_t(attention::Out) : size_t(matmul::Out));
}

int Case::weightsOperand() const {
  if (!weights)
    return -1;
  return std::holds_alternative<EmbedRows>(work) ? int(embed::Table) : int(matmul::B);
}

std::optional<PackRows> Case::packing() const {
  const auto *matmul = std::get_if<Matmul>(&work);
  if (!matmul || matmul->kind != MatmulKind::Linear ||
      uint64_t(matmul->tokens.value) * matmul->subRows <= 1)
    return std::nullopt;
  const WeightFormat &format = matmul->format;
  const bool grouped = format.scale == ScaleKind::F16Group || format.scale == ScaleKind::F32Group;
  return PackRows{matmul->tokens, matmul->subRows, matmul->k.value, grouped ? format.group : 0};
}

uint64_t Case::bytesOf(size_t index, uint64_t packedBytes) const {
  return int(index) == weightsOperand() ? packedBytes : memory[index].size();
}

std::vector<std::vector<uint8_t>> Case::expected(const CaseCall &call) const {
  std::vector<std::vector<uint8_t>> result = memory;
  std::vector<uint8_t *> pointers;
  for (std::vector<uint8_t> &bytes : result)
    pointers.push_back(bytes.data());
  const WeightRows rows = weights ? weights->view() : WeightRows();
  const auto arguments = call.arguments();
  runReference({work, operands, pointers, weights ? &rows : nullptr, arguments});
  return result;
}

std::string nameOf(const WeightFormat &format) {
  const std::string element = format.element == ElementType::I8 ? "w8" : "w4";
  switch (format.scale) {
  case ScaleKind::F32Row:
    return element;
  case ScaleKind::MultiplierF32Row:
    return fmt::format("{}-m{}", element, format.group);
  case ScaleKind::F16Group:
    return fmt::format("{}-g{}", element, format.group);
  case ScaleKind::F32Group:
    return fmt::format("{}-g{}-fp32", element, format.group);
  }
  return element;
}

} // namespace llmc::conformance
