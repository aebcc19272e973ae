#include "targets/Plugin/PluginTarget.h"

#include "targets/Llvm/Layout/KernelEstimate.h"
#include "targets/Plugin/RowServices.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace llmc::target {

namespace {

constexpr uint32_t mostGranule = 1u << 16, mostVariants = 16;

/// What no layout takes, however it pads.
uint64_t absurdBytes(uint64_t rows, uint64_t columns) {
  return 64 * rows * columns + (uint64_t(1) << 20);
}

int refuseToLower(const llmc_target_call *call, const llmc_kernel *, uint32_t,
                  const llmc_isa_table *, const llmc_blob_sink *) {
  return llmc_refuse(call, "lower_llvm is for emit_kernels alone");
}

} // namespace

llmc_host PluginTarget::smallHost(HostContext &context) {
  llmc_host host{};
  host.struct_size = sizeof host;
  host.ctx = &context;
  host.lower_llvm = refuseToLower;
  addRowServices(host);
  return host;
}

PluginTarget::PluginTarget(const std::string &plugin, const llmc_target &table, PluginWatch &watch)
    : owner(fmt::format("plugin '{}', target '{}'", plugin, table.name)), table(table),
      watch(watch), targetName(table.name) {}

void PluginTarget::broken(const char *function, const std::string &what) const {
  throw PluginError(owner, function, what);
}

const llmc_machine &PluginTarget::plainOf(const Machine &machine) const {
  std::unique_ptr<KnownMachine> &known = machines[machine.digest];
  if (!known)
    known = std::make_unique<KnownMachine>(machine);
  return known->plain.machine();
}

std::vector<MachineText> PluginTarget::descriptions() const {
  std::vector<MachineText> texts;
  for (uint32_t i = 0; i < table.n_machines; ++i)
    texts.push_back({fmt::format("{} of {}", i, owner), table.machines[i]});
  return texts;
}

std::string PluginTarget::machineRefusal(const Machine &machine) const {
  if (machine.dispatch == DispatchKind::Stream && !table.emit_program)
    return fmt::format("machine '{}': target '{}' has no command streams; the description must say "
                       "\"dispatch\": \"kernel\"",
                       machine.name, targetName);
  if (machine.dispatch == DispatchKind::Kernel && !table.emit_kernels)
    return fmt::format("machine '{}': target '{}' has no kernels to dispatch one by one; the "
                       "description must not say \"dispatch\": \"kernel\"",
                       machine.name, targetName);
  return table.check_machine
             ? ask("check_machine", table.check_machine, &plainOf(machine), noLowering).reason
             : "";
}

llmc_properties PluginTarget::properties(const Machine &machine) const {
  llmc_properties properties{sizeof properties, 1, 1, 1};
  if (!table.describe)
    return properties;
  const Verdict done = ask("describe", table.describe, &plainOf(machine), noLowering, &properties);
  if (!done.supported)
    broken("describe",
           "refuses machine '" + machine.name + "', which it describes or took: " + done.reason);
  if (properties.row_granule == 0 || properties.row_granule > mostGranule)
    broken("describe", fmt::format("gives a row_granule of {}, not of 1 to {}",
                                   properties.row_granule, mostGranule));
  if (properties.dynamic_activations > 1 || properties.float_vectors > 1)
    broken("describe", fmt::format("gives dynamic_activations {} and float_vectors {}, which are 0 "
                                   "or 1",
                                   properties.dynamic_activations, properties.float_vectors));
  return properties;
}

Legalization PluginTarget::legalization(const Machine &machine) const {
  const llmc_properties given = properties(machine);
  return {given.dynamic_activations == 1, given.float_vectors == 1};
}

uint32_t PluginTarget::rowGranule(const Machine &machine) const {
  return properties(machine).row_granule;
}

Verdict PluginTarget::supports(const Machine &machine, const KernelWork &work) const {
  const PlainKernel kernel(work);
  return ask("supports", table.supports, &plainOf(machine), noLowering, &kernel.kernel());
}

uint64_t PluginTarget::cycles(const Machine &machine, const KernelWork &work) const {
  uint64_t cycles = 0;
  const PlainKernel kernel(work);
  if (table.cycles &&
      ask("cycles", table.cycles, &plainOf(machine), noLowering, &kernel.kernel(), &cycles)
          .supported)
    return cycles;
  const auto *matmul = std::get_if<Matmul>(&work);
  const bool linear = matmul && matmul->kind == MatmulKind::Linear;
  cycles =
      cyclesOf(machine, work,
               linear ? packedBytes(machine, matmul->format, matmul->n.value, matmul->k.value) : 0);
  // A stream is launched once, not for each command.
  return machine.dispatch == DispatchKind::Kernel ? cycles : cycles - machine.launchCycles;
}

uint64_t PluginTarget::dmaCycles(const Machine &machine, Space offChip, uint64_t bytes,
                                 uint64_t runs, bool isLoad) const {
  const llmc_transfer transfer{bytes, runs, uint32_t(offChip), isLoad};
  uint64_t cycles = 0;
  if (table.transfer_cycles && ask("transfer_cycles", table.transfer_cycles, &plainOf(machine),
                                   noLowering, &transfer, &cycles)
                                   .supported)
    return cycles;
  return copyCycles(machine, offChip, bytes, runs, isLoad);
}

