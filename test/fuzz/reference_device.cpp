#include "test/fuzz/reference_device.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace llmc::fuzz {

using rt::Status;

void finding(const char *what) {
  std::fprintf(stderr, "finding: %s\n", what);
  std::abort();
}

ReferenceDevice::ReferenceDevice(const rt::Plan &plan, std::vector<llmc_memory> memories)
    : plan(plan), memories(std::move(memories)) {
  table.struct_size = sizeof(table);
  table.abi = LLMC_DEVICE_ABI;
  table.ctx = this;
  table.match = [](void *, const llmc_target_info *) -> llmc_status { return Status(); };
  table.load = [](void *ctx, uint32_t, const void *code, size_t size) -> llmc_status {
    self(ctx).sink.assign(static_cast<const uint8_t *>(code),
                          static_cast<const uint8_t *>(code) + size);
    return Status();
  };
  table.submit = [](void *ctx, const llmc_dispatch *d) { return self(ctx).submit(*d); };
  table.dma = [](void *ctx, const llmc_dma_request *r) { return self(ctx).copy(*r); };
  table.poll = [](void *, uint32_t, uint32_t) -> llmc_status { return Status(); };
  // Maintenance is of ranges: it touches nothing, but what it names must be there.
  table.clean = table.invalidate = [](void *ctx, void *base, size_t size) {
    llmc_operand_view view = {base, size, 0, LLMC_READ, 0};
    for (const llmc_memory &memory : self(ctx).memories)
      if (uintptr_t(base) - uintptr_t(memory.base) < memory.size)
        return self(ctx).inside({base, size, uint16_t(&memory - self(ctx).memories.data()), 0, 0},
                                view.base, size);
    finding("cache maintenance outside every region");
  };
  platform.struct_size = sizeof(platform);
  platform.abi = LLMC_PLATFORM_ABI;
  platform.ctx = this;
  platform.host_call = [](void *ctx, uint32_t, const llmc_operand_view *operands, uint32_t n,
                          const uint32_t *, uint32_t) -> llmc_status {
    for (uint32_t i = 0; i < n; ++i)
      self(ctx).touch(operands[i]);
    return Status();
  };
}

void ReferenceDevice::inside(const llmc_operand_view &view, const void *base, uint64_t size) const {
  if (view.region >= memories.size())
    finding("an operand names a region that is not there");
  const llmc_memory &memory = memories[view.region];
  if (!rt::fits(uintptr_t(base) - uintptr_t(memory.base), size, memory.size))
    finding("an operand leaves its region");
}

void ReferenceDevice::touch(const llmc_operand_view &view) {
  inside(view, view.base, view.size);
  touched += view.size;
  if (view.access & LLMC_READ)
    sink.assign(static_cast<const uint8_t *>(view.base),
                static_cast<const uint8_t *>(view.base) + view.size);
  if (view.access & LLMC_WRITE)
    std::memset(view.base, int(dispatches), view.size);
  if ((view.access & LLMC_WRITE) && plan.regions()[view.region].lifetime == rt::Lifetime::Constant)
    finding("a constant region is written");
}

llmc_status ReferenceDevice::submit(const llmc_dispatch &dispatch) {
  ++dispatches;
  if (dispatch.n_params != plan.params().size)
    finding("a dispatch has other parameters than the plan");
  for (uint32_t i = 0; i < dispatch.n_params; ++i)
    if (dispatch.params[i] > plan.params()[i].max)
      finding("a parameter is beyond its stated maximum");
  const auto *code = static_cast<const uint8_t *>(dispatch.code);
  sink.assign(code, code + dispatch.code_size);
  for (uint32_t i = 0; i < dispatch.n_operands; ++i)
    touch(dispatch.operands[i]);
  return Status();
}

llmc_status ReferenceDevice::copy(const llmc_dma_request &r) {
  ++dispatches;
  uint64_t between = r.rows - 1;
  inside(r.src, r.src.base, between * r.src_pitch + r.row_bytes);
  inside(r.dst, r.dst.base, between * r.dst_pitch + r.row_bytes);
  if (between * r.src_pitch + r.row_bytes > r.src.size ||
      between * r.dst_pitch + r.row_bytes > r.dst.size)
    finding("a copy leaves its operand");
  for (uint32_t row = 0; row < r.rows; ++row)
    std::memmove(static_cast<uint8_t *>(r.dst.base) + size_t(row) * r.dst_pitch,
                 static_cast<const uint8_t *>(r.src.base) + size_t(row) * r.src_pitch, r.row_bytes);
  touched += uint64_t(r.rows) * r.row_bytes;
  return Status();
}

} // namespace llmc::fuzz
