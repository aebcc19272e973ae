#include "guest_device.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <unistd.h>

#include "guest.h"
#include "runtime/base/device.h"

namespace llmc::guest {

namespace {

constexpr llmc_status ok{LLMC_OK, LLMC_AT_NOWHERE, 0};
constexpr uint64_t codeBytes = 16u << 20;
constexpr uint32_t codeAlignment = 4096;

bool equals(const char *data, size_t size, const std::string &text) {
  return text.size() == size && std::memcmp(text.data(), data, size) == 0;
}

/// Whether a shell would find it.
bool isInstalled(const std::string &program) {
  const char *path = std::getenv("PATH");
  const std::string folders = path ? path : "";
  for (size_t begin = 0, end = 0; begin < folders.size(); begin = end + 1) {
    end = std::min(folders.find(':', begin), folders.size());
    if (access((folders.substr(begin, end - begin) + "/" + program).c_str(), X_OK) == 0)
      return true;
  }
  return false;
}

class Device {
public:
  Device(const GuestTarget &target, const char *variant) : target(target), variant(variant) {
    table.struct_size = sizeof table;
    table.abi = LLMC_DEVICE_ABI;
    table.ctx = this;
    table.match = [](void *self, const llmc_target_info *info) {
      return of(self).guarded([&] { return of(self).match(*info); });
    };
    table.attach = [](void *self, const llmc_memory *regions, uint32_t count) {
      return of(self).guarded([&] { return of(self).attach(regions, count); });
    };
    table.submit = [](void *self, const llmc_dispatch *dispatch) {
      return of(self).guarded([&] { return of(self).submit(*dispatch); });
    };
    table.poll = [](void *, uint32_t, uint32_t) { return ok; };
  }
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  static Device &of(void *self) { return *static_cast<Device *>(self); }
  const char *isa() const { return variant.c_str(); }
  const llmc_device &device() const { return table; }
  const std::string &error() const { return text; }

private:
  struct Region {
    llmc_memory memory;
    uint64_t place;
  };

  llmc_status fail(uint8_t code, uint8_t where, std::string message) {
    text = std::move(message);
    return {code, where, 0};
  }
  /// Nothing is thrown through a C table.
  template <class Work> llmc_status guarded(Work work) noexcept {
    try {
      return work();
    } catch (const std::exception &failed) {
      return fail(LLMC_DEVICE_FAULT, LLMC_AT_DEVICE, failed.what());
    }
  }
  llmc_status match(const llmc_target_info &info);
  llmc_status attach(const llmc_memory *memories, uint32_t count);
  llmc_status submit(const llmc_dispatch &dispatch);
  /// Which blob of the guest this code is; brings it there.
  bool place(const void *code, uint64_t size, uint32_t &blob);
  /// Where the guest has it; nothing where it is not within its region.
  std::optional<uint64_t> placeOf(const llmc_operand_view &operand) const;
  /// Writes operands and parameters to where the guest finds them.
  bool bring(const llmc_dispatch &dispatch, guest_call &call);

