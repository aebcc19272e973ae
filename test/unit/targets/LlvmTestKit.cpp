#include "test/unit/targets/LlvmTestKit.h"

#include "test/unit/targets/LlvmGuestKit.h"

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <sys/mman.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace llmc::test {

BlobImage::BlobImage(const target::Blob &blob, uint32_t shift)
    : entries(blob.entries), size(blob.bytes.size() + (size_t(shift) + 1) * blob.alignment),
      start(size_t(shift) * blob.alignment) {
  void *mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED)
    throw std::runtime_error("no memory for a blob");
  memory = static_cast<uint8_t *>(mapped);
  std::memcpy(memory + start, blob.bytes.data(), blob.bytes.size());
  if (mprotect(memory, size, PROT_READ | PROT_EXEC) != 0)
    throw std::runtime_error("a blob cannot be made executable");
}

BlobImage::~BlobImage() { munmap(memory, size); }

void *BlobImage::address(const std::string &name) const {
  for (const target::BlobEntry &entry : entries)
    if (entry.name == name)
      return memory + start + entry.offset;
  throw std::runtime_error("the blob has no entry " + name);
}

#if defined(__x86_64__)
static bool hasTiles() {
  uint32_t a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (1u << 24)) == 0 || (d & (1u << 25)) == 0)
    return false;
  constexpr long requestPermission = 0x1023, tileData = 18;
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}

static bool supported(const target::IsaTable &isa) {
  __builtin_cpu_init();
  if (isa.dot == target::DotKind::MaddUbs || isa.dot == target::DotKind::None ||
      isa.dot == target::DotKind::Vmladava)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool vectors = __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return vectors && (isa.dot != target::DotKind::Tdpbsud || hasTiles());
}
#else
static bool supported(const target::IsaTable &) { return false; }
#endif

bool canRun(const target::IsaTable &isa) {
  const bool can = supported(isa);
  if (!can)
    std::printf("skipped: no %s\n", isa.dot == target::DotKind::Tdpbsud    ? "AMX"
                                    : isa.dot == target::DotKind::Vpdpbusd ? "AVX-512 VNNI"
                                                                           : "AVX2");
  return can;
}

namespace {

class HostBlob final : public RunnableBlob {
public:
  explicit HostBlob(const target::Blob &blob) : image(blob) {}
  void run(const std::string &entry, const std::vector<OperandBytes> &operands,
           const std::vector<uint32_t> &params, uint32_t parts) override {
    std::vector<void *> addresses;
    for (const OperandBytes &operand : operands)
      addresses.push_back(operand.at);
    for (uint32_t part = parts; part-- > 0;)
      image.entry<Kernel>(entry)(addresses.data(), params.data(), part, parts);
  }

private:
  BlobImage image;
};

} // namespace

std::unique_ptr<RunnableBlob> runnable(const target::Blob &blob, const target::IsaTable &isa) {
  for (const target::IsaTable *foreign : {&aarch64Dot(), &hexagonHvx()})
    if (isa.triple == foreign->triple)
      return guestBlob(blob, isa);
  return canRun(isa) ? std::make_unique<HostBlob>(blob) : nullptr;
}

} // namespace llmc::test
