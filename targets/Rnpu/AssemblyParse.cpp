// Text to program.
#include "targets/Rnpu/Assembly.h"
#include "targets/Rnpu/AssemblyFields.h"
#include "targets/Rnpu/Names.h"
#include "targets/Rnpu/ValidateInternal.h"

#include <fmt/format.h>
#include <limits>

namespace llmc::rnpu {

using namespace target;

namespace {

Address parseAddress(Field &in) {
  Address a;
  a.space = in.named(spaceNamed, "a space");
  in.expect("+");
  a.offset = in.number(addressLimit);
  while (in.accept("+")) {
    if (a.argument < 0 && a.tripStride == 0 && in.accept("arg")) {
      a.argument = int16_t(in.number(maxArguments));
      in.expect("*");
      a.argumentStride = in.word();
    } else {
      in.expect("trip*");
      a.tripStride = in.number(std::numeric_limits<uint64_t>::max());
      return a;
    }
  }
  return a;
}

Operand parseOperand(Field &in) {
  Operand o;
  o.address = parseAddress(in);
  in.expect(":");
  o.type = in.named(elementNamed, "an element type");
  in.expect("(");
  o.tokenStride = in.word();
  in.expect(",");
  o.subStride = in.word();
  in.expect(",");
  o.bytes = in.word();
  in.expect(")");
  return o;
}

/// "17", "arg0<=17", and with `unit` also "arg0*64<=1088".
Extent parseExtent(Field &in, uint32_t *unit = nullptr) {
  Extent e;
  if (in.accept("arg")) {
    e.argument = int16_t(in.number(maxArguments));
    if (unit && in.accept("*"))
      *unit = in.word();
    in.expect("<=");
  }
  e.value = in.word();
  return e;
}

std::vector<Wait> parseWaits(Field &in) {
  std::vector<Wait> waits;
  do {
    Wait wait;
    wait.engine = in.named(engineNamed, "an engine");
    in.expect(">=");
    wait.value = in.signedNumber();
    if (!in.atEnd() && (in.peek() == '+' || in.peek() == '-')) {
      wait.perTrip = in.signedNumber();
      in.expect("*trip");
    }
    waits.push_back(wait);
  } while (in.accept(","));
  return waits;
}

template <typename Parse> void parsePair(Field &in, Parse parse) {
  parse(0);
  in.expect(",");
  parse(1);
}

bool dmaField(Field &in, Dma &dma) {
  if (in.key("src"))
    dma.source = parseAddress(in);
  else if (in.key("dst"))
    dma.destination = parseAddress(in);
  else if (in.key("run"))
    dma.run = parseExtent(in, &dma.runUnit);
  else if (in.key("counts"))
    parsePair(in, [&](int i) { dma.counts[i] = parseExtent(in); });
  else if (in.key("srcStrides"))
    parsePair(in, [&](int i) { dma.sourceStrides[i] = in.number(addressLimit); });
  else if (in.key("dstStrides"))
    parsePair(in, [&](int i) { dma.destinationStrides[i] = in.number(addressLimit); });
  else if (in.key("ids")) {
    dma.ids = parseAddress(in);
    dma.gather = true;
  } else if (in.key("bound"))
    dma.gatherBound = in.word();
  else
    return false;
  return true;
}

WeightFormat parseFormat(Field &in) {
  WeightFormat format;
  format.element = in.named(elementNamed, "an element type");
  in.expect("/");
  format.scale = in.named(scaleNamed, "a scale kind");
  if (in.accept("/"))
    format.group = in.word();
  return format;
}

bool matmulField(Field &in, MatmulCommand &command) {
  Matmul &m = command.matmul;
  static constexpr const char *operandKeys[] = {"a", "aScale", "b", "out"};
  for (unsigned i = 0; i < 4; ++i)
    if (in.key(operandKeys[i])) {
      command.operands[i] = parseOperand(in);
      return true;
    }
  if (in.key("tokens"))
    m.tokens = parseExtent(in);
  else if (in.key("sub"))
    m.subRows = in.word();
  else if (in.key("n"))
    m.n = parseExtent(in);
  else if (in.key("k"))
    m.k = parseExtent(in);
  else if (in.key("format"))
    m.format = parseFormat(in);
  else if (in.key("scale"))
    m.scale = in.real();
  else if (in.accept("accumulate"))
    m.accumulate = true;
  else if (in.startsWithName(matmulNamed))
    m.kind = in.named(matmulNamed, "a matmul kind");
  else
    return false;
  return true;
}

/// "%3=mul(%0,%1)" after its "%".
ChainStep parseStep(Field &in, size_t index) {
  ChainStep step;
  if (in.number(255) != index)
    in.fail(fmt::format("steps are numbered in order, this one is %{}", index));
  in.expect("=");
  step.step = in.named(stepNamed, "a step");
  const StepTraits &traits = traitsOf(step.step);
  in.expect("(");
  bool first = true;
  auto separate = [&] {
    if (!first)
      in.expect(",");
    first = false;
  };
  uint8_t *inputs[] = {&step.a, &step.b};
  for (unsigned i = 0; i < inputCount(step.step); ++i) {
    separate();
    in.expect("%");
    *inputs[i] = uint8_t(in.number(255));
  }
  if (traits.operand) {
    separate();
    in.expect("o");
    step.operand = uint8_t(in.number(255));
  }
  if (traits.imm) {
    separate();
    step.imm = in.real();
  }
  in.expect(")");
  return step;
}

bool chainField(Field &in, ChainCommand &command) {
  VectorChain &chain = command.chain;
  if (in.key("tokens"))
    chain.tokens = parseExtent(in);
  else if (in.key("sub"))
    chain.subRows = in.word();
  else if (in.key("columns"))
    chain.columns = parseExtent(in);
  else if (in.key("first"))
    chain.firstToken = in.word();
  else if (in.key("position")) {
    in.expect("arg");
    chain.positionArgument = int16_t(in.number(maxArguments));
  } else if (in.key(fmt::format("o{}", command.operands.size())))
    command.operands.push_back(parseOperand(in));
  else if (in.accept("%"))
    chain.steps.push_back(parseStep(in, chain.steps.size()));
  else
    return false;
  return true;
}

/// The keys that a command of this kind cannot do without.
std::string_view missingKey(const Command &command, const Line &line) {
  static constexpr std::string_view dma[] = {"src", "dst", "run"};
  static constexpr std::string_view matmul[] = {"tokens", "n", "k", "a", "b", "out"};
  static constexpr std::string_view linear[] = {"format", "aScale"};
  static constexpr std::string_view chain[] = {"tokens", "columns"};
  auto first = [&](auto &keys) -> std::string_view {
    for (std::string_view key : keys)
      if (!line.saw(key))
        return key;
    return {};
  };
  if (command.work.index() == 0)
    return line.saw("ids") != line.saw("bound") ? "ids and bound" : first(dma);
  if (command.work.index() == 2)
    return first(chain);
  bool isLinear = std::get<MatmulCommand>(command.work).matmul.kind == MatmulKind::Linear;
  std::string_view missing = first(matmul);
  return missing.empty() && isLinear ? first(linear) : missing;
}

Command parseCommand(Engine engine, Line &line) {
  Command command;
  command.engine = engine;
  if (engine == Engine::Tensor)
    command.work = MatmulCommand{};
  else if (engine == Engine::Vector)
    command.work = ChainCommand{};
  Field id = line.next();
  id.expect("#");
  command.id = id.word();
  id.finish();
  while (!line.atEnd()) {
    Field field = line.next();
    if (field.isText()) {
      command.name = field.text();
      if (!line.atEnd())
        line.next().fail("nothing may follow the name");
      break;
    }
    bool known = true;
    if (field.key("wait"))
      command.waits = parseWaits(field);
    else if (engine == Engine::Tensor)
      known = matmulField(field, std::get<MatmulCommand>(command.work));
    else if (engine == Engine::Vector)
      known = chainField(field, std::get<ChainCommand>(command.work));
    else
      known = dmaField(field, std::get<Dma>(command.work));
    if (!known)
      field.fail(fmt::format("no field of a {} command", nameOf(engine)));
    field.finish();
  }
  if (std::string_view key = missingKey(command, line); !key.empty())
    line.fail(fmt::format("the {} command lacks {}", nameOf(engine), key));
  return command;
}

/// A program line by line; remembers the line of every command.
class Assembler {
public:
  explicit Assembler(std::string &error) : error(error) {}

