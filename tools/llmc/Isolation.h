// Plugins in a process of their own, which may crash, exit and hang.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace llmc {

class CallRecord;

struct IsolationOptions {
  bool on = true;
  /// That one call into a plugin may take; nothing: as long as it takes.
  std::optional<uint32_t> timeoutSeconds;
};

/// For commands that ask for little at a time.
constexpr uint32_t secondsToAnswer = 60;

/// Adds --plugin-isolation and --plugin-timeout, with what `options` holds as their defaults.
void addIsolationOptions(CLI::App &command, IsolationOptions &options);

/// How a plugin ended the process that called it.
struct PluginDeath {
  std::string owner, function; ///< As in target::PluginWatch.
  std::string what;            ///< "crashed with SIGSEGV (Segmentation fault)"
  std::string advice;
  std::string check;       ///< What the call was for, where that was noted.
  bool loading = false;    ///< Before all plugins were loaded.
  bool isInternal = false; ///< In code of llmc, which may be wrong.
  bool hung = false;       ///< It was ended for its time.

  /// One sentence.
  std::string message() const;
};

struct ChildEnd {
  int exitCode = 0;
  std::optional<PluginDeath> death;
};

/// Forks, and returns twice: nothing in the child, where calls into plugins are recorded and
/// TMPDIR is a folder that is removed after its end; in this process how the child ended. To be
/// called before there are threads and plugins. A signal that ends the one ends the other.
/// InputError where no child can be started.
std::optional<ChildEnd> runInChild(CallRecord &record, const IsolationOptions &options);

/// Ends a command as its child ended.
[[noreturn]] void endLike(const ChildEnd &end);

} // namespace llmc
