// Blob to program. Every read goes through WordReader, which never leaves its range.
#include "targets/Rnpu/Encoding.h"

#include "targets/Rnpu/EncodingFormat.h"
#include "targets/Rnpu/Steps.h"
#include "targets/Rnpu/Validate.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fmt/format.h>

namespace llmc::rnpu {

using namespace target;

namespace {

uint32_t loadWord(const uint8_t *at) {
  return uint32_t(at[0]) | uint32_t(at[1]) << 8 | uint32_t(at[2]) << 16 | uint32_t(at[3]) << 24;
}

/// Words of [offset, end) of the blob. After the first failure every read gives 0 and `error`
/// stays.
class WordReader {
public:
  WordReader(const uint8_t *blob, size_t offset, size_t end, std::string &error)
      : blob(blob), offset(offset), end(end), error(error) {}

  bool ok() const { return error.empty(); }
  size_t position() const { return offset; }
  bool atEnd() const { return offset == end; }

  void fail(const std::string &text) {
    if (error.empty())
      error = fmt::format("byte {}: {}", offset, text);
  }

  uint32_t word() {
    if (!ok() || end - offset < 4) {
      fail("the list or command ends early");
      return 0;
    }
    offset += 4;
    return loadWord(blob + offset - 4);
  }

  uint64_t word64() {
    uint64_t low = word();
    return low | uint64_t(word()) << 32;
  }

  /// Text of `size` bytes, padded with zeros to a word.
  std::string text(size_t size) {
    size_t padded = (size + 3) & ~size_t(3);
    if (!ok() || end - offset < padded) {
      fail("a name ends early");
      return {};
    }
    std::string result(reinterpret_cast<const char *>(blob + offset), size);
    for (size_t i = size; i < padded; ++i)
      if (blob[offset + i] != 0)
        fail("padding of a name is not 0");
    offset += padded;
    return result;
  }

  /// Bits [low, low+width) of a word; the caller states which bits must be 0.
  void expectZero(uint32_t bits, const char *what) {
    if (bits != 0)
      fail(fmt::format("reserved bits of the {} are set", what));
  }

private:
  const uint8_t *blob;
  size_t offset, end;
  std::string &error;
};

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

/// The fixed header, argument maxima and entry name.
class BlobReader {
public:
  BlobReader(const uint8_t *data, size_t size, std::string &error)
      : data(data), size(size), error(error), in(data, 0, size, error) {}

  std::optional<Image> read() {
    Image image;
    header(image);
    Program &program = image.program;
    size_t next = in.position();
    std::vector<Command> lists[3][kEngines];
    for (unsigned engine = 0; engine < kEngines && in.ok(); ++engine)
      for (unsigned part = 0; part < 3 && in.ok(); ++part)
        lists[part][engine] = list(Engine(engine), part, next);
    debug(next, lists, program);
    if (!in.ok())
      return std::nullopt;
    if (std::optional<std::string> broken = validate(program)) {
      error = *broken;
      return std::nullopt;
    }
    checkFeatures(program);
    return in.ok() ? std::optional<Image>(std::move(image)) : std::nullopt;
  }

private:
  const uint8_t *data;
  size_t size;
  std::string &error;
  WordReader in;
  uint32_t features = 0;

  uint32_t field(uint32_t index) const { return loadWord(data + index * 4); }

  void header(Image &image) {
    if (size < format::HeaderWords * 4)
      return in.fail(
          fmt::format("{} bytes are less than a header of {}", size, format::HeaderWords * 4));
    if (field(format::Magic) != format::magic)
      return in.fail("no rnpu blob: it does not begin with \"RNPU\"");
    uint32_t major = field(format::Isa) & 0xffff, minor = field(format::Isa) >> 16;
    if (major != isaMajor || minor > isaMinor)
      return in.fail(fmt::format("version {}.{} of the instruction set, {}.{} is known", major,
                                 minor, isaMajor, isaMinor));
    features = field(format::Features);
    if (features & ~knownFeatures)
      return in.fail(fmt::format("unknown feature bits {:#x}", features & ~knownFeatures));
    if (field(format::TotalBytes) != size)
      return in.fail(
          fmt::format("the header states {} bytes, there are {}", field(format::TotalBytes), size));
    if (field(format::Reserved) != 0)
      return in.fail("reserved word 19 is not 0");
    Program &program = image.program;
    std::memcpy(image.machine.data(), data + format::Digest * 4, image.machine.size());
    program.arguments = field(format::Arguments);
    program.trips = field(format::Trips);
    program.sramBytes = field(format::SramLow) | uint64_t(field(format::SramHigh)) << 32;
    if (program.arguments > maxArguments)
      return in.fail(
          fmt::format("{} arguments, at most {} are possible", program.arguments, maxArguments));
    for (uint32_t i = 0; i < format::HeaderWords; ++i)
      in.word();
    for (uint32_t i = 0; i < program.arguments; ++i)
      program.argumentMax.push_back(in.word());
    program.entry = in.text(field(format::EntryBytes));
  }

