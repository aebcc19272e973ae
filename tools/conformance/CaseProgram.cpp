// Cases as programs and as kernels.
#include "tools/conformance/CasePlan.h"

#include "targets/Interface/Chain.h"

#include <algorithm>

namespace llmc::conformance {

using namespace target;

namespace {

constexpr uint64_t alignment = 64;

uint64_t aligned(uint64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

uint64_t operandBytes(const PackedCase &data, size_t index) {
  return data.data->bytesOf(index, data.weights.size());
}

/// On-chip addresses of the operands, one behind the other.
std::vector<uint64_t> onChip(const PackedCase &data, uint64_t &end) {
  std::vector<uint64_t> addresses;
  end = 0;
  for (size_t i = 0; i < data.data->operands.size(); ++i) {
    addresses.push_back(end);
    end += aligned(operandBytes(data, i));
  }
  return addresses;
}

class ProgramMaker {
public:
  ProgramMaker(const PackedCase &packed, const PlacedCase &placed)
      : packed(packed), data(*packed.data), placed(placed) {
    sram = onChip(packed, program.sramBytes);
  }

  Program run() {
    const auto most = data.most.arguments();
    program.entry = "case";
    program.arguments = uint32_t(most.size());
    program.argumentMax.assign(most.begin(), most.end());
    for (size_t i = 0; i < data.operands.size(); ++i)
      if (operandBytes(packed, i) > 0)
        copy(Engine::Load, i, {});
    const auto loads = int64_t(commands().size());
    const Engine engine =
        std::holds_alternative<Matmul>(data.work) ? Engine::Tensor : Engine::Vector;
    add(engine, {{Engine::Load, loads, 0}}, kernel());
    for (size_t i = 0; i < data.operands.size(); ++i)
      if (data.writes(i))
        copy(Engine::Store, i, {{engine, 1, 0}});
    return std::move(program);
  }

private:
  std::vector<Command> &commands() { return program.prologue.commands; }

  void add(Engine engine, std::vector<Wait> waits,
           std::variant<Dma, MatmulCommand, ChainCommand> work) {
    const auto id = uint32_t(commands().size());
    commands().push_back({engine, std::move(waits), std::move(work), id, "case"});
  }

  void copy(Engine engine, size_t index, std::vector<Wait> waits) {
    const bool isWeights = int(index) == data.weightsOperand();
    const Address memory = {isWeights ? Space::Weights : Space::Io, placed.offsets[index], -1, 0,
                            0};
    const Address chip = {Space::Sram, sram[index], -1, 0, 0};
    Dma dma;
    dma.source = engine == Engine::Load ? memory : chip;
    dma.destination = engine == Engine::Load ? chip : memory;
    dma.run = {uint32_t(operandBytes(packed, index))};
    add(engine, std::move(waits), dma);
  }

  Operand operand(size_t index) const {
    const KernelOperand &from = data.operands[index];
    Operand result;
    if (operandBytes(packed, index) == 0)
      return result; // not used
    result.address = {Space::Sram, sram[index], from.argument, from.argumentStride, 0};
    result.type = from.type;
    result.tokenStride = from.tokenStride;
    result.subStride = from.subStride;
    const uint64_t moved =
        from.argument < 0 ? 0 : data.most.arguments()[size_t(from.argument)] * from.argumentStride;
    result.bytes = operandBytes(packed, index) - moved;
    return result;
  }

  std::variant<Dma, MatmulCommand, ChainCommand> kernel() const {
    if (const auto *matmul = std::get_if<Matmul>(&data.work)) {
      MatmulCommand command{*matmul, {}};
      for (size_t i = 0; i < std::size(command.operands); ++i)
        command.operands[i] = operand(i);
      return command;
    }
    ChainCommand command{std::get<VectorChain>(data.work), {}};
    for (size_t i = 0; i < data.operands.size(); ++i)
      command.operands.push_back(operand(i));
    return command;
  }

  const PackedCase &packed;
  const Case &data;
  const PlacedCase &placed;
  std::vector<uint64_t> sram;
  Program program;
};

} // namespace

uint64_t onChipBytes(const Machine &machine, const PackedCase &data) {
  uint64_t end = 0;
  if (machine.dispatch == DispatchKind::Stream)
    onChip(data, end);
  return end;
}

Program programOf(const PackedCase &data, const PlacedCase &placed) {
  return ProgramMaker(data, placed).run();
}

std::vector<KernelRequest> requestsOf(const PackedCase &data, const std::string &name) {
  KernelRequest kernel{name, data.data->work, data.data->operands};
  if (const int weights = data.data->weightsOperand(); weights >= 0)
    kernel.operands[size_t(weights)].bytes = data.weights.size();
  if (data.rowsBytes == 0)
    return {kernel};
  const KernelOperand packed{.type = ElementType::U8, .bytes = data.rowsBytes};
  const KernelOperand rows = kernel.operands[matmul::A];
  kernel.operands[matmul::A] = packed;
  return {{name + "_pack", *data.data->packing(), {rows, packed}}, kernel};
}

} // namespace llmc::conformance
