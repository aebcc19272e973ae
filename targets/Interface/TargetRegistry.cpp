// What targets answer alike, and the registry of targets: an object passed in, never a static.
#include "targets/Interface/Target.h"

#include <fmt/format.h>

namespace llmc::target {

/// Command streams transfer rows of weights and of what is in SRAM as they lie.
static std::string rowAlignmentRefusal(const Machine &machine) {
  constexpr uint32_t rowAlignment = 16;
  for (const Memory &memory : machine.memories)
    if (machine.dispatch == DispatchKind::Stream && memory.alignment > rowAlignment &&
        (memory.kind == MemoryKind::Sram || memory.name == machine.placement.weights))
      return fmt::format("machine '{}': memory '{}' has an alignment of {}; with command streams, "
                         "rows of weights and in SRAM lie at multiples of {} bytes",
                         machine.name, memory.name, memory.alignment, rowAlignment);
  return {};
}

std::optional<std::vector<uint8_t>> Target::emit(const Machine &machine, const Program &program,
                                                 std::string &error) const {
  error = "program '" + program.entry + "': machine '" + machine.name +
          "' has no command streams, its kernels are dispatched one by one";
  return std::nullopt;
}

std::optional<Blob> Target::emitKernels(const Machine &machine, const Variant &,
                                        const std::vector<KernelRequest> &, const HostServices &,
                                        std::string &error) const {
  error = "target '" + name() + "' has no kernels to dispatch one by one, which machine '" +
          machine.name + "' asks for; its description must not say so";
  return std::nullopt;
}

std::unique_ptr<TargetDevice> Target::openDevice(const Machine &machine, const std::string &,
                                                 std::string &error) const {
  error =
      "target '" + name() + "' has no device for machine '" + machine.name + "' on this computer";
  return nullptr;
}

std::optional<std::vector<Machine>>
machinesOf(const Target &target, const std::vector<std::string> &files, std::string &error) {
  auto machines = machinesOf(target.name(), target.descriptions(), files, error);
  if (machines)
    for (const Machine &machine : *machines) {
      error = target.machineRefusal(machine);
      if (error.empty())
        error = rowAlignmentRefusal(machine);
      if (!error.empty())
        return std::nullopt;
    }
  return machines;
}

void TargetRegistry::add(std::unique_ptr<Target> target, std::vector<Machine> machines) {
  entries.push_back({std::move(target), std::move(machines)});
}

std::vector<std::pair<const Target *, const Machine *>> TargetRegistry::machines() const {
  std::vector<std::pair<const Target *, const Machine *>> all;
  for (const Entry &entry : entries)
    for (const Machine &machine : entry.machines)
      all.emplace_back(entry.target.get(), &machine);
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
