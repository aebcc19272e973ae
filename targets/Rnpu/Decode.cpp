// Blob to program: header, lists and debug part.
#include "targets/Rnpu/Encoding.h"

#include "targets/Rnpu/DecodeCommand.h"
#include "targets/Rnpu/EncodingFormat.h"
#include "targets/Rnpu/Names.h"
#include "targets/Rnpu/Validate.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace llmc::rnpu {

using namespace target;

namespace {

/// A whole blob, front to back.
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
    for (size_t i = 0; i < count && words.ok(); ++i)
      commands.push_back(decodeCommand(words, engine));
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
