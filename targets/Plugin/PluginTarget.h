// A target of a plugin as the compiler's.
#pragma once

#include "targets/Interface/Target.h"
#include "targets/Plugin/Convert.h"
#include "targets/Plugin/HostCall.h"
#include "targets/Plugin/PluginCall.h"

#include <fmt/format.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace llmc::target {

/// Every answer is checked, and one that breaks the interface ends in PluginError. The table has
/// been checked by CheckPlugin.h and outlives the target, as the watch does.
class PluginTarget final : public Target {
public:
  PluginTarget(const std::string &plugin, const llmc_target &table, PluginWatch &watch);

  const std::string &name() const override { return targetName; }
  std::vector<MachineText> descriptions() const override;
  std::string machineRefusal(const Machine &machine) const override;
  Legalization legalization(const Machine &machine) const override;
  Verdict supports(const Machine &machine, const KernelWork &work) const override;
  uint64_t cycles(const Machine &machine, const KernelWork &work) const override;
  uint64_t dmaCycles(const Machine &machine, Space offChip, uint64_t bytes, uint64_t runs,
                     bool isLoad) const override;
  uint32_t rowGranule(const Machine &machine) const override;
  bool readsRowRecords() const override { return !table.pack; }
  uint64_t packedBytes(const Machine &machine, const WeightFormat &format, uint32_t rows,
                       uint32_t columns) const override;
  uint64_t packedRowsBytes(const Machine &machine, const PackRows &pack) const override;
  void pack(const Machine &machine, const WeightRows &rows,
            std::vector<uint8_t> &out) const override;
  std::optional<std::vector<uint8_t>> emit(const Machine &machine, const Program &program,
                                           std::string &error) const override;
  std::vector<Variant> variants(const Machine &machine) const override;
  std::optional<Blob> emitKernels(const Machine &machine, const Variant &variant,
                                  const std::vector<KernelRequest> &kernels,
                                  const HostServices &host, std::string &error) const override;
  std::string disassemble(const std::vector<uint8_t> &blob, std::string &error) const override;
  bool hasDevice() const override { return table.open_device; }
  std::unique_ptr<TargetDevice> openDevice(const Machine &machine, const std::string &variant,
                                           std::string &error) const override;

private:
  struct KnownMachine {
    Machine machine;
    PlainMachine plain{machine};
    explicit KnownMachine(const Machine &from) : machine(from) {}
  };
  class Host;
  /// The table of services without lower_llvm.
  static llmc_host smallHost(HostContext &context);

  const llmc_machine &plainOf(const Machine &machine) const;
  /// Calls an optional or mandatory function that says yes or no.
  template <typename Function, typename... Arguments>
  Verdict ask(const char *function, Function *entry, const llmc_machine *machine,
              const llmc_host &host, Arguments... arguments) const;
  [[noreturn]] void broken(const char *function, const std::string &what) const;
  llmc_properties properties(const Machine &machine) const;
  Variant readVariant(const llmc_variant &plain, bool isOnlyOne) const;
  void checkBlob(const Blob &blob, size_t kernels) const;

  const std::string owner; ///< For messages: plugin and target.
  const llmc_target &table;
  PluginWatch &watch;
  HostContext context{watch};
  const llmc_host noLowering = smallHost(context); ///< Services at any time.
  const std::string targetName;
  mutable std::map<MachineDigest, std::unique_ptr<KnownMachine>> machines;
};

template <typename Function, typename... Arguments>
Verdict PluginTarget::ask(const char *function, Function *entry, const llmc_machine *machine,
                          const llmc_host &host, Arguments... arguments) const {
  TextSink reason;
  const llmc_target_call call{sizeof call, 0, table.ctx, &host, machine, reason.sink()};
  const int answer = callPlugin(watch, owner, function, [&] { return entry(&call, arguments...); });
  if (answer == 1)
    return {};
  if (answer != 0)
    broken(function, fmt::format("returned {}, which is neither 1 (yes) nor 0 (no)", answer));
  const std::string text = printable(reason.text());
  if (text.empty())
    broken(function, "said no without a reason");
  return {false, text};
}

/// The device of an opened table, which is checked and closed by the one that is returned. Null
/// with the error set where it cannot be used.
std::unique_ptr<TargetDevice> pluginDevice(const llmc_opened_device &opened, const Machine &machine,
                                           const std::string &owner, PluginWatch &watch);

} // namespace llmc::target