  const GuestTarget target;
  const std::string variant;
  llmc_device table = {};
  std::unique_ptr<Guest> guest;
  std::vector<Region> regions;
  std::vector<const void *> blobs;
  std::string text;
};

llmc_status Device::match(const llmc_target_info &info) {
  if (equals(info.backend, info.backend_size, target.backend) &&
      equals(info.variant, info.variant_size, variant) && info.abi == target.abi)
    return ok;
  return fail(LLMC_DEVICE_MISMATCH, LLMC_AT_DEVICE,
              "the plan is for " + std::string(info.backend, info.backend_size) + " " +
                  std::string(info.variant, info.variant_size) + ", this is " + target.backend +
                  " " + variant);
}

llmc_status Device::attach(const llmc_memory *memories, uint32_t count) {
  uint64_t all = codeBytes;
  for (uint32_t i = 0; i < count; ++i)
    all += memories[i].size + GUEST_PAGE;
  guest = Guest::start(target.command, all, text);
  regions.clear();
  blobs.clear();
  if (!guest)
    return fail(LLMC_DEVICE_FAULT, LLMC_AT_DEVICE, text);
  for (uint32_t i = 0; i < count; ++i) {
    regions.push_back({memories[i], guest->place(memories[i].size)});
    if (regions[i].place == ~uint64_t(0))
      return fail(LLMC_OUT_OF_RANGE, LLMC_AT_DEVICE,
                  "no memory for region " + std::to_string(i) + " of " +
                      std::to_string(memories[i].size) + " bytes");
    if (memories[i].base != nullptr && memories[i].size != 0)
      std::memcpy(guest->at(regions[i].place), memories[i].base, memories[i].size);
  }
  return ok;
}

bool Device::place(const void *code, uint64_t size, uint32_t &blob) {
  for (blob = 0; blob < blobs.size(); ++blob)
    if (blobs[blob] == code)
      return true;
  if (blob == GUEST_BLOBS) {
    text = "more than " + std::to_string(GUEST_BLOBS) + " blobs";
    return false;
  }
  blobs.push_back(code);
  if (guest->load(blob, code, size, codeAlignment))
    return true;
  text = guest->error();
  return false;
}

std::optional<uint64_t> Device::placeOf(const llmc_operand_view &operand) const {
  if (operand.region >= regions.size())
    return std::nullopt;
  const Region &region = regions[operand.region];
  const uintptr_t base = uintptr_t(operand.base), start = uintptr_t(region.memory.base);
  if (base < start || base - start > region.memory.size ||
      operand.size > region.memory.size - (base - start))
    return std::nullopt;
  return region.place + (base - start);
}

bool Device::bring(const llmc_dispatch &dispatch, guest_call &call) {
  for (uint32_t i = 0; i < dispatch.n_operands; ++i) {
    const llmc_operand_view &operand = dispatch.operands[i];
    const std::optional<uint64_t> place = placeOf(operand);
    if (!place) {
      text = "operand " + std::to_string(i) + " of " + std::to_string(operand.size) +
             " bytes is not within region " + std::to_string(operand.region);
      return false;
    }
    call.operands[i] = *place;
    std::memcpy(guest->at(*place), operand.base, operand.size);
  }
  std::memcpy(call.params, dispatch.params, dispatch.n_params * sizeof(uint32_t));
  call.n_operands = dispatch.n_operands;
  return true;
}

llmc_status Device::submit(const llmc_dispatch &dispatch) {
  uint32_t blob = 0;
  if (!guest)
    return fail(LLMC_DEVICE_FAULT, LLMC_AT_KERNEL, "a kernel before the memory was attached");
  if (dispatch.n_operands > GUEST_OPERANDS || dispatch.n_params > GUEST_PARAMS ||
      dispatch.entry >= dispatch.code_size)
    return fail(LLMC_OUT_OF_RANGE, LLMC_AT_KERNEL, "a kernel of too many operands or parameters");
  if (!place(dispatch.code, dispatch.code_size, blob))
    return fail(LLMC_DEVICE_FAULT, LLMC_AT_KERNEL, text);
  guest_call &call = guest->call();
  if (!bring(dispatch, call))
    return fail(LLMC_OUT_OF_RANGE, LLMC_AT_KERNEL, text);
  call.blob = blob;
  call.entry = dispatch.entry;
  call.parts = 1;
  if (!guest->execute())
    return fail(LLMC_DEVICE_FAULT, LLMC_AT_KERNEL, guest->error());
  for (uint32_t i = 0; i < dispatch.n_operands; ++i)
    if (dispatch.operands[i].access & LLMC_WRITE)
      std::memcpy(dispatch.operands[i].base, guest->at(call.operands[i]),
                  dispatch.operands[i].size);
  return ok;
}

} // namespace

int openDevice(const llmc_target_call *call, const GuestTarget &target, const char *variant,
               llmc_opened_device *device) {
  try {
    if (const std::string &emulator = target.command.front(); !isInstalled(emulator))
      return llmc_refuse(
          call,
          ("there is no " + emulator + " here, which Debian's package qemu-user has").c_str());
    auto *opened = new Device(target, variant);
    device->handle = opened;
    device->table = &opened->device();
    device->isa = opened->isa();
  } catch (const std::exception &failed) {
    return llmc_refuse(call, failed.what());
  }
  device->error = [](void *self, const llmc_sink *sink) {
    const std::string &text = Device::of(self).error();
    sink->write(sink->ctx, text.data(), text.size());
  };
  device->close = [](void *self) { delete &Device::of(self); };
  return 1;
}

} // namespace llmc::guest
