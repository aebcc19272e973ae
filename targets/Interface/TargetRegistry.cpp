// The registry of targets: an object passed in, never a static.
#include "targets/Interface/Target.h"

namespace llmc::target {

std::optional<Blob> Target::emitKernels(const Machine &machine, const Variant &,
                                        const std::vector<KernelRequest> &, const HostServices &,
                                        std::string &error) const {
  error = "target '" + name() + "' has no kernels to dispatch one by one, which machine '" +
          machine.name + "' asks for; its description must not say so";
  return std::nullopt;
}

void TargetRegistry::add(std::unique_ptr<Target> target) { targets.push_back(std::move(target)); }

std::vector<std::pair<const Target *, const Machine *>> TargetRegistry::machines() const {
  std::vector<std::pair<const Target *, const Machine *>> all;
  for (const std::unique_ptr<Target> &target : targets)
    for (const Machine &machine : target->machines())
      all.emplace_back(target.get(), &machine);
  return all;
}

std::optional<std::pair<const Target *, const Machine *>>
TargetRegistry::find(const std::string &machineName, std::string &error) const {
  std::string known;
  for (const auto &entry : machines()) {
    if (entry.second->name == machineName)
      return entry;
    known += (known.empty() ? "" : ", ") + entry.second->name;
  }
  error = "unknown target '" + machineName + "'; known targets: " + known;
  return std::nullopt;
}

} // namespace llmc::target
