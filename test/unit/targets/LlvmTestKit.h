// Kernel blobs in memory, as a device would hold them, and random data for them.
#pragma once

#include "targets/Interface/Blob.h"
#include "targets/Interface/IsaTable.h"
#include "targets/Reference/Random.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace llmc::test {

/// A blob mapped writable, copied, then made readable and executable only. `shift` moves the load
/// address by multiples of the blob's alignment.
class BlobImage {
public:
  explicit BlobImage(const target::Blob &blob, uint32_t shift = 0);
  ~BlobImage();
  BlobImage(const BlobImage &) = delete;
  BlobImage &operator=(const BlobImage &) = delete;

  template <class Function> Function *entry(const std::string &name) const {
    return reinterpret_cast<Function *>(address(name));
  }

private:
  void *address(const std::string &name) const;
  std::vector<target::BlobEntry> entries;
  uint8_t *memory = nullptr;
  size_t size = 0, start = 0;
};

/// Bytes of an operand; where they may be written, with what must stay behind them.
struct OperandBytes {
  void *at = nullptr;
  size_t size = 0;
};
template <class Element> OperandBytes operandOf(std::vector<Element> &elements) {
  return {elements.data(), elements.size() * sizeof(Element)};
}

/// A blob where its kernels can be called: in this process, or in a guest of another instruction
/// set.
class RunnableBlob {
public:
  virtual ~RunnableBlob() = default;
  /// All parts of a kernel, the last first. Equal addresses are one operand.
  virtual void run(const std::string &entry, const std::vector<OperandBytes> &operands,
                   const std::vector<uint32_t> &params, uint32_t parts) = 0;
};
/// Null, and "skipped: ..." printed once, where there is no machine for the table's code.
std::unique_ptr<RunnableBlob> runnable(const target::Blob &blob, const target::IsaTable &isa);

/// Instruction sets of guests: AArch64 with sdot, Hexagon with HVX vectors of 128 bytes.
const target::IsaTable &aarch64Dot();
const target::IsaTable &hexagonHvx();

using Kernel = void(void *const *operands, const uint32_t *params, uint32_t part, uint32_t parts);

/// Whether this machine runs the table's code; asks the system for the tiles' state where they are
/// needed. Prints "skipped: no <ISA>" once where not.
bool canRun(const target::IsaTable &isa);

using target::Random;

} // namespace llmc::test
