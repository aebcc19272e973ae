#include "tools/llmc/CommandLine.h"

#include "runtime/drivers/host/mapped_file.h"
#include "tools/llmc/Errors.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace llmc {

std::vector<std::string> splitEmptyValues(const std::vector<std::string> &arguments) {
  std::vector<std::string> split;
  for (const std::string &argument : arguments) {
    const bool empty = argument.size() > 3 && argument.starts_with("--") &&
                       argument.find('=') == argument.size() - 1;
    split.push_back(empty ? argument.substr(0, argument.size() - 1) : argument);
    if (empty)
      split.emplace_back();
  }
  return split;
}

static std::string checkRange(const std::string &text, uint64_t most) {
  uint64_t value = 0;
  const char *last = text.data() + text.size();
  const auto read = std::from_chars(text.data(), last, value);
  if (read.ec == std::errc() && read.ptr == last && value > 0 && value <= most)
    return "";
  return "'" + text + "' is not a whole number from 1 to " + std::to_string(most);
}

std::string checkCount(const std::string &text) { return checkRange(text, UINT64_MAX); }

std::string checkCount32(const std::string &text) { return checkRange(text, UINT32_MAX); }

CLI::Option *addFile(CLI::App &command, const std::string &name, std::string &path,
                     const std::string &description) {
  return command.add_option(name, path, description)->type_name("FILE");
}

void addDeviceOptions(CLI::App &command, DeviceOptions &options) {
  command
      .add_option("--threads", options.threads,
                  "Threads, for plans of a CPU; as many as there are CPUs if not given")
      ->check(checkCount32);
  command
      .add_option_function<std::string>(
          "--isa", [&options](const std::string &name) { options.isa = rt::cpu::isaNamed(name); },
          "Instruction set, for plans of a CPU: " + rt::cpu::isaNames() +
              "; the best of plan and machine if not given")
      ->check([](const std::string &name) {
        return rt::cpu::isaNamed(name)
                   ? ""
                   : "'" + name + "' is not an instruction set; known are " + rt::cpu::isaNames();
      });
}

std::vector<int32_t> parseIds(std::string_view text, const std::string &option) {
  std::vector<int32_t> ids;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    int32_t id = 0;
    const char *last = text.data() + end;
    const auto read = std::from_chars(text.data() + at, last, id);
    if (read.ec != std::errc() || read.ptr != last)
      throw InputError(option + ": '" + std::string(text.substr(at, end - at)) +
                       "' is not an id; give integers of 32 bits separated by commas, as in 1,2,3");
    ids.push_back(id);
    at = end + 1;
  }
  return ids;
}

std::vector<int32_t> readIds(const std::string &path) {
  const auto document = nlohmann::json::parse(readText(path), nullptr, /*allow_exceptions=*/false);
  if (!document.is_array())
    throw InputError("'" + path + "' is not a JSON array of integers, as in [1, 2, 3]");
  std::vector<int32_t> ids;
  for (const nlohmann::json &item : document) {
    const auto at = " at index " + std::to_string(ids.size());
    if (!item.is_number_integer())
      throw InputError("'" + path + "': " + item.dump() + at + " is not an integer");
    const auto id = item.get<int64_t>();
    // As int64_t, the largest unsigned numbers look negative.
    if ((item.is_number_unsigned() && item.get<uint64_t>() > uint64_t(INT32_MAX)) || id < INT32_MIN)
      throw InputError("'" + path + "': " + item.dump() + at +
                       " is not an id: it has more than 32 bits");
    ids.push_back(int32_t(id));
  }
  return ids;
}

std::string readText(const std::string &path) {
  std::string error;
  const auto file = rt::host::MappedFile::open(path, error);
  if (!file)
    throw InputError(error);
  return std::string(file->bytes().begin(), file->bytes().end());
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw InputError("cannot write to standard output");
}

} // namespace llmc
