// Code of plugins, and the services of llmc for it.
#include "targets/Plugin/PluginTarget.h"

#include "targets/Plugin/HostCall.h"
#include "targets/Plugin/PlainReader.h"
#include "targets/Plugin/RowServices.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::target {

namespace {

bool isPowerOfTwo(uint32_t value) { return value != 0 && (value & (value - 1)) == 0; }

/// What a plugin writes to a blob sink.
class BlobSink {
public:
  BlobSink() = default;
  BlobSink(const BlobSink &) = delete;
  BlobSink &operator=(const BlobSink &) = delete;

  const llmc_blob_sink *sink() const { return &plain; }
  Blob blob; ///< Without the entries' names.
  TextSink code;
  std::string problem;

private:
  static void addCode(void *ctx, const void *data, size_t size, uint32_t alignment) noexcept {
    auto &self = *static_cast<BlobSink *>(ctx);
    if (!isPowerOfTwo(alignment) || alignment > kMostBlobAlignment)
      self.problem = "wrote code with an alignment that is not a power of two up to 4096";
    self.blob.alignment = std::max(self.blob.alignment, alignment);
    self.code.sink()->write(self.code.sink()->ctx, data, size);
  }
  static void addEntry(void *ctx, uint32_t offset, uint32_t stackBytes) noexcept {
    auto &self = *static_cast<BlobSink *>(ctx);
    if (self.blob.entries.size() < mostEntries)
      self.blob.entries.push_back({"", offset, stackBytes});
  }

  static constexpr size_t mostEntries = 1u << 20;
  llmc_blob_sink plain{this, addCode, addEntry};
};

} // namespace

std::optional<std::vector<uint8_t>>
PluginTarget::emit(const Machine &machine, const Program &program, std::string &error) const {
  if (!table.emit_program) // Machines with streams were refused.
    return Target::emit(machine, program, error);
  const PlainProgram plain(program);
  TextSink code;
  const Verdict done = ask("emit_program", table.emit_program, &plainOf(machine), noLowering,
                           &plain.program(), code.sink());
  if (!done.supported) {
    error = done.reason;
    return std::nullopt;
  }
  if (!code.problem().empty())
    broken("emit_program", code.problem());
  if (code.text().empty())
    broken("emit_program", "wrote no code for program '" + program.entry + "'");
  return std::vector<uint8_t>(code.text().begin(), code.text().end());
}

/// The services of llmc, for one call.
class PluginTarget::Host : HostContext {
public:
  Host(const HostServices &services, PluginWatch &watch) : HostContext{watch}, services(services) {}
  Host(const Host &) = delete;
  Host &operator=(const Host &) = delete;

  llmc_host table() {
    llmc_host host{};
    host.struct_size = sizeof host;
    host.ctx = static_cast<HostContext *>(this);
    host.lower_llvm = lowerLlvm;
    addRowServices(host);
    return host;
  }

private:
  static int lowerLlvm(const llmc_target_call *call, const llmc_kernel *kernels, uint32_t count,
                       const llmc_isa_table *isa, const llmc_blob_sink *blob) noexcept {
    return answerPlugin(call, [&] {
      const auto &self = static_cast<const Host &>(*static_cast<HostContext *>(call->host->ctx));
      std::string error;
      self.lower(kernels, count, isa, blob, error);
      return error;
    });
  }

  void lower(const llmc_kernel *kernels, uint32_t count, const llmc_isa_table *isa,
             const llmc_blob_sink *blob, std::string &error) const {
    if (!isa || !blob || (count > 0 && !kernels)) {
      error = "lower_llvm was given NULL";
      return;
    }
    PlainReader reader;
    const IsaTable table = reader.isa(*isa);
    std::vector<KernelRequest> requests;
    for (uint32_t i = 0; i < count && reader.error.empty(); ++i)
      requests.push_back(reader.request(kernels[i]));
    if (!reader.error.empty()) {
      error = "lower_llvm was given what it does not take: " + reader.error;
      return;
    }
    const std::optional<Blob> code = services.lowerLlvm(requests, table, error);
    if (!code)
      return;
    blob->code(blob->ctx, code->bytes.data(), code->bytes.size(), code->alignment);
    for (const BlobEntry &entry : code->entries)
      blob->entry(blob->ctx, entry.offset, entry.stackBytes);
  }

  const HostServices &services;
};

void PluginTarget::checkBlob(const Blob &blob, size_t kernels) const {
  if (blob.entries.size() != kernels)
    broken("emit_kernels",
           fmt::format("gave {} entries for {} kernels", blob.entries.size(), kernels));
  for (const BlobEntry &entry : blob.entries) {
    if (entry.offset >= blob.bytes.size()) // A set bit 0 is within the first instruction.
      broken("emit_kernels", fmt::format("put kernel '{}' at byte {} of {} bytes of code",
                                         entry.name, entry.offset, blob.bytes.size()));
    if (entry.stackBytes > kKernelStackBytes)
      broken("emit_kernels", fmt::format("gave kernel '{}' {} bytes of stack, at most {} are "
                                         "possible",
                                         entry.name, entry.stackBytes, kKernelStackBytes));
  }
}

std::optional<Blob> PluginTarget::emitKernels(const Machine &machine, const Variant &variant,
                                              const std::vector<KernelRequest> &kernels,
                                              const HostServices &services,
                                              std::string &error) const {
  if (!table.emit_kernels) // Machines whose kernels are dispatched were refused.
    return Target::emitKernels(machine, variant, kernels, services, error);
  const PlainKernels plain(kernels);
  const llmc_variant plainVariant{variant.name.c_str(), variant.abi, variant.driverMin,
                                  variant.stackBytes, 0};
  Host host(services, watch);
  const llmc_host hostTable = host.table();
  BlobSink sink;
  const Verdict done = ask("emit_kernels", table.emit_kernels, &plainOf(machine), hostTable,
                           &plainVariant, plain.data(), plain.size(), sink.sink());
  if (!done.supported) {
    error = done.reason;
    return std::nullopt;
  }
  for (const std::string &problem : {sink.problem, sink.code.problem()})
    if (!problem.empty())
      broken("emit_kernels", problem);
  Blob blob = std::move(sink.blob);
  blob.bytes.assign(sink.code.text().begin(), sink.code.text().end());
  for (size_t i = 0; i < std::min(kernels.size(), blob.entries.size()); ++i)
    blob.entries[i].name = kernels[i].name;
  checkBlob(blob, kernels.size());
  return blob;
}

std::unique_ptr<TargetDevice> PluginTarget::openDevice(const Machine &machine,
                                                       const std::string &variant,
                                                       std::string &error) const {
  if (!table.open_device)
    return Target::openDevice(machine, variant, error);
  llmc_opened_device opened{};
  opened.struct_size = sizeof opened;
  const llmc_machine &plain = plainOf(machine);
  const Verdict done =
      ask("open_device", table.open_device, &plain, noLowering, variant.c_str(), &opened);
  if (!done.supported) {
    error = done.reason;
    return nullptr;
  }
  return pluginDevice(opened, machine, owner, watch);
}

} // namespace llmc::target
