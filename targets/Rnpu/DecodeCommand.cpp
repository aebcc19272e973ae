// One command word by word. Rules about values are Validate.h's; here is what has no place in a
// Command.
#include "targets/Rnpu/DecodeCommand.h"

#include "targets/Rnpu/EncodingFormat.h"
#include "targets/Rnpu/Names.h"

#include <bit>

namespace llmc::rnpu {

using namespace target;

namespace {

class CommandReader {
public:
  CommandReader(WordReader &in) : in(in) {}

  Command command(Engine engine) {
    Command command;
    size_t start = in.position();
    uint32_t header = in.word();
    in.expectZero(header >> 30, "command header");
    uint32_t length = header >> 16 & 0xfff, waits = header >> 28 & 3, flags = header >> 12 & 15;
    if ((header >> 8 & 15) != uint32_t(engine))
      in.fail(
          fmt::format("command of engine {} in the list of {}", header >> 8 & 15, nameOf(engine)));
    command.engine = engine;
    command.id = in.word();
    for (uint32_t i = 0; i < waits && in.ok(); ++i)
      command.waits.push_back(wait());
    payload(command, header & 0xff, flags);
    if (in.ok() && in.position() - start != size_t(length) * 4)
      in.fail(fmt::format("command of {} words states a length of {}", (in.position() - start) / 4,
                          length));
    return command;
  }

private:
  WordReader &in;

  void payload(Command &command, uint32_t opcode, uint32_t flags) {
    if (!in.ok())
      return;
    if (opcode != format::OpDma)
      in.expectZero(flags, "command's flags");
    switch (opcode) {
    case format::OpDma:
      command.work = dma(flags);
      return;
    case format::OpMatmul:
      command.work = matmul();
      return;
    case format::OpChain:
      command.work = chain();
      return;
    default:
      in.fail(fmt::format("unknown opcode {}", opcode));
    }
  }

  Wait wait() {
    uint32_t word = in.word();
    Wait wait;
    wait.engine = Engine(word & 3);
    wait.value = int32_t(word) >> 2;
    wait.perTrip = int32_t(in.word());
    return wait;
  }

  /// Three argument indices.
  void arguments(int16_t (&out)[3]) {
    uint32_t word = in.word();
    in.expectZero(word >> 24, "arguments word");
    for (int i = 0; i < 3; ++i)
      out[i] = int16_t(int(word >> (8 * i) & 0xff) - 1);
  }

  Address address(ElementType *type) {
    uint32_t word = in.word();
    Address a;
    if ((word & 7) >= kSpaces)
      in.fail(fmt::format("unknown space {}", word & 7));
    a.space = Space(word & 7);
    uint32_t element = word >> 5 & 7;
    if (element > uint32_t(ElementType::U4) || (!type && element != 0))
      in.fail(fmt::format("unknown element type {}", element));
    if (type)
      *type = ElementType(element);
    a.offset = uint64_t(word >> 16) << 32 | in.word();
    if (word & format::addressArgument) {
      a.argument = int16_t(word >> 8 & 0xff);
      a.argumentStride = in.word();
    } else {
      in.expectZero(word >> 8 & 0xff, "address word");
    }
    if (word & format::addressTrip) {
      a.tripStride = in.word64();
      if (a.tripStride == 0)
        in.fail("a trip stride of 0 is not written");
    }
    return a;
  }

  Operand operand() {
    Operand operand;
    operand.address = address(&operand.type);
    operand.tokenStride = in.word();
    operand.subStride = in.word();
    operand.bytes = in.word();
    return operand;
  }

  Dma dma(uint32_t flags) {
    Dma dma;
    in.expectZero(flags & ~(format::flagGather | format::flagStrided), "DMA's flags");
    dma.gather = flags & format::flagGather;
    bool strided = flags & format::flagStrided;
    int16_t argument[3];
    arguments(argument);
    dma.run = {in.word(), argument[0]};
    dma.runUnit = in.word();
    dma.source = address(nullptr);
    dma.destination = address(nullptr);
    uint64_t strides = 0;
    for (int i = 0; i < 2; ++i) {
      dma.counts[i] = {strided ? in.word() : 1, argument[i + 1]};
      if (!strided)
        continue;
      dma.sourceStrides[i] = in.word64();
      dma.destinationStrides[i] = in.word64();
      strides |= dma.sourceStrides[i] | dma.destinationStrides[i];
    }
    bool plain = dma.counts[0] == Extent{1, -1} && dma.counts[1] == Extent{1, -1} && strides == 0;
    if (strided != (dma.gather || !plain))
      in.fail("a plain copy is written without counts, any other with them");
    if (dma.gather) {
      dma.ids = address(nullptr);
      dma.gatherBound = in.word();
    }
    return dma;
  }

  MatmulCommand matmul() {
    MatmulCommand command;
    Matmul &m = command.matmul;
    uint32_t word = in.word();
    in.expectZero((word & 0xf000) | (word & 8), "matmul word");
    if ((word & 3) > uint32_t(MatmulKind::Values))
      in.fail(fmt::format("unknown matmul kind {}", word & 3));
    if ((word >> 4 & 15) > uint32_t(ElementType::U4) ||
        (word >> 8 & 15) > uint32_t(ScaleKind::F32Group))
      in.fail("unknown weight format");
    m.kind = MatmulKind(word & 3);
    m.accumulate = word & format::matmulAccumulate;
    m.format = {ElementType(word >> 4 & 15), ScaleKind(word >> 8 & 15), word >> 16};
    int16_t argument[3];
    arguments(argument);
    m.tokens = {in.word(), argument[0]};
    m.subRows = in.word();
    m.n = {in.word(), argument[1]};
    m.k = {in.word(), argument[2]};
    m.scale = std::bit_cast<float>(in.word());
    for (unsigned i = 0; i < 4; ++i)
      if (i != matmul::AScale || m.kind == MatmulKind::Linear)
        command.operands[i] = operand();
    return command;
  }

  ChainCommand chain() {
    ChainCommand command;
    VectorChain &chain = command.chain;
    int16_t argument[3];
    arguments(argument);
    chain.tokens = {in.word(), argument[0]};
    chain.subRows = in.word();
    chain.columns = {in.word(), argument[1]};
    chain.firstToken = in.word();
    chain.positionArgument = argument[2];
    uint32_t counts = in.word();
    in.expectZero(counts >> 16, "chain word");
    for (uint32_t i = 0; i < (counts >> 8 & 0xff) && in.ok(); ++i)
      command.operands.push_back(operand());
    for (uint32_t i = 0; i < (counts & 0xff) && in.ok(); ++i)
      chain.steps.push_back(step());
    return command;
  }

  ChainStep step() {
    uint32_t word = in.word();
    ChainStep step;
    if ((word & 0xff) >= stepCount) {
      in.fail(fmt::format("unknown step {}", word & 0xff));
      return step;
    }
    step.step = Step(word & 0xff);
    step.a = uint8_t(word >> 8);
    step.b = uint8_t(word >> 16);
    step.operand = uint8_t(word >> 24);
    if (traitsOf(step.step).imm)
      step.imm = std::bit_cast<float>(in.word());
    return step;
  }
};

} // namespace

Command decodeCommand(WordReader &in, Engine engine) { return CommandReader(in).command(engine); }

} // namespace llmc::rnpu