uint64_t PluginTarget::packedBytes(const Machine &machine, const WeightFormat &format,
                                   uint32_t rows, uint32_t columns) const {
  if (!table.packed_bytes)
    return Target::packedBytes(machine, format, rows, columns);
  const llmc_weight_shape shape{target::plainOf(format), rows, columns};
  uint64_t bytes = 0;
  const Verdict taken =
      ask("packed_bytes", table.packed_bytes, &plainOf(machine), noLowering, &shape, &bytes);
  if (!taken.supported) {
    Matmul linear;
    linear.tokens = {1};
    linear.n = {rows};
    linear.k = {columns};
    linear.format = format;
    if (supports(machine, linear).supported)
      broken("packed_bytes", fmt::format("has no size for {} rows of {} columns, which 'supports' "
                                         "takes: {}",
                                         rows, columns, taken.reason));
    return 0;
  }
  if (rows > 0 && columns > 0 && (bytes == 0 || bytes > absurdBytes(rows, columns)))
    broken("packed_bytes",
           fmt::format("gives {} bytes for {} rows of {} columns", bytes, rows, columns));
  return bytes;
}

uint64_t PluginTarget::packedRowsBytes(const Machine &machine, const PackRows &pack) const {
  if (!table.packed_rows_bytes)
    return 0;
  const llmc_pack_rows plain = target::plainOf(pack);
  uint64_t bytes = 0;
  const Verdict packs = ask("packed_rows_bytes", table.packed_rows_bytes, &plainOf(machine),
                            noLowering, &plain, &bytes);
  if (!packs.supported || bytes == 0)
    return 0;
  if (bytes > absurdBytes(uint64_t(pack.tokens.value) * pack.subRows, pack.columns))
    broken("packed_rows_bytes", fmt::format("gives {} bytes for {} rows of {} columns", bytes,
                                            pack.tokens.value * pack.subRows, pack.columns));
  if (const Verdict runs = supports(machine, pack); !runs.supported)
    broken("packed_rows_bytes", fmt::format("gives {} bytes to a kernel that 'supports' refuses: "
                                            "{}",
                                            bytes, runs.reason));
  return bytes;
}

void PluginTarget::pack(const Machine &machine, const WeightRows &rows,
                        std::vector<uint8_t> &out) const {
  if (!table.pack)
    return Target::pack(machine, rows, out);
  constexpr size_t guardBytes = 64;
  constexpr uint8_t guard = 0xa5;
  const uint64_t bytes = packedBytes(machine, rows.format, rows.rows, rows.columns);
  const llmc_weights weights = target::plainOf(rows);
  const size_t start = out.size();
  out.resize(start + bytes);
  out.insert(out.end(), guardBytes, guard);
  const Verdict done =
      ask("pack", table.pack, &plainOf(machine), noLowering, &weights, out.data() + start, bytes);
  if (!done.supported)
    broken("pack", "refuses weights for which 'packed_bytes' has a size: " + done.reason);
  if (std::any_of(out.end() - guardBytes, out.end(), [](uint8_t byte) { return byte != guard; }))
    broken("pack", fmt::format("wrote beyond the {} bytes that it was given", bytes));
  out.resize(start + bytes);
}

Variant PluginTarget::readVariant(const llmc_variant &plain, bool isOnlyOne) const {
  if (!plain.name)
    broken("variants", "gives a variant whose name is NULL");
  Variant variant{printable(plain.name), plain.abi, plain.driver_min, plain.stack_bytes};
  if (variant.name != plain.name || (variant.name.empty() && !isOnlyOne))
    broken("variants", fmt::format("gives a variant the name '{}'", variant.name));
  if (plain.stack_bytes > kKernelStackBytes)
    broken("variants", fmt::format("gives variant '{}' {} bytes of stack, at most {} are possible",
                                   variant.name, plain.stack_bytes, kKernelStackBytes));
  return variant;
}

std::vector<Variant> PluginTarget::variants(const Machine &machine) const {
  if (!table.variants)
    return Target::variants(machine);
  const llmc_variant *list = nullptr;
  uint32_t count = 0;
  const auto listing = [](const llmc_target_call *call, const llmc_target *target,
                          const llmc_variant **list, uint32_t *count) {
    *list = target->variants(call, count);
    return 1;
  };
  ask("variants", +listing, &plainOf(machine), noLowering, &table, &list, &count);
  if (!list || count == 0 || count > mostVariants)
    broken("variants", list ? fmt::format("gives {} variants, not 1 to {}", count, mostVariants)
                            : "returned NULL");
  std::vector<Variant> result;
  std::set<std::string> names;
  for (uint32_t i = 0; i < count; ++i) {
    result.push_back(readVariant(list[i], count == 1));
    if (!names.insert(result.back().name).second)
      broken("variants", fmt::format("gives two variants the name '{}'", result.back().name));
  }
  return result;
}

std::string PluginTarget::disassemble(const std::vector<uint8_t> &blob, std::string &error) const {
  if (!table.disassemble) {
    error = fmt::format("target '{}' does not list its code", targetName);
    return {};
  }
  TextSink text;
  const Verdict done = ask("disassemble", table.disassemble, nullptr, noLowering, blob.data(),
                           uint64_t(blob.size()), text.sink());
  error = done.reason;
  if (!text.problem().empty())
    broken("disassemble", text.problem());
  return done.supported ? text.text() : "";
}

} // namespace llmc::target
