// Program to blob.
#include "targets/Rnpu/Encoding.h"

#include "targets/Rnpu/EncodingFormat.h"
#include "targets/Rnpu/Names.h"
#include "targets/Rnpu/Validate.h"

#include <bit>
#include <fmt/format.h>
#include <limits>

namespace llmc::rnpu {

using namespace target;

namespace {

/// Appends the words of one command; remembers the first field that does not fit.
class CommandWriter {
public:
  explicit CommandWriter(std::vector<uint32_t> &words) : words(words) {}

  std::string error;

  void command(const Command &command) {
    size_t start = words.size();
    words.push_back(0);
    words.push_back(command.id);
    for (const Wait &wait : command.waits)
      this->wait(wait);
    uint32_t flags = 0, opcode = 0;
    if (const Dma *dma = std::get_if<Dma>(&command.work)) {
      opcode = format::OpDma;
      flags = this->dma(*dma);
    } else if (const MatmulCommand *matmul = std::get_if<MatmulCommand>(&command.work)) {
      opcode = format::OpMatmul;
      this->matmul(*matmul);
    } else {
      opcode = format::OpChain;
      chain(std::get<ChainCommand>(command.work));
    }
    size_t length = words.size() - start;
    if (length > format::maxCommandWords)
      fail(fmt::format("{} words, at most {} are possible", length, format::maxCommandWords));
    words[start] = opcode | uint32_t(command.engine) << 8 | flags << 12 | uint32_t(length) << 16 |
                   uint32_t(command.waits.size()) << 28;
  }

private:
  std::vector<uint32_t> &words;

  void fail(std::string text) {
    if (error.empty())
      error = std::move(text);
  }

  void put64(uint64_t value) {
    words.push_back(uint32_t(value));
    words.push_back(uint32_t(value >> 32));
  }

  uint32_t narrow(uint64_t value, const char *what) {
    if (value > std::numeric_limits<uint32_t>::max())
      fail(fmt::format("{} {} does not fit 32 bits", what, value));
    return uint32_t(value);
  }

  void wait(const Wait &wait) {
    constexpr int64_t limit = int64_t(1) << 29;
    if (wait.value < -limit || wait.value >= limit)
      fail(fmt::format("wait value {} does not fit 30 bits", wait.value));
    if (wait.perTrip != int32_t(wait.perTrip))
      fail(fmt::format("wait growth {} does not fit 32 bits", wait.perTrip));
    words.push_back(uint32_t(wait.engine) | uint32_t(wait.value) << 2);
    words.push_back(uint32_t(wait.perTrip));
  }

  void address(const Address &a, ElementType type = ElementType(0)) {
    uint32_t word = uint32_t(a.space) | uint32_t(type) << 5 | uint32_t(a.offset >> 32) << 16;
    if (a.argument >= 0)
      word |= format::addressArgument | uint32_t(a.argument) << 8;
    if (a.tripStride)
      word |= format::addressTrip;
    words.push_back(word);
    words.push_back(uint32_t(a.offset));
    if (a.argument >= 0)
      words.push_back(a.argumentStride);
    if (a.tripStride)
      put64(a.tripStride);
  }

  void operand(const Operand &operand) {
    address(operand.address, operand.type);
    words.push_back(operand.tokenStride);
    words.push_back(operand.subStride);
    words.push_back(narrow(operand.bytes, "operand size"));
  }

  /// Argument indices plus one, 0 for a number, a byte each.
  void arguments(int first, int second, int third) {
    words.push_back(uint32_t(first + 1) | uint32_t(second + 1) << 8 | uint32_t(third + 1) << 16);
  }

  uint32_t dma(const Dma &dma) {
    uint32_t flags = dma.gather ? format::flagGather : 0;
    bool strided = dma.gather || dma.counts[0] != Extent{1, -1} || dma.counts[1] != Extent{1, -1};
    for (int i = 0; i < 2; ++i)
      strided |= dma.sourceStrides[i] != 0 || dma.destinationStrides[i] != 0;
    arguments(dma.run.argument, dma.counts[0].argument, dma.counts[1].argument);
    words.push_back(dma.run.value);
    words.push_back(dma.runUnit);
    address(dma.source);
    address(dma.destination);
    if (strided) {
      flags |= format::flagStrided;
      for (int i = 0; i < 2; ++i) {
        words.push_back(dma.counts[i].value);
        put64(dma.sourceStrides[i]);
        put64(dma.destinationStrides[i]);
      }
    }
    if (dma.gather) {
      address(dma.ids);
      words.push_back(dma.gatherBound);
    }
    return flags;
  }

  void matmul(const MatmulCommand &command) {
    const Matmul &m = command.matmul;
    words.push_back(uint32_t(m.kind) | (m.accumulate ? format::matmulAccumulate : 0) |
                    uint32_t(m.format.element) << 4 | uint32_t(m.format.scale) << 8 |
                    m.format.group << 16);
    arguments(m.tokens.argument, m.n.argument, m.k.argument);
    for (uint32_t value : {m.tokens.value, m.subRows, m.n.value, m.k.value})
      words.push_back(value);
    words.push_back(std::bit_cast<uint32_t>(m.scale));
    for (unsigned i = 0; i < 4; ++i)
      if (i != matmul::AScale || m.kind == MatmulKind::Linear)
        operand(command.operands[i]);
  }

