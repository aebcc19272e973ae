// Which function of a plugin runs: written by the process that calls it, read by the one that
// watches.
#pragma once

#include "targets/Plugin/PluginCall.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llmc {

/// In memory that is shared with the processes that are forked from then on.
class CallRecord final : public target::PluginWatch {
public:
  enum class State : uint32_t {
    Outside, ///< The last call has returned.
    Plugin,
    Host,  ///< In a service of llmc that the plugin called.
    Ending ///< In exit handlers, of llmc and of plugins.
  };
  struct Reading {
    uint64_t call = 0; ///< Number of the last call; 0: there was none.
    State state = State::Outside;
    bool loaded = false;
    std::string owner, function; ///< Of that call, as enter had them.
    std::string thrown;          ///< What ended the process, where an exception did.
    std::string check;
  };

  CallRecord();
  /// What is left to run are exit handlers.
  ~CallRecord() override;
  CallRecord(const CallRecord &) = delete;
  CallRecord &operator=(const CallRecord &) = delete;

  void enter(std::string_view owner, std::string_view function) override;
  void leave() override;
  void enterHost() override;
  void leaveHost() override;
  [[noreturn]] void end(const target::PluginError &broken) override;
  /// All plugins are loaded: these.
  void setLoaded(const std::vector<std::string> &paths);
  /// What the calls to come are for; empty: nothing yet.
  void setCheck(std::string_view check);

  Reading read() const;

private:
  struct Shared;
  Shared &shared;
  std::string plugins; ///< All of them as one owner.
};

/// How long a call has been running, from readings at intervals. Neither services of llmc count nor
/// what this process slept through.
class CallClock {
public:
  using Milliseconds = std::chrono::milliseconds;
  /// `elapsed` since the reading before.
  Milliseconds tick(const CallRecord::Reading &reading, Milliseconds elapsed);

private:
  uint64_t call = 0;
  Milliseconds spent{0};
};

} // namespace llmc
