#include "targets/Plugin/CheckPlugin.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>

namespace llmc::target {

namespace {

constexpr uint32_t mostTargets = 256, mostMachines = 256;

/// Names the structs of LLMC_TARGET_PLUGIN_LAYOUT.
constexpr std::array<const char *, LLMC_TARGET_PLUGIN_LAYOUT_SIZES> layoutNames = {
    "llmc_kernel",     "llmc_matmul",         "llmc_vector_chain",   "llmc_chain_step",
    "llmc_embed_rows", "llmc_attention",      "llmc_kernel_operand", "llmc_command",
    "llmc_dma",        "llmc_program",        "llmc_machine",        "llmc_isa_table",
    "llmc_weights",    "llmc_device_figures", "llmc_opened_device",  "llmc_target"};
constexpr uint32_t layout[LLMC_TARGET_PLUGIN_LAYOUT_SIZES] = LLMC_TARGET_PLUGIN_LAYOUT;

std::string layoutProblem(const llmc_plugin &plugin) {
  if (plugin.version_major != LLMC_TARGET_PLUGIN_VERSION_MAJOR ||
      plugin.version_minor != LLMC_TARGET_PLUGIN_VERSION_MINOR)
    return fmt::format("was built for version {}.{} of the plugin interface, this llmc has {}.{}; "
                       "build it again with this llmc's llmc/target_plugin.h",
                       plugin.version_major, plugin.version_minor, LLMC_TARGET_PLUGIN_VERSION_MAJOR,
                       LLMC_TARGET_PLUGIN_VERSION_MINOR);
  if (plugin.struct_size != sizeof plugin)
    return fmt::format("has an llmc_plugin of {} bytes, this llmc one of {}; set struct_size to "
                       "sizeof(llmc_plugin)",
                       plugin.struct_size, sizeof plugin);
  for (size_t i = 0; i < layoutNames.size(); ++i)
    if (plugin.layout[i] != layout[i])
      return fmt::format("has an {} of {} bytes, this llmc one of {}; build it again with this "
                         "llmc's llmc/target_plugin.h, and set layout to LLMC_TARGET_PLUGIN_LAYOUT",
                         layoutNames[i], plugin.layout[i], layout[i]);
  return {};
}

std::string machinesProblem(const llmc_target &target) {
  if (target.n_machines == 0 || target.n_machines > mostMachines)
    return fmt::format("has {} machine descriptions, not 1 to {}", target.n_machines, mostMachines);
  if (!target.machines)
    return "has NULL for its machines";
  for (uint32_t i = 0; i < target.n_machines; ++i)
    if (!target.machines[i])
      return fmt::format("has NULL for machine description {}", i);
  return {};
}

std::string targetProblem(const llmc_target &target) {
  if (target.struct_size != sizeof target)
    return fmt::format("has a struct_size of {}, not {}", target.struct_size, sizeof target);
  if (std::string problem = machinesProblem(target); !problem.empty())
    return problem;
  const std::pair<const char *, bool> mandatory[] = {
      {"supports", bool(target.supports)},
      {"packed_bytes, but one for pack", target.packed_bytes || !target.pack},
      {"pack, but one for packed_bytes", target.pack || !target.packed_bytes},
      {"emit_program nor for emit_kernels", target.emit_program || target.emit_kernels}};
  for (const auto &[function, isThere] : mandatory)
    if (!isThere)
      return fmt::format("has no function for {}", function);
  return {};
}

} // namespace

bool isTargetName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

std::string pluginProblem(const llmc_plugin *plugin) {
  if (!plugin)
    return "returned NULL from " LLMC_TARGET_PLUGIN_ENTRY;
  if (std::string problem = layoutProblem(*plugin); !problem.empty())
    return problem;
  if (!plugin->name || !plugin->version)
    return "has NULL for its name or version";
  if (!plugin->targets || plugin->n_targets == 0 || plugin->n_targets > mostTargets)
    return fmt::format("has {} targets{}, not 1 to {}", plugin->n_targets,
                       plugin->targets ? "" : " at NULL", mostTargets);
  std::set<std::string> names;
  for (uint32_t i = 0; i < plugin->n_targets; ++i) {
    const llmc_target *target = plugin->targets[i];
    if (!target || !target->name || !isTargetName(target->name))
      return fmt::format("has a target {} without a name of 1 to 64 letters, digits, '-', '_' and "
                         "'.'",
                         i);
    if (!names.insert(target->name).second)
      return fmt::format("has two targets named '{}'", target->name);
    if (const std::string problem = targetProblem(*target); !problem.empty())
      return fmt::format("is wrong about target '{}', which {}", target->name, problem);
  }
  return {};
}

} // namespace llmc::target