  void chain(const ChainCommand &command) {
    const VectorChain &chain = command.chain;
    arguments(chain.tokens.argument, chain.columns.argument, chain.positionArgument);
    words.push_back(chain.tokens.value);
    words.push_back(chain.subRows);
    words.push_back(chain.columns.value);
    words.push_back(chain.firstToken);
    words.push_back(uint32_t(chain.steps.size()) | uint32_t(command.operands.size()) << 8);
    for (const Operand &o : command.operands)
      operand(o);
    for (const ChainStep &step : chain.steps) {
      words.push_back(uint32_t(step.step) | uint32_t(step.a) << 8 | uint32_t(step.b) << 16 |
                      uint32_t(step.operand) << 24);
      if (traitsOf(step.step).imm)
        words.push_back(std::bit_cast<uint32_t>(step.imm));
    }
  }
};

uint32_t programFeatures(const Program &program, bool debug) {
  uint32_t features = (program.trips ? FeatureLoop : 0u) | (debug ? FeatureDebug : 0u);
  for (const Section *section : {&program.prologue, &program.body, &program.epilogue})
    for (const Command &command : section->commands)
      features |= featuresOf(command);
  return features;
}

void putText(std::vector<uint8_t> &out, const std::string &text) {
  out.insert(out.end(), text.begin(), text.end());
  out.resize((out.size() + 3) & ~size_t(3), 0);
}

void putWord(std::vector<uint8_t> &out, uint32_t word) {
  for (int shift = 0; shift < 32; shift += 8)
    out.push_back(uint8_t(word >> shift));
}

void setWord(std::vector<uint8_t> &out, size_t index, uint32_t word) {
  for (size_t i = 0; i < 4; ++i)
    out[index * 4 + i] = uint8_t(word >> (8 * i));
}

void putHeader(const Image &image, uint32_t features, std::vector<uint8_t> &out) {
  const Program &program = image.program;
  out.assign(format::HeaderWords * 4, 0);
  setWord(out, format::Magic, format::magic);
  setWord(out, format::Isa, uint32_t(isaMinor) << 16 | isaMajor);
  setWord(out, format::Features, features);
  std::copy(image.machine.begin(), image.machine.end(), out.begin() + format::Digest * 4);
  setWord(out, format::Arguments, program.arguments);
  setWord(out, format::Trips, program.trips);
  setWord(out, format::SramLow, uint32_t(program.sramBytes));
  setWord(out, format::SramHigh, uint32_t(program.sramBytes >> 32));
  setWord(out, format::EntryBytes, uint32_t(program.entry.size()));
  for (uint32_t value : program.argumentMax)
    putWord(out, value);
  putText(out, program.entry);
}

/// One engine's list of one part.
bool putList(const Section &section, Engine engine, size_t index, std::vector<uint8_t> &out,
             std::string &error) {
  std::vector<uint32_t> words;
  CommandWriter writer(words);
  uint32_t commands = 0;
  for (const Command &command : section.commands) {
    if (command.engine != engine)
      continue;
    ++commands;
    writer.command(command);
    if (!writer.error.empty()) {
      error = fmt::format("list of {}, command {} (id {}): {}", nameOf(engine), commands - 1,
                          command.id, writer.error);
      return false;
    }
  }
  size_t entry = format::Table + index * 3;
  setWord(out, entry, uint32_t(out.size()));
  setWord(out, entry + 1, uint32_t(words.size() * 4));
  setWord(out, entry + 2, commands);
  for (uint32_t word : words)
    putWord(out, word);
  return true;
}

void putDebug(const Program &program, std::vector<uint8_t> &out) {
  size_t start = out.size();
  for (const Section *section : {&program.prologue, &program.body, &program.epilogue})
    for (const Command &command : section->commands) {
      putWord(out, uint32_t(command.engine) | uint32_t(command.name.size()) << 16);
      putText(out, command.name);
    }
  setWord(out, format::DebugOffset, uint32_t(start));
  setWord(out, format::DebugBytes, uint32_t(out.size() - start));
}

} // namespace

uint32_t featuresOf(const Command &command) {
  if (const Dma *dma = std::get_if<Dma>(&command.work))
    return dma->gather ? FeatureGather : 0u;
  const MatmulCommand *matmul = std::get_if<MatmulCommand>(&command.work);
  if (!matmul || matmul->matmul.kind != MatmulKind::Linear)
    return 0;
  switch (matmul->matmul.format.scale) {
  case ScaleKind::F32Row:
    return 0;
  case ScaleKind::MultiplierF32Row:
    return FeatureMultipliers;
  default:
    return FeatureGroupScales;
  }
}

std::optional<std::vector<uint8_t>> encode(const Image &image, std::string &error, bool debug) {
  const Program &program = image.program;
  if (std::optional<std::string> broken = validate(program)) {
    error = fmt::format("rnpu program '{}': {}", program.entry, *broken);
    return std::nullopt;
  }
  std::vector<uint8_t> out;
  putHeader(image, programFeatures(program, debug), out);
  const Section *sections[] = {&program.prologue, &program.body, &program.epilogue};
  for (unsigned engine = 0; engine < kEngines; ++engine)
    for (unsigned part = 0; part < 3; ++part)
      if (!putList(*sections[part], Engine(engine), engine * 3 + part, out, error))
        return std::nullopt;
  if (debug)
    putDebug(program, out);
  else
    setWord(out, format::DebugOffset, uint32_t(out.size()));
  if (out.size() > std::numeric_limits<uint32_t>::max()) {
    error = fmt::format("rnpu program '{}': the blob exceeds 4 GB", program.entry);
    return std::nullopt;
  }
  setWord(out, format::TotalBytes, uint32_t(out.size()));
  return out;
}

} // namespace llmc::rnpu