  std::vector<Command> list(Engine engine, unsigned part, size_t &next) {
    uint32_t entry = format::Table + (unsigned(engine) * 3 + part) * 3;
    size_t offset = field(entry), bytes = field(entry + 1), count = field(entry + 2);
    std::vector<Command> commands;
    if (offset != next || bytes > size - next || bytes % 4 || bytes / 8 < count) {
      in.fail(fmt::format("list {} of {}: offset {}, {} bytes and {} commands do not fit at {}",
                          part, nameOf(engine), offset, bytes, count, next));
      return commands;
    }
    WordReader words(data, offset, offset + bytes, error);
    CommandReader reader(words);
    for (size_t i = 0; i < count && words.ok(); ++i)
      commands.push_back(reader.command(engine));
    if (words.ok() && !words.atEnd())
      words.fail("bytes after the list's last command");
    next += bytes;
    return commands;
  }

  /// Merges the engines' lists into program order and names the commands.
  void debug(size_t start, std::vector<Command> (&lists)[3][kEngines], Program &program) {
    if (!in.ok())
      return;
    bool present = features & FeatureDebug;
    size_t bytes = field(format::DebugBytes);
    if (field(format::DebugOffset) != start || bytes != size - start || (!present && bytes != 0))
      return in.fail(
          fmt::format("debug part of {} bytes does not fill the blob from {}", bytes, start));
    WordReader words(data, start, size, error);
    Section *sections[] = {&program.prologue, &program.body, &program.epilogue};
    for (unsigned part = 0; part < 3; ++part) {
      size_t used[kEngines] = {}, total = 0;
      for (const std::vector<Command> &list : lists[part])
        total += list.size();
      for (unsigned engine = 0; !present && engine < kEngines; ++engine)
        std::move(lists[part][engine].begin(), lists[part][engine].end(),
                  std::back_inserter(sections[part]->commands));
      for (size_t i = 0; present && i < total && words.ok(); ++i) {
        uint32_t word = words.word();
        words.expectZero(word & 0xfffc, "debug word");
        uint32_t engine = word & 3;
        if (words.ok() && used[engine] == lists[part][engine].size())
          words.fail("the debug part names more commands of an engine than there are");
        if (!words.ok())
          return;
        Command &command = lists[part][engine][used[engine]++];
        command.name = words.text(word >> 16);
        sections[part]->commands.push_back(std::move(command));
      }
    }
    if (words.ok() && !words.atEnd())
      words.fail("bytes after the debug part");
  }

  void checkFeatures(const Program &program) {
    uint32_t used = (program.trips ? FeatureLoop : 0u) | (features & FeatureDebug);
    for (const Section *section : {&program.prologue, &program.body, &program.epilogue})
      for (const Command &command : section->commands)
        used |= featuresOf(command);
    if (used != features)
      error = fmt::format("feature bits {:#x}, the commands use {:#x}", features, used);
  }
};

} // namespace

bool isBlob(const uint8_t *data, size_t size) {
  return size >= 4 && loadWord(data) == format::magic;
}

std::optional<Image> decode(const uint8_t *data, size_t size, std::string &error) {
  std::string broken;
  std::optional<Image> image = BlobReader(data, size, broken).read();
  if (!image)
    error = "rnpu blob: " + broken;
  return image;
}

} // namespace llmc::rnpu
