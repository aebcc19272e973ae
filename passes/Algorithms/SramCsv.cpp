#include "passes/Algorithms/SramCsv.h"

#include <algorithm>
#include <charconv>

namespace llmc::passes {
namespace {

enum class Column { Name, Lower, Upper, End, Size, Alignment, Offset };

std::optional<Column> columnOf(std::string_view name) {
  if (name == "id" || name == "buffer" || name == "buffer_id")
    return Column::Name;
  if (name == "lower" || name == "start" || name == "begin")
    return Column::Lower;
  if (name == "upper")
    return Column::Upper;
  if (name == "end")
    return Column::End;
  if (name == "size")
    return Column::Size;
  if (name == "alignment")
    return Column::Alignment;
  if (name == "offset")
    return Column::Offset;
  return std::nullopt;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> fields;
  for (size_t start = 0;;) {
    size_t end = text.find(separator, start);
    std::string_view field = text.substr(start, end - start);
    if (!field.empty() && field.back() == '\r')
      field.remove_suffix(1);
    fields.push_back(field);
    if (end == std::string_view::npos)
      return fields;
    start = end + 1;
  }
}

template <class Int> bool parse(std::string_view text, Int &value) {
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && rest == text.data() + text.size();
}

std::string readHeader(std::string_view line, std::vector<Column> &columns) {
  for (std::string_view name : split(line, ',')) {
    std::optional<Column> column = columnOf(name);
    if (!column)
      return "unknown column \"" + std::string(name) +
             "\"; known are id, lower, upper, size, alignment, offset";
    if (std::find(columns.begin(), columns.end(), *column) != columns.end())
      return "column \"" + std::string(name) + "\" appears twice";
    columns.push_back(*column);
  }
  auto has = [&](Column column) {
    return std::find(columns.begin(), columns.end(), column) != columns.end();
  };
  if (!has(Column::Name) || !has(Column::Lower) || !has(Column::Size) ||
      has(Column::Upper) == has(Column::End))
    return "the header needs the columns id, lower, size and one of upper and end";
  return "";
}

bool readField(Column column, std::string_view field, SramBuffer &buffer) {
  switch (column) {
  case Column::Name:
    buffer.name = field;
    return true;
  case Column::Lower:
    return parse(field, buffer.first.value);
  case Column::Upper:
    return parse(field, buffer.last.value);
  case Column::End:
    return parse(field, buffer.last.value) && ++buffer.last.value != 0;
  case Column::Size:
    return parse(field, buffer.size);
  case Column::Alignment:
    return parse(field, buffer.alignment);
  case Column::Offset:
    if (field.empty())
      return true;
    return parse(field, buffer.offset.emplace());
  }
  return false;
}

std::string readRecord(std::string_view line, const std::vector<Column> &columns,
                       SramBuffer &buffer) {
  std::vector<std::string_view> fields = split(line, ',');
  if (fields.size() != columns.size())
    return "has " + std::to_string(fields.size()) + " fields, the header names " +
           std::to_string(columns.size());
  for (size_t i = 0; i < columns.size(); ++i)
    if (!readField(columns[i], fields[i], buffer))
      return "\"" + std::string(fields[i]) + "\" in field " + std::to_string(i + 1) +
             " is no number in range";
  return "";
}

} // namespace

SramCsvResult readSramCsv(std::string_view text) {
  SramCsvResult result;
  std::vector<Column> columns;
  size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    if (line.empty())
      continue;
    std::string error;
    if (columns.empty()) {
      error = readHeader(line, columns);
    } else {
      error = readRecord(line, columns, result.buffers.emplace_back());
    }
    if (!error.empty()) {
      result.error = "line " + std::to_string(number) + ": " + error;
      return result;
    }
  }
  if (columns.empty())
    result.error = "line 1: the header is missing";
  return result;
}

std::string writeSramCsv(const std::vector<SramBuffer> &buffers,
                         const std::vector<uint64_t> *offsets) {
  bool withOffsets = offsets || std::any_of(buffers.begin(), buffers.end(), [](const auto &buffer) {
                       return buffer.offset.has_value();
                     });
  std::string text = "id,lower,upper,size,alignment";
  text += withOffsets ? ",offset\n" : "\n";
  for (size_t i = 0; i < buffers.size(); ++i) {
    const SramBuffer &buffer = buffers[i];
    // A name never breaks the line format.
    std::string name = buffer.name;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == ',' || c == '\n' || c == '\r'; }, '_');
    text += name + "," + std::to_string(buffer.first.value) + "," +
            std::to_string(buffer.last.value) + "," + std::to_string(buffer.size) + "," +
            std::to_string(buffer.alignment);
    if (withOffsets)
      text += ",";
    if (offsets)
      text += std::to_string((*offsets)[i]);
    else if (buffer.offset)
      text += std::to_string(*buffer.offset);
    text += "\n";
  }
  return text;
}

} // namespace llmc::passes
