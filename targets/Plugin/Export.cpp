#include "targets/Plugin/Export.h"

#include "targets/Plugin/Convert.h"
#include "targets/Plugin/ExportDevice.h"
#include "targets/Plugin/PlainReader.h"

#include <array>
#include <cstring>
#include <map>

namespace llmc::target {

namespace {

int answer(const llmc_target_call *call, const std::string &refusal) {
  return refusal.empty() ? 1 : llmc_refuse(call, refusal.c_str());
}

int answer(const llmc_target_call *call, const Verdict &verdict) {
  return verdict.supported ? 1 : llmc_refuse(call, verdict.reason.c_str());
}

/// lower_llvm of the caller.
class CallerServices final : public HostServices {
public:
  explicit CallerServices(const llmc_target_call *call) : call(call) {}
  std::optional<Blob> lowerLlvm(const std::vector<KernelRequest> &kernels, const IsaTable &isa,
                                std::string &error) const override;

private:
  const llmc_target_call *call;
};

std::optional<Blob> CallerServices::lowerLlvm(const std::vector<KernelRequest> &kernels,
                                              const IsaTable &isa, std::string &error) const {
  Blob blob;
  const auto code = [](void *ctx, const void *data, size_t size, uint32_t alignment) {
    Blob &to = *static_cast<Blob *>(ctx);
    const auto *bytes = static_cast<const uint8_t *>(data);
    to.bytes.insert(to.bytes.end(), bytes, bytes + size);
    to.alignment = std::max(to.alignment, alignment);
  };
  const auto entry = [](void *ctx, uint32_t offset, uint32_t stackBytes) {
    static_cast<Blob *>(ctx)->entries.push_back({"", offset, stackBytes});
  };
  const llmc_blob_sink sink{&blob, code, entry};
  const llmc_sink reason{&error, [](void *ctx, const void *data, size_t size) {
                           static_cast<std::string *>(ctx)->append(static_cast<const char *>(data),
                                                                   size);
                         }};
  llmc_target_call asked = *call;
  asked.reason = &reason;
  const PlainKernels plain(kernels);
  const llmc_isa_table table = plainOf(isa);
  if (!call->host->lower_llvm(&asked, plain.data(), plain.size(), &table, &sink))
    return std::nullopt;
  return blob;
}

} // namespace

/// The functions of the table; `ctx` is the object.
class ExportedTarget {
public:
  explicit ExportedTarget(std::unique_ptr<Target> exported);
  const llmc_target &table() const { return plain; }
  const Target &target() const { return *inner; }

private:
  static ExportedTarget &self(const llmc_target_call *call) {
    return *static_cast<ExportedTarget *>(call->ctx);
  }
  /// Read once for each digest.
  const Machine &machineOf(const llmc_target_call *call);
  const std::vector<llmc_variant> &variantsOf(const Machine &machine);

  static int checkMachine(const llmc_target_call *call);
  static int describe(const llmc_target_call *call, llmc_properties *properties);
  static int supports(const llmc_target_call *call, const llmc_kernel *kernel);
  static int cycles(const llmc_target_call *call, const llmc_kernel *kernel, uint64_t *cycles);
  static int transferCycles(const llmc_target_call *call, const llmc_transfer *transfer,
                            uint64_t *cycles);
  static int packedBytes(const llmc_target_call *call, const llmc_weight_shape *shape,
                         uint64_t *bytes);
  static int pack(const llmc_target_call *call, const llmc_weights *weights, uint8_t *out,
                  uint64_t bytes);
  static int packedRowsBytes(const llmc_target_call *call, const llmc_pack_rows *rows,
                             uint64_t *bytes);
  static const llmc_variant *variants(const llmc_target_call *call, uint32_t *count);
  static int emitProgram(const llmc_target_call *call, const llmc_program *program,
                         const llmc_sink *code);
  static int emitKernels(const llmc_target_call *call, const llmc_variant *variant,
                         const llmc_kernel *kernels, uint32_t count, const llmc_blob_sink *blob);
  static int disassemble(const llmc_target_call *call, const uint8_t *code, uint64_t size,
                         const llmc_sink *text);
  static int openDevice(const llmc_target_call *call, const char *variant,
                        llmc_opened_device *device);

