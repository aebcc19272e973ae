// Lines of assembly text cut into fields, and what can be read from one field. The first error of a
// text stays; after it every read gives a default.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace llmc::rnpu {

class Line;

/// Characters without blanks, or a quoted text.
class Field {
public:
  Field(Line &line, std::string_view characters, size_t column)
      : line(line), characters(characters), column(column) {}

  void fail(const std::string &text);
  bool atEnd() const { return position == characters.size(); }
  char peek() const { return characters[position]; }

  bool accept(std::string_view prefix);
  void expect(std::string_view prefix);
  /// Accepts `name=`; a second one in the line is an error.
  bool key(std::string_view name);
  /// Nothing may be left.
  void finish();

  /// Letters and digits.
  std::string_view name();
  /// Decimal, or hexadecimal after 0x.
  uint64_t number(uint64_t maximum);
  uint32_t word();
  int64_t signedNumber();
  float real();
  uint8_t hexByte();
  bool isText() const { return !characters.empty() && characters[0] == '"'; }
  std::string text();

  /// A name that `find` knows.
  template <typename Enum>
  Enum named(std::optional<Enum> (*find)(std::string_view), const char *what) {
    size_t start = position;
    std::string_view word = name();
    std::optional<Enum> value = find(word);
    if (!value) {
      position = start;
      fail("'" + std::string(word) + "' is not " + what);
      return Enum(0);
    }
    return *value;
  }
  template <typename Enum> bool startsWithName(std::optional<Enum> (*find)(std::string_view)) {
    size_t start = position;
    bool found = find(name()).has_value();
    position = start;
    return found;
  }

private:
  Line &line;
  std::string_view characters;
  size_t column, position = 0;
};

class Line {
public:
  Line(std::string_view text, unsigned number, std::string &error);

  /// No field is left; a comment does not count.
  bool atEnd() const { return position == characters.size(); }
  /// The next field; an empty one, with an error, at the end.
  Field next();
  void finish();
  bool saw(std::string_view key) const { return keys.count(std::string(key)) != 0; }
  /// True where the key is new.
  bool add(std::string_view key) { return keys.insert(std::string(key)).second; }
  void fail(const std::string &text);
  void failAt(size_t column, const std::string &text);

private:
  std::string_view characters; ///< Without comment.
  size_t position = 0;
  unsigned number;
  std::string &error;
  std::set<std::string> keys;

  void skipBlanks();
};

} // namespace llmc::rnpu
