// Kernel blobs in memory, as a device would hold them, and random data for them.
#pragma once

#include "targets/Interface/Blob.h"
#include "targets/Interface/IsaTable.h"
#include "targets/Reference/Random.h"

#include <cstdint>
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

using Kernel = void(void *const *operands, const uint32_t *params, uint32_t part, uint32_t parts);

/// Whether this machine runs the table's code; asks the system for the tiles' state where they are
/// needed. Prints "skipped: no <ISA>" once where not.
bool canRun(const target::IsaTable &isa);

using target::Random;

} // namespace llmc::test