  std::optional<Image> run(const std::string &text) {
    size_t begin = 0;
    for (unsigned number = 1; begin < text.size() && error.empty(); ++number) {
      size_t end = std::min(text.find('\n', begin), text.size());
      Line line(std::string_view(text).substr(begin, end - begin), number, error);
      if (!line.atEnd())
        statement(line, number);
      begin = end + 1;
    }
    if (error.empty() && !versioned)
      error = "line 1: a program begins with 'rnpu 1.0'";
    if (error.empty())
      check();
    return error.empty() ? std::optional<Image>(std::move(image)) : std::nullopt;
  }

private:
  std::string &error;
  Image image;
  bool versioned = false;
  int part = -1; ///< The section that commands go to.
  std::vector<unsigned> lines[3];

  Section &section(int index) {
    Program &program = image.program;
    return index == 0 ? program.prologue : index == 1 ? program.body : program.epilogue;
  }

  void statement(Line &line, unsigned number) {
    Field word = line.next();
    std::string_view name = word.name();
    if (!versioned)
      return version(line, word, name);
    for (int i = 0; i < 3; ++i)
      if (name == partNames[i]) {
        if (i <= part)
          return word.fail("prologue, body and epilogue come once and in this order");
        part = i;
        return line.finish();
      }
    if (std::optional<Engine> engine = engineNamed(name)) {
      if (part < 0)
        return word.fail("a command before 'prologue', 'body' or 'epilogue'");
      section(part).commands.push_back(parseCommand(*engine, line));
      lines[part].push_back(number);
      return;
    }
    if (part >= 0 || !header(line, name))
      word.fail(fmt::format("'{}' is no command, section or header line", name));
  }

