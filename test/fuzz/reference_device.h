// A device that does nothing but touch every byte it was promised.
#pragma once

#include <vector>

#include "runtime/base/device.h"
#include "runtime/plan/plan.h"

namespace llmc::fuzz {

class ReferenceDevice {
public:
  /// `memories` are those that the session is bound to.
  ReferenceDevice(const rt::Plan &plan, std::vector<llmc_memory> memories);
  ReferenceDevice(const ReferenceDevice &) = delete;

  llmc_device table = {};
  llmc_platform platform = {};
  uint64_t dispatches = 0;
  uint64_t touched = 0; // bytes

private:
  static ReferenceDevice &self(void *ctx) { return *static_cast<ReferenceDevice *>(ctx); }
  /// Reads or writes all of an operand, having compared it with the region it names.
  void touch(const llmc_operand_view &view);
  void inside(const llmc_operand_view &view, const void *base, uint64_t size) const;
  llmc_status submit(const llmc_dispatch &dispatch);
  llmc_status copy(const llmc_dma_request &request);

  const rt::Plan &plan;
  std::vector<llmc_memory> memories;
  std::vector<uint8_t> sink;
};

/// Ends the process with a sentence, as a sanitizer does.
[[noreturn]] void finding(const char *what);

} // namespace llmc::fuzz
