// Calls of plugins into llmc: the services that llmc_host lists.
#pragma once

#include "targets/Plugin/PluginCall.h"

#include <exception>
#include <string>

namespace llmc::target {

/// What llmc_host::ctx points to.
struct HostContext {
  PluginWatch &watch;
};

/// Answers a plugin with the refusal that `serve` returns, empty for yes. The watch hears of it,
/// and nothing is thrown into the plugin.
template <class Serve> int answerPlugin(const llmc_target_call *call, Serve serve) noexcept {
  PluginWatch &watch = static_cast<const HostContext *>(call->host->ctx)->watch;
  std::string refusal;
  watch.enterHost();
  try {
    refusal = serve();
  } catch (const std::exception &failed) {
    refusal = failed.what();
  }
  watch.leaveHost();
  return refusal.empty() ? 1 : llmc_refuse(call, refusal.c_str());
}

} // namespace llmc::target
