#include "test/unit/targets/LlvmGuestKit.h"

#include "guest.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <stdexcept>

namespace llmc::test {

using guest::Guest;

const target::IsaTable &aarch64Dot() {
  static const target::IsaTable table{
      .name = "aarch64-dotprod",
      .triple = "aarch64-unknown-none-elf",
      .cpu = "generic",
      .features = "+v8.2a,+dotprod",
      .abi = "",
      .vectorBits = 128,
      .dot = target::DotKind::Described,
      .products = {.intrinsic = "llvm.aarch64.neon.sdot.v4i32.v16i8", .lanes = 4},
      .halfConversion = true,
      .fusedMultiplyAdd = true,
      .blobAlignment = 4096};
  return table;
}

const target::IsaTable &hexagonHvx() {
  static const target::IsaTable table{
      .name = "hexagon-hvx",
      .triple = "hexagon-unknown-none-elf",
      .cpu = "hexagonv67",
      .features = "+hvxv67,+hvx-length128b",
      .abi = "",
      .vectorBits = 1024,
      .dot = target::DotKind::Described,
      .products = {.intrinsic = "llvm.hexagon.V6.vrmpybv.acc.128B", .lanes = 32, .words = true}};
  return table;
}

namespace {

constexpr uint64_t sharedBytes = 64u << 20;

/// One emulator for all blobs of an architecture. Null where there is none.
Guest *guestFor(const std::string &architecture) {
  static std::map<std::string, std::unique_ptr<Guest>> guests;
  const auto [place, isNew] = guests.try_emplace(architecture);
  if (!isNew)
    return place->second.get();
  const std::string emulator = "qemu-" + architecture;
  if (std::system(("command -v " + emulator + " > /dev/null").c_str()) != 0) {
    std::printf("skipped: no %s\n", emulator.c_str());
    return nullptr;
  }
  std::string error;
  place->second =
      Guest::start({emulator, LLMC_GUEST_RUNNERS "/runner-" + architecture}, sharedBytes, error);
  if (!place->second)
    throw std::runtime_error(error);
  return place->second.get();
}

class GuestBlob final : public RunnableBlob {
public:
  GuestBlob(Guest &guest, const target::Blob &blob) : guest(guest), entries(blob.entries) {
    if (!guest.load(0, blob.bytes.data(), blob.bytes.size(), blob.alignment))
      throw std::runtime_error(guest.error());
  }

  void run(const std::string &entry, const std::vector<OperandBytes> &operands,
           const std::vector<uint32_t> &params, uint32_t parts) override {
    guest.clear();
    std::map<void *, uint64_t> places; // Equal addresses are one operand.
    guest_call &call = guest.call();
    call.n_operands = uint32_t(operands.size());
    for (size_t i = 0; i < operands.size(); ++i) {
      const auto [place, isNew] = places.try_emplace(operands[i].at);
      if (isNew)
        place->second = copyIn(operands[i]);
      call.operands[i] = place->second;
    }
    std::copy(params.begin(), params.end(), call.params);
    call.entry = offsetOf(entry);
    call.parts = parts;
    call.blob = 0;
    if (!guest.execute())
      throw std::runtime_error(guest.error());
    for (const OperandBytes &operand : operands)
      if (operand.size != 0)
        std::memcpy(operand.at, guest.at(places.at(operand.at)), operand.size);
  }

private:
  /// As much beside a multiple of 64 as it lies here.
  uint64_t copyIn(const OperandBytes &operand) {
    const uint64_t beside = reinterpret_cast<uintptr_t>(operand.at) % 64;
    const uint64_t place = guest.place(operand.size + beside);
    if (place == ~uint64_t(0))
      throw std::runtime_error("the guest's memory is too small");
    if (operand.size != 0)
      std::memcpy(guest.at(place + beside), operand.at, operand.size);
    return place + beside;
  }
  uint32_t offsetOf(const std::string &name) const {
    for (const target::BlobEntry &entry : entries)
      if (entry.name == name)
        return entry.offset;
    throw std::runtime_error("the blob has no entry " + name);
  }

  Guest &guest;
  std::vector<target::BlobEntry> entries;
};

} // namespace

std::unique_ptr<RunnableBlob> guestBlob(const target::Blob &blob, const target::IsaTable &isa) {
  Guest *guest = guestFor(isa.triple.substr(0, isa.triple.find('-')));
  return guest ? std::make_unique<GuestBlob>(*guest, blob) : nullptr;
}

} // namespace llmc::test
