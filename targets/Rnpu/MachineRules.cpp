// The machine-dependent rules.
#include "targets/Rnpu/MachineRules.h"

#include "targets/Rnpu/Timing.h"
#include "targets/Rnpu/ValidateInternal.h"

#include <fmt/format.h>

namespace llmc::rnpu {

using namespace target;

namespace {

using Broken = std::optional<std::string>;

bool aligned(const Address &address, uint32_t alignment) {
  return address.offset % alignment == 0 && address.argumentStride % alignment == 0 &&
         address.tripStride % alignment == 0;
}

/// One end of a copy.
Broken checkEnd(const Machine &machine, const Dma &dma, const Address &address,
                const uint64_t (&strides)[2], std::string_view what) {
  uint32_t alignment = memoryOf(machine, address.space).alignment;
  if (!aligned(address, alignment))
    return fmt::format("{}: address is not a multiple of {}, which {} asks for", what, alignment,
                       nameOf(address.space));
  for (int i = 0; i < 2; ++i)
    if (dma.counts[i].value > 1 && strides[i] % alignment != 0)
      return fmt::format("{}: stride {} is not a multiple of {}, which {} asks for", what,
                         strides[i], alignment, nameOf(address.space));
  return std::nullopt;
}

Broken checkCommand(const Machine &machine, const Command &command) {
  if (const ChainCommand *chain = std::get_if<ChainCommand>(&command.work))
    return unsupported(machine, chain->chain);
  if (const MatmulCommand *matmul = std::get_if<MatmulCommand>(&command.work))
    return unsupported(matmul->matmul);
  const Dma &dma = std::get<Dma>(command.work);
  if (Broken e = checkEnd(machine, dma, dma.source, dma.sourceStrides, "source"))
    return e;
  return checkEnd(machine, dma, dma.destination, dma.destinationStrides, "destination");
}

} // namespace

Broken unsupported(const Matmul &matmul) {
  if (matmul.epilogue != Epilogue::Store)
    return "matmul: outputs are stored as they are, without an epilogue";
  if (matmul.kind != MatmulKind::Linear)
    return std::nullopt;
  if (Broken e = checkFormat(matmul.format))
    return e;
  if (matmul.n.argument >= 0 || matmul.k.argument >= 0)
    return "linear: n and k must be numbers";
  if (matmul.k.value > maxLinearDepth)
    return fmt::format("linear: k {} exceeds {}, beyond which an int32 sum may overflow",
                       matmul.k.value, maxLinearDepth);
  return std::nullopt;
}

Broken unsupported(const Machine &machine, const VectorChain &chain) {
  std::string error;
  if (chainKinds(chain, error).empty())
    return error;
  if (chain.steps.size() > machine.vector.maxSteps)
    return fmt::format("chain of {} steps, {} runs at most {} in one command", chain.steps.size(),
                       machine.name, machine.vector.maxSteps);
  return std::nullopt;
}

Broken checkMachine(const Machine &machine, const Program &program) {
  if (program.sramBytes > machine.sram().bytes)
    return fmt::format("needs {} bytes of SRAM, there are {}", program.sramBytes,
                       machine.sram().bytes);
  const Section *sections[] = {&program.prologue, &program.body, &program.epilogue};
  for (int part = 0; part < 3; ++part)
    for (size_t i = 0; i < sections[part]->commands.size(); ++i) {
      const Command &command = sections[part]->commands[i];
      if (Broken e = checkCommand(machine, command))
        return fmt::format("{} command {} ({}, id {}): {}", partNames[part], i,
                           nameOf(command.engine), command.id, *e);
    }
  return std::nullopt;
}

} // namespace llmc::rnpu
