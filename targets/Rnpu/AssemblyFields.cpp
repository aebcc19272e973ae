// See AssemblyFields.h.
#include "targets/Rnpu/AssemblyFields.h"

#include <charconv>
#include <fmt/format.h>
#include <limits>

namespace llmc::rnpu {

namespace {

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool isWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

} // namespace

void Field::fail(const std::string &text) { line.failAt(column + position, text); }

bool Field::accept(std::string_view prefix) {
  if (characters.substr(position).substr(0, prefix.size()) != prefix)
    return false;
  position += prefix.size();
  return true;
}

void Field::expect(std::string_view prefix) {
  if (!accept(prefix))
    fail(fmt::format("expected '{}'", prefix));
}

bool Field::key(std::string_view name) {
  if (!accept(fmt::format("{}=", name)))
    return false;
  if (!line.add(name))
    fail(fmt::format("a second {}=", name));
  return true;
}

void Field::finish() {
  if (!atEnd())
    fail(fmt::format("unexpected '{}'", characters.substr(position)));
}

std::string_view Field::name() {
  size_t start = position;
  while (!atEnd() && isWordCharacter(peek()))
    ++position;
  return characters.substr(start, position - start);
}

uint64_t Field::number(uint64_t maximum) {
  bool hex = accept("0x");
  const char *begin = characters.data() + position, *end = characters.data() + characters.size();
  uint64_t value = 0;
  auto [next, status] = std::from_chars(begin, end, value, hex ? 16 : 10);
  if (next == begin) {
    fail("expected a number");
    return 0;
  }
  if (status != std::errc() || value > maximum) {
    fail(fmt::format("the number exceeds {}", maximum));
    return 0;
  }
  position += size_t(next - begin);
  return value;
}

uint32_t Field::word() { return uint32_t(number(std::numeric_limits<uint32_t>::max())); }

int64_t Field::signedNumber() {
  bool negative = accept("-");
  if (!negative)
    accept("+");
  int64_t value = int64_t(number(uint64_t(std::numeric_limits<int64_t>::max())));
  return negative ? -value : value;
}

float Field::real() {
  const char *begin = characters.data() + position, *end = characters.data() + characters.size();
  float value = 0;
  auto [next, status] = std::from_chars(begin, end, value);
  if (status != std::errc()) {
    fail("expected a number that fits fp32");
    return 0;
  }
  position += size_t(next - begin);
  return value;
}

uint8_t Field::hexByte() {
  uint8_t value = 0;
  const char *begin = characters.data() + position;
  if (characters.size() - position < 2 ||
      std::from_chars(begin, begin + 2, value, 16).ptr != begin + 2) {
    fail("expected 64 hexadecimal digits");
    return 0;
  }
  position += 2;
  return value;
}

std::string Field::text() {
  if (!isText()) {
    fail("expected a text in quotes");
    return {};
  }
  position = characters.size();
  return std::string(characters.substr(1, characters.size() - 2));
}

Line::Line(std::string_view text, unsigned number, std::string &error)
    : characters(text), number(number), error(error) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    quoted ^= text[i] == '"';
    if (text[i] == ';' && !quoted) {
      characters = text.substr(0, i);
      break;
    }
  }
  while (!characters.empty() && isBlank(characters.back()))
    characters.remove_suffix(1);
  skipBlanks();
}

void Line::skipBlanks() {
  while (position < characters.size() && isBlank(characters[position]))
    ++position;
}

Field Line::next() {
  if (atEnd()) {
    fail("the line ends early");
    return Field(*this, {}, position);
  }
  size_t start = position;
  if (characters[start] == '"') {
    size_t close = characters.find('"', start + 1);
    if (close == std::string_view::npos) {
      failAt(start, "a text without its closing quote");
      position = characters.size();
      return Field(*this, {}, start);
    }
    position = close + 1;
  } else {
    while (position < characters.size() && !isBlank(characters[position]))
      ++position;
  }
  Field field(*this, characters.substr(start, position - start), start);
  skipBlanks();
  return field;
}

void Line::finish() {
  if (!atEnd())
    failAt(position, fmt::format("unexpected '{}'", characters.substr(position)));
}

void Line::fail(const std::string &text) {
  if (error.empty())
    error = fmt::format("line {}: {}", number, text);
}

void Line::failAt(size_t column, const std::string &text) {
  if (error.empty())
    error = fmt::format("line {}, column {}: {}", number, column + 1, text);
}

} // namespace llmc::rnpu
