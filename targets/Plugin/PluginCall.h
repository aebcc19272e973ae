// Calls into plugins: one at a time, watched, and nothing that comes back believed.
#pragma once

#include "targets/Plugin/llmc/target_plugin.h"

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace llmc::target {

/// A plugin broke its interface. What it did cannot be worked around, so that no caller has to
/// expect it: the command ends with this message. Conformance tells of `function` and `reason`.
class PluginError : public std::runtime_error {
public:
  PluginError(std::string_view owner, std::string_view function, std::string_view reason);

  const std::string function, reason;
};

/// Is told of every call into plugins, so that somebody knows which one does not come back.
class PluginWatch {
public:
  virtual ~PluginWatch() = default;
  /// `owner` names plugin and target: "plugin 'a.so', target 'a'".
  virtual void enter(std::string_view owner, std::string_view function) = 0;
  virtual void leave() = 0;
  /// The plugin asked llmc for something, which takes as long as it takes.
  virtual void enterHost() = 0;
  virtual void leaveHost() = 0;
  /// Ends the process, for what was thrown where nothing can be passed on.
  [[noreturn]] virtual void end(const PluginError &broken);
};

/// One that does not look.
PluginWatch &nobodyWatches();

/// Tells a watch of one call.
class Watched {
public:
  Watched(PluginWatch &watch, std::string_view owner, std::string_view function) : watch(watch) {
    watch.enter(owner, function);
  }
  ~Watched() { watch.leave(); }
  Watched(const Watched &) = delete;
  Watched &operator=(const Watched &) = delete;

private:
  PluginWatch &watch;
};

/// Text from a plugin as part of a message: one line of printable UTF-8, of bounded length.
std::string printable(std::string_view text);

/// What a plugin writes to a sink.
class TextSink {
public:
  TextSink() = default;
  TextSink(const TextSink &) = delete;
  TextSink &operator=(const TextSink &) = delete;
  const llmc_sink *sink() const { return &plain; }
  const std::string &text() const { return bytes; }
  /// Why not all of it was taken; empty where it was.
  const std::string &problem() const { return broken; }

private:
  static void write(void *ctx, const void *data, size_t size) noexcept;

  std::string bytes, broken;
  llmc_sink plain{this, write};
};

/// Runs `call`, a call of a function that a plugin has, under the watch. Whatever is thrown comes
/// out as PluginError. `function` is a name, "pack", one of something, "submit of the device", or
/// what else of the plugin runs: "its constructors".
int callPlugin(PluginWatch &watch, const std::string &owner, const std::string &function,
               const std::function<int()> &call);

/// "plugin 'a.so', target 'a': function 'pack'", the start of a sentence.
std::string calledText(std::string_view owner, std::string_view function);

} // namespace llmc::target
