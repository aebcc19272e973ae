#include "targets/Plugin/PluginCall.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>

namespace llmc::target {

namespace {

class Nobody final : public PluginWatch {
public:
  void enter(std::string_view, std::string_view) override {}
  void leave() override {}
  void enterHost() override {}
  void leaveHost() override {}
};

/// Bytes of the UTF-8 character at the start of `text`; 0 where there is none.
size_t characterBytes(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? uint8_t(text[i]) : uint8_t(0); };
  const uint8_t first = byte(0);
  if (first < 0x80)
    return 1;
  const size_t size = first >= 0xc2 && first < 0xe0   ? 2
                      : first >= 0xe0 && first < 0xf0 ? 3
                      : first >= 0xf0 && first < 0xf5 ? 4
                                                      : 0;
  for (size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool outside = (first == 0xed && byte(1) >= 0xa0) || (first == 0xf4 && byte(1) >= 0x90);
  return overlong || outside ? 0 : size;
}

} // namespace

void PluginWatch::end(const PluginError &broken) {
  std::fflush(nullptr);
  std::fprintf(stderr, "error: %s\n", broken.what());
  std::_Exit(1);
}

PluginWatch &nobodyWatches() {
  static Nobody nobody;
  return nobody;
}

std::string printable(std::string_view text) {
  constexpr size_t most = 500;
  std::string line;
  while (!text.empty() && line.size() < most) {
    const size_t size = characterBytes(text);
    const bool control = size == 1 && (uint8_t(text[0]) < 0x20 || text[0] == 0x7f);
    if (size == 0)
      line += '?';
    else if (control)
      line += ' ';
    else
      line += text.substr(0, size);
    text.remove_prefix(size ? size : 1);
  }
  if (!text.empty())
    line += "...";
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

void TextSink::write(void *ctx, const void *data, size_t size) noexcept {
  constexpr size_t most = size_t(1) << 30;
  auto &self = *static_cast<TextSink *>(ctx);
  if (!self.broken.empty() || size == 0)
    return;
  try {
    if (!data)
      self.broken = fmt::format("wrote {} bytes from NULL", size);
    else if (size > most - self.bytes.size())
      self.broken = fmt::format("wrote more than {} bytes", most);
    else
      self.bytes.append(static_cast<const char *>(data), size);
  } catch (...) {
    self.broken = "wrote more than there is memory for"; // Short enough not to be allocated twice.
  }
}

std::string calledText(std::string_view owner, std::string_view function) {
  if (function.starts_with("its "))
    return fmt::format("{}: {}", owner, function);
  const size_t name = std::min(function.find(' '), function.size());
  return fmt::format("{}: function '{}'{}", owner, function.substr(0, name), function.substr(name));
}

PluginError::PluginError(std::string_view owner, std::string_view function, std::string_view reason)
    : std::runtime_error(
          fmt::format("{} {}; the plugin breaks its interface, and whoever wrote it must mend it",
                      calledText(owner, function), reason)),
      function(function), reason(reason) {}

int callPlugin(PluginWatch &watch, const std::string &owner, const std::string &function,
               const std::function<int()> &call) {
  std::string thrown;
  try {
    const Watched watched(watch, owner, function);
    return call();
  } catch (const std::exception &error) {
    thrown = fmt::format("threw a C++ exception: {}", printable(error.what()));
  } catch (...) {
    thrown = "threw a C++ exception";
  }
  throw PluginError(owner, function, thrown);
}

} // namespace llmc::target