  struct Variants {
    std::vector<Variant> named;
    std::vector<llmc_variant> plain;
  };
  const std::unique_ptr<Target> inner;
  const std::vector<MachineText> texts;
  std::vector<const char *> machineTexts;
  std::map<MachineDigest, Machine> machines;
  std::map<MachineDigest, Variants> variantLists;
  std::vector<uint8_t> packed; ///< Kept, so that packing does not allocate for every block.
  llmc_target plain{};
};

ExportedTarget::ExportedTarget(std::unique_ptr<Target> exported)
    : inner(std::move(exported)), texts(inner->descriptions()) {
  for (const MachineText &text : texts)
    machineTexts.push_back(text.text.c_str());
  plain.struct_size = sizeof plain;
  plain.n_machines = uint32_t(machineTexts.size());
  plain.name = inner->name().c_str();
  plain.ctx = this;
  plain.machines = machineTexts.data();
  plain.check_machine = checkMachine;
  plain.describe = describe;
  plain.supports = supports;
  plain.cycles = cycles;
  plain.transfer_cycles = transferCycles;
  if (!inner->readsRowRecords()) {
    plain.packed_bytes = packedBytes;
    plain.pack = pack;
  }
  plain.packed_rows_bytes = packedRowsBytes;
  plain.variants = variants;
  plain.emit_program = emitProgram;
  plain.emit_kernels = emitKernels;
  plain.disassemble = disassemble;
  plain.open_device = inner->hasDevice() ? openDevice : nullptr;
}

const Machine &ExportedTarget::machineOf(const llmc_target_call *call) {
  MachineDigest digest;
  std::memcpy(digest.data(), call->machine->digest, digest.size());
  auto known = machines.find(digest);
  if (known == machines.end()) {
    std::string error;
    // llmc has read this text before, so that it can be read.
    known = machines.emplace(digest, *parseMachine(call->machine->json, "", error)).first;
  }
  return known->second;
}

int ExportedTarget::checkMachine(const llmc_target_call *call) {
  ExportedTarget &to = self(call);
  return answer(call, to.inner->machineRefusal(to.machineOf(call)));
}

int ExportedTarget::describe(const llmc_target_call *call, llmc_properties *properties) {
  ExportedTarget &to = self(call);
  const Legalization wanted = to.inner->legalization(to.machineOf(call));
  properties->row_granule = to.inner->rowGranule(to.machineOf(call));
  properties->dynamic_activations = wanted.dynamicActivations;
  properties->float_vectors = wanted.floatVectors;
  return 1;
}

int ExportedTarget::supports(const llmc_target_call *call, const llmc_kernel *kernel) {
  ExportedTarget &to = self(call);
  PlainReader reader;
  const KernelWork work = reader.work(*kernel);
  return reader.error.empty() ? answer(call, to.inner->supports(to.machineOf(call), work))
                              : answer(call, reader.error);
}

int ExportedTarget::cycles(const llmc_target_call *call, const llmc_kernel *kernel,
                           uint64_t *cycles) {
  ExportedTarget &to = self(call);
  PlainReader reader;
  *cycles = to.inner->cycles(to.machineOf(call), reader.work(*kernel));
  return answer(call, reader.error);
}

int ExportedTarget::transferCycles(const llmc_target_call *call, const llmc_transfer *transfer,
                                   uint64_t *cycles) {
  ExportedTarget &to = self(call);
  PlainReader reader;
  *cycles = to.inner->dmaCycles(to.machineOf(call), reader.space(transfer->space), transfer->bytes,
                                transfer->runs, transfer->is_load);
  return answer(call, reader.error);
}

int ExportedTarget::packedBytes(const llmc_target_call *call, const llmc_weight_shape *shape,
                                uint64_t *bytes) {
  ExportedTarget &to = self(call);
  PlainReader reader;
  const WeightFormat format = reader.format(shape->format);
  *bytes = to.inner->packedBytes(to.machineOf(call), format, shape->rows, shape->columns);
  if (*bytes == 0 && shape->rows > 0 && reader.error.empty())
    return llmc_refuse(call, "there is no layout for such weights");
  return answer(call, reader.error);
}

int ExportedTarget::pack(const llmc_target_call *call, const llmc_weights *weights, uint8_t *out,
                         uint64_t bytes) {
  ExportedTarget &to = self(call);
  PlainReader reader;
  const WeightRows rows = reader.weights(*weights);
  if (!reader.error.empty())
    return answer(call, reader.error);
  to.packed.clear();
  to.inner->pack(to.machineOf(call), rows, to.packed);
  if (to.packed.size() != bytes)
    return llmc_refuse(call, "internal error: another size was packed than there is room for");
  if (bytes > 0)
    std::memcpy(out, to.packed.data(), bytes);
  return 1;
}

int ExportedTarget::packedRowsBytes(const llmc_target_call *call, const llmc_pack_rows *rows,
                                    uint64_t *bytes) {
  ExportedTarget &to = self(call);
  PlainReader reader;
  *bytes = to.inner->packedRowsBytes(to.machineOf(call), reader.packRows(*rows));
  return answer(call, reader.error);
}

const llmc_variant *ExportedTarget::variants(const llmc_target_call *call, uint32_t *count) {
  ExportedTarget &to = self(call);
  const Machine &machine = to.machineOf(call);
  Variants &list = to.variantLists[machine.digest];
  if (list.plain.empty()) {
    list.named = to.inner->variants(machine);
    for (const Variant &variant : list.named)
      list.plain.push_back(
          {variant.name.c_str(), variant.abi, variant.driverMin, variant.stackBytes, 0});
  }
  *count = uint32_t(list.plain.size());
  return list.plain.data();
}

int ExportedTarget::emitProgram(const llmc_target_call *call, const llmc_program *program,
                                const llmc_sink *code) {
  ExportedTarget &to = self(call);
  PlainReader reader;
  const Program read = reader.program(*program);
  std::string error = reader.error;
  if (!error.empty())
    return answer(call, error);
  const auto bytes = to.inner->emit(to.machineOf(call), read, error);
  if (bytes)
    code->write(code->ctx, bytes->data(), bytes->size());
  return bytes ? 1 : answer(call, error);
}

int ExportedTarget::emitKernels(const llmc_target_call *call, const llmc_variant *variant,
                                const llmc_kernel *kernels, uint32_t count,
                                const llmc_blob_sink *sink) {
  ExportedTarget &to = self(call);
  PlainReader reader;
  std::vector<KernelRequest> requests;
  for (uint32_t i = 0; i < count; ++i)
    requests.push_back(reader.request(kernels[i]));
  std::string error = reader.error;
  if (!error.empty())
    return answer(call, error);
  const Variant asked{variant->name, variant->abi, variant->driver_min, variant->stack_bytes};
  const std::optional<Blob> blob =
      to.inner->emitKernels(to.machineOf(call), asked, requests, CallerServices(call), error);
  if (!blob)
    return answer(call, error);
  sink->code(sink->ctx, blob->bytes.data(), blob->bytes.size(), blob->alignment);
  for (const BlobEntry &entry : blob->entries)
    sink->entry(sink->ctx, entry.offset, entry.stackBytes);
  return 1;
}

int ExportedTarget::disassemble(const llmc_target_call *call, const uint8_t *code, uint64_t size,
                                const llmc_sink *text) {
  std::string error;
  const std::string listing = self(call).inner->disassemble({code, code + size}, error);
  if (!error.empty())
    return answer(call, error);
  text->write(text->ctx, listing.data(), listing.size());
  return 1;
}

int ExportedTarget::openDevice(const llmc_target_call *call, const char *variant,
                               llmc_opened_device *device) {
  ExportedTarget &to = self(call);
  std::string error;
  std::unique_ptr<TargetDevice> opened = to.inner->openDevice(to.machineOf(call), variant, error);
  if (!opened)
    return answer(call, error);
  exportDevice(std::move(opened), *device);
  return 1;
}

ExportedPlugin::ExportedPlugin(std::unique_ptr<Target> exported)
    : target(std::make_unique<ExportedTarget>(std::move(exported))), targets{&target->table()},
      plain{sizeof(llmc_plugin),
            LLMC_TARGET_PLUGIN_VERSION_MAJOR,
            LLMC_TARGET_PLUGIN_VERSION_MINOR,
            1,
            LLMC_TARGET_PLUGIN_LAYOUT,
            target->target().name().c_str(),
            LLMC_VERSION,
            targets} {}

ExportedPlugin::~ExportedPlugin() = default;

} // namespace llmc::target
