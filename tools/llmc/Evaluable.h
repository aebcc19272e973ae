// A model whose logits can be asked for, whichever way it is executed.
#pragma once

#include "tools/llmc/TextCodec.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace llmc {

struct DeviceOptions;
class DeviceRegistry;

/// What computes a plan: "amx", ..., or "simulated"; and on how many threads of the host.
struct Execution {
  std::string isa;
  uint32_t threads = 1;
};

/// Every function but the destructor throws InputError for what the model or the ids do wrong.
class Evaluable {
public:
  virtual ~Evaluable() = default;
  virtual uint32_t vocabulary() const = 0;
  virtual uint32_t context() const = 0;
  /// Whose figures these are: "rnpu-soc", or "reference".
  virtual std::string device() const = 0;
  /// Nothing for the reference evaluator.
  virtual std::optional<Execution> execution() const { return {}; }
  virtual const TextCodec &text() = 0;
  /// Forgets all positions.
  virtual void reset() = 0;
  /// Feeds ids behind the current position; `logits` becomes those of every one.
  virtual void feed(std::span<const int32_t> ids, std::vector<float> &logits) = 0;
};

/// The plan in `path`, on its device.
std::unique_ptr<Evaluable> openPlan(const std::string &path, const DeviceRegistry &devices,
                                    const DeviceOptions &options);

} // namespace llmc
