// The parts of the fixture that know no model: memory, device, machine.
#include <cstdlib>
#include <stdexcept>

#include "runtime/schema/explain.h"
#include "test/unit/runtime/plan_fixture.h"

namespace llmc::test {

using namespace llmc::rt;

Memory::Memory(size_t size, size_t align) : bytes(nullptr), count(size) {
  void *p = nullptr;
  if (posix_memalign(&p, align, size ? size : 1))
    throw std::bad_alloc();
  bytes = static_cast<uint8_t *>(p);
  std::memset(bytes, 0xA5, size);
}
Memory Memory::of(const std::vector<uint8_t> &from) {
  Memory memory(from.size());
  std::memcpy(memory.bytes, from.data(), from.size());
  return memory;
}
Memory::~Memory() { std::free(bytes); }
Memory::Memory(Memory &&other) noexcept : bytes(other.bytes), count(other.count) {
  other.bytes = nullptr;
  other.count = 0;
}

ScriptedDevice::ScriptedDevice() {
  table.struct_size = sizeof(table);
  table.abi = LLMC_DEVICE_ABI;
  table.ctx = this;
  table.match = [](void *ctx, const llmc_target_info *info) -> llmc_status {
    self(ctx).calls.push_back("match " + std::string(info->backend, info->backend_size));
    return self(ctx).refuse ? Status(LLMC_DEVICE_FAULT) : Status();
  };
  table.attach = [](void *ctx, const llmc_memory *, uint32_t n) -> llmc_status {
    self(ctx).calls.push_back("attach " + std::to_string(n));
    return Status();
  };
  table.load = [](void *ctx, uint32_t kernel, const void *code, size_t size) -> llmc_status {
    std::string first = std::to_string(*static_cast<const uint8_t *>(code));
    self(ctx).calls.push_back("load " + std::to_string(kernel) + " at " + first + " size " +
                              std::to_string(size));
    return Status();
  };
  table.submit = [](void *ctx, const llmc_dispatch *d) -> llmc_status {
    Submission s{d->queue, d->kernel, d->tag, {}, {}};
    s.operands.assign(d->operands, d->operands + d->n_operands);
    s.params.assign(d->params, d->params + d->n_params);
    s.code = d->code;
    s.codeSize = d->code_size;
    s.entry = d->entry;
    return self(ctx).enqueue(s);
  };
  table.dma = [](void *ctx, const llmc_dma_request *r) -> llmc_status {
    Submission s{r->queue, none32, r->tag, {r->src, r->dst}, {}, true, *r};
    return self(ctx).enqueue(s);
  };
  table.poll = [](void *ctx, uint32_t queue, uint32_t tag) -> llmc_status {
    ScriptedDevice &d = self(ctx);
    if (d.failPoll >= 0 && d.polls++ == uint32_t(d.failPoll))
      return Status(LLMC_DEVICE_FAULT, LLMC_AT_DEVICE);
    if (d.hang)
      return Status(LLMC_PENDING);
    if (d.pendingLeft > 0) {
      --d.pendingLeft;
      return Status(LLMC_PENDING);
    }
    d.pendingLeft = d.pendingPolls;
    auto &work = d.queues[queue];
    while (!work.empty() && int32_t(work.front().tag - tag) <= 0) {
      d.execute(work.front());
      work.pop_front();
    }
    return Status();
  };
  table.cancel = [](void *ctx, uint32_t queue) -> llmc_status {
    self(ctx).calls.push_back("cancel");
    self(ctx).queues[queue].clear();
    return Status();
  };
  table.reset = [](void *ctx) -> llmc_status {
    self(ctx).calls.push_back("reset");
    self(ctx).queues.clear();
    return Status();
  };
  table.clean = [](void *ctx, void *, size_t) { self(ctx).calls.push_back("clean"); };
  table.invalidate = [](void *ctx, void *, size_t) { self(ctx).calls.push_back("invalidate"); };
}

llmc_status ScriptedDevice::enqueue(Submission submission) {
  if (failSubmit >= 0 && submits++ == uint32_t(failSubmit))
    return Status(LLMC_DEVICE_FAULT, LLMC_AT_DEVICE);
  if (queues[submission.queue].empty())
    pendingLeft = pendingPolls;
  log.push_back(submission);
  queues[submission.queue].push_back(submission);
  return Status();
}

void ScriptedDevice::execute(const Submission &s) {
  if (s.isDma) {
    for (uint32_t row = 0; row < s.dma.rows; ++row)
      std::memcpy(static_cast<uint8_t *>(s.dma.dst.base) + size_t(row) * s.dma.dst_pitch,
                  static_cast<const uint8_t *>(s.dma.src.base) + size_t(row) * s.dma.src_pitch,
                  s.dma.row_bytes);
    return;
  }
  if (auto kernel = kernels.find(s.kernel); kernel != kernels.end())
    return kernel->second(s);
  for (const llmc_operand_view &view : s.operands) {
    volatile uint8_t *bytes = static_cast<uint8_t *>(view.base);
    uint8_t first = bytes[0], last = bytes[view.size - 1];
    if (view.access & LLMC_WRITE) {
      bytes[0] = first;
      bytes[view.size - 1] = last;
    }
  }
}

Machine::Machine(const PlanDescription &description) : file(Memory::of(planBytes(description))) {
  source = memorySource(file.data(), file.size());
  Status status = Plan::open(source, {}, &plan);
  if (!status.ok())
    throw std::runtime_error(explain(status));
  for (uint32_t i = 0; i < plan.regions().size; ++i) {
    memories.emplace_back(size_t(plan.regions()[i].size));
    bool paged = plan.regions()[i].kind == RegionKind::FlashPaged;
    if (plan.regions()[i].lifetime == Lifetime::Constant && !paged)
      (void)plan.loadRegion(i, memories[i].view(), nullptr);
  }
  platform.struct_size = sizeof(platform);
  platform.abi = LLMC_PLATFORM_ABI;
  platform.ctx = this;
  platform.idle = [](void *ctx) { ++static_cast<Machine *>(ctx)->idles; };
  trace.struct_size = sizeof(trace);
  trace.abi = LLMC_TRACE_ABI;
  trace.ctx = this;
  trace.event = [](void *ctx, uint32_t at, uint8_t op, uint8_t phase, uint32_t, uint64_t) {
    static_cast<Machine *>(ctx)->events.push_back(std::to_string(at) + " " + std::to_string(op) +
                                                  " " + std::to_string(phase));
  };
}

Status Machine::bind(bool traced) {
  std::vector<llmc_memory> views = viewsOf(memories);
  const llmc_device *devices[] = {&device.table};
  Bindings bindings;
  bindings.memories = {views.data(), views.size()};
  bindings.devices = devices;
  bindings.platform = &platform;
  bindings.trace = traced ? &trace : nullptr;
  return session.bind(plan, bindings);
}

} // namespace llmc::test
