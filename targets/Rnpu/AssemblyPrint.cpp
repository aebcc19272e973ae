// Program to text.
#include "targets/Rnpu/Assembly.h"
#include "targets/Rnpu/Names.h"
#include "targets/Rnpu/ValidateInternal.h"

#include <fmt/format.h>

namespace llmc::rnpu {

using namespace target;

namespace {

std::string text(const Address &a) {
  std::string out = fmt::format("{}+{:#x}", nameOf(a.space), a.offset);
  if (a.argument >= 0)
    out += fmt::format("+arg{}*{}", a.argument, a.argumentStride);
  if (a.tripStride)
    out += fmt::format("+trip*{}", a.tripStride);
  return out;
}

std::string text(const Operand &o) {
  return fmt::format("{}:{}({},{},{})", text(o.address), nameOf(o.type), o.tokenStride, o.subStride,
                     o.bytes);
}

std::string text(const Extent &e, uint32_t unit = 1) {
  if (e.argument < 0)
    return std::to_string(e.value);
  return unit == 1 ? fmt::format("arg{}<={}", e.argument, e.value)
                   : fmt::format("arg{}*{}<={}", e.argument, unit, e.value);
}

std::string text(const std::vector<Wait> &waits) {
  std::string out;
  for (const Wait &wait : waits) {
    out += fmt::format("{}{}>={}", out.empty() ? " wait=" : ",", nameOf(wait.engine), wait.value);
    if (wait.perTrip)
      out += fmt::format("{:+}*trip", wait.perTrip);
  }
  return out;
}

std::string text(const Dma &dma) {
  std::string out = fmt::format(" src={} dst={} run={}", text(dma.source), text(dma.destination),
                                text(dma.run, dma.runUnit));
  Dma plain = dma;
  plain.counts[0] = plain.counts[1] = {1, -1};
  for (int i = 0; i < 2; ++i)
    plain.sourceStrides[i] = plain.destinationStrides[i] = 0;
  if (dma.gather || plain != dma)
    out += fmt::format(" counts={},{} srcStrides={},{} dstStrides={},{}", text(dma.counts[0]),
                       text(dma.counts[1]), dma.sourceStrides[0], dma.sourceStrides[1],
                       dma.destinationStrides[0], dma.destinationStrides[1]);
  if (dma.gather)
    out += fmt::format(" ids={} bound={}", text(dma.ids), dma.gatherBound);
  return out;
}

std::string text(const MatmulCommand &command) {
  const Matmul &m = command.matmul;
  std::string out = fmt::format(" {} tokens={} sub={} n={} k={}", nameOf(m.kind), text(m.tokens),
                                m.subRows, text(m.n), text(m.k));
  if (m.kind == MatmulKind::Linear) {
    out += fmt::format(" format={}/{}", nameOf(m.format.element), nameOf(m.format.scale));
    if (m.format.group)
      out += fmt::format("/{}", m.format.group);
  }
  if (m.kind == MatmulKind::Scores)
    out += fmt::format(" scale={}", m.scale);
  out += fmt::format(" a={}", text(command.operands[matmul::A]));
  if (m.kind == MatmulKind::Linear)
    out += fmt::format(" aScale={}", text(command.operands[matmul::AScale]));
  out += fmt::format(" b={} out={}", text(command.operands[matmul::B]),
                     text(command.operands[matmul::Out]));
  if (m.accumulate)
    out += " accumulate";
  return out;
}

std::string text(const ChainStep &step, size_t index) {
  const StepTraits &traits = traitsOf(step.step);
  std::string arguments;
  auto add = [&](const std::string &argument) {
    arguments += (arguments.empty() ? "" : ",") + argument;
  };
  const uint8_t inputs[] = {step.a, step.b};
  for (unsigned i = 0; i < inputCount(step.step); ++i)
    add(fmt::format("%{}", inputs[i]));
  if (traits.operand)
    add(fmt::format("o{}", step.operand));
  if (traits.imm)
    add(fmt::format("{}", step.imm));
  return fmt::format(" %{}={}({})", index, traits.name, arguments);
}

std::string text(const ChainCommand &command) {
  const VectorChain &chain = command.chain;
  std::string out = fmt::format(" tokens={} sub={} columns={}", text(chain.tokens), chain.subRows,
                                text(chain.columns));
  if (chain.positionArgument >= 0)
    out += fmt::format(" position=arg{}", chain.positionArgument);
  if (chain.firstToken)
    out += fmt::format(" first={}", chain.firstToken);
  for (size_t i = 0; i < command.operands.size(); ++i)
    out += fmt::format(" o{}={}", i, text(command.operands[i]));
  for (size_t i = 0; i < chain.steps.size(); ++i)
    out += text(chain.steps[i], i);
  return out;
}

} // namespace

std::string printCommand(const Command &command) {
  std::string out =
      fmt::format("{:<6} #{}{}", nameOf(command.engine), command.id, text(command.waits));
  std::visit([&](const auto &work) { out += text(work); }, command.work);
  if (!command.name.empty())
    out += fmt::format(" \"{}\"", command.name);
  return out;
}

std::string printAssembly(const Image &image) {
  const Program &program = image.program;
  std::string out = fmt::format("rnpu {}.{}\nmachine ", isaMajor, isaMinor);
  for (uint8_t byte : image.machine)
    out += fmt::format("{:02x}", byte);
  out += fmt::format("\nentry \"{}\"\n", program.entry);
  if (program.arguments) {
    out += "arguments";
    for (uint32_t maximum : program.argumentMax)
      out += fmt::format(" {}", maximum);
    out += "\n";
  }
  if (program.trips)
    out += fmt::format("trips {}\n", program.trips);
  out += fmt::format("sram {}\n", program.sramBytes);
  const Section *sections[] = {&program.prologue, &program.body, &program.epilogue};
  for (int part = 0; part < 3; ++part) {
    if (sections[part]->commands.empty())
      continue;
    out += fmt::format("{}\n", partNames[part]);
    for (const Command &command : sections[part]->commands)
      out += printCommand(command) + "\n";
  }
  return out;
}

} // namespace llmc::rnpu