  void version(Line &line, Field &word, std::string_view name) {
    versioned = true;
    Field number = line.next();
    uint64_t major = number.number(65535);
    number.expect(".");
    uint64_t minor = number.number(65535);
    number.finish();
    if (name != "rnpu" || major != isaMajor || minor > isaMinor)
      word.fail(fmt::format("a program begins with 'rnpu {}.{}'", isaMajor, isaMinor));
    line.finish();
  }

  bool header(Line &line, std::string_view name) {
    Program &program = image.program;
    if (name == "machine") {
      Field digest = line.next();
      for (uint8_t &byte : image.machine)
        byte = digest.hexByte();
      digest.finish();
    } else if (name == "entry") {
      program.entry = line.next().text();
    } else if (name == "arguments") {
      while (!line.atEnd()) {
        Field field = line.next();
        program.argumentMax.push_back(field.word());
        field.finish();
      }
      program.arguments = uint32_t(program.argumentMax.size());
    } else if (name == "trips" || name == "sram") {
      Field field = line.next();
      if (name == "trips")
        program.trips = field.word();
      else
        program.sramBytes = field.number(addressLimit);
      field.finish();
    } else {
      return false;
    }
    line.finish();
    return true;
  }

  void check() {
    // The header first: the commands' rules read its argument maxima.
    std::optional<std::string> broken = validate(image.program);
    if (!broken)
      return;
    error = *broken;
    for (int i = 0; i < 3; ++i)
      for (size_t c = 0; c < lines[i].size(); ++c)
        if (error.find(fmt::format("{} command {} ", partNames[i], c)) == 0)
          error = fmt::format("line {}: {}", lines[i][c], *broken);
  }
};

} // namespace

std::optional<Image> parseAssembly(const std::string &text, std::string &error) {
  std::string broken;
  std::optional<Image> image = Assembler(broken).run(text);
  if (!image)
    error = "rnpu assembly: " + broken;
  return image;
}

} // namespace llmc::rnpu
