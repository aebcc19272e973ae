#include "test/fuzz/plan_run.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "compiler/Emit/PlanView.h"
#include "runtime/exec/session.h"
#include "runtime/lm/lm.h"
#include "runtime/plan/checked_source.h"
#include "runtime/plan/source.h"
#include "test/fuzz/reference_device.h"

namespace llmc::fuzz {

using namespace rt;

namespace {

constexpr uint64_t mostMemory = 1 << 20;
constexpr uint64_t mostSteps = 2000;      // of one entry, loops counted in full
constexpr uint64_t mostTouched = 1 << 19; // bytes, after which no entry is begun

/// Exactly as many bytes as asked for, so that a sanitizer sees the first one beyond.
class Block {
public:
  Block(uint64_t size, uint64_t align) {
    void *p = nullptr;
    if (posix_memalign(&p, size_t(std::max<uint64_t>(align, 8)), size_t(size)))
      std::abort();
    bytes.reset(static_cast<uint8_t *>(p));
    std::memset(p, 0x5A, size_t(size));
    view = {p, size};
  }
  llmc_memory view;

private:
  struct Free {
    void operator()(uint8_t *p) const { std::free(p); }
  };
  std::unique_ptr<uint8_t, Free> bytes;
};

/// A source that reads, one request at a time, and cannot map.
struct ReadOnlySource {
  explicit ReadOnlySource(std::span<const uint8_t> bytes) : bytes(bytes) {
    table.struct_size = sizeof(table);
    table.abi = LLMC_SOURCE_ABI;
    table.ctx = this;
    table.size = bytes.size();
    table.read_async = [](void *ctx, uint64_t offset, size_t size, void *dst,
                          uint32_t) -> llmc_status {
      auto &self = *static_cast<ReadOnlySource *>(ctx);
      if (!fits(offset, size, self.bytes.size()))
        finding("a read beyond the end of the source");
      std::memcpy(dst, self.bytes.data() + offset, size);
      self.late = true;
      return Status();
    };
    table.poll = [](void *ctx, uint32_t) -> llmc_status {
      auto &self = *static_cast<ReadOnlySource *>(ctx);
      return std::exchange(self.late, false) ? Status(LLMC_PENDING) : Status();
    };
  }
  std::span<const uint8_t> bytes;
  llmc_source table = {};
  bool late = false;
};

uint64_t checksum(Text text) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < text.size; ++i)
    sum = sum * 31 + uint8_t(text.data[i]);
  return sum;
}

uint64_t readEntry(const EntryView &entry) {
  uint64_t sum = checksum(entry.name()) + checksum(entry.variant()) + entry.stackBytes();
  for (uint32_t i = 0; i < entry.nInputs() + entry.nOutputs(); ++i) {
    sum += checksum(entry.tensor(i).name());
    for (uint32_t dim : entry.tensor(i).dims())
      sum += dim;
  }
  return sum;
}

/// Reads every byte that the views of a plan name.
uint64_t readAll(const Plan &plan) {
  uint64_t sum = checksum(plan.producer()) + checksum(plan.text(none16));
  for (uint32_t i = 0; i < plan.nTargets(); ++i) {
    llmc_target_info info = plan.target(i);
    sum += checksum({info.backend, uint32_t(info.backend_size)});
    sum += checksum({info.device, uint32_t(info.device_size)});
    sum += checksum({info.variant, uint32_t(info.variant_size)});
    sum += info.config ? info.config[31] : 0;
  }
  for (const Region &region : plan.regions())
    sum += checksum(plan.text(region.name));
  for (const Segment &segment : plan.segments())
    sum += checksum(plan.text(segment.name));
  for (uint32_t i = 0; i < plan.nEntries(); ++i)
    sum += readEntry(plan.entry(i));
  if (ModelView model = plan.model()) {
    sum += checksum(model.name()) + checksum(model.architecture()) + checksum(model.quantization());
    for (int32_t id : model.eosIds())
      sum += uint32_t(id);
    sum += model.digest()[31];
  }
  return sum;
}

/// The memory of every region, filled as a host fills it; empty where it would be too much.
std::vector<Block> memoriesOf(const Plan &plan) {
  std::vector<Block> blocks;
  uint64_t total = 0;
  for (const Region &region : plan.regions())
    total += region.size;
  if (total > mostMemory)
    return blocks;
  for (uint32_t i = 0; i < plan.regions().size; ++i) {
    const Region &region = plan.regions()[i];
    blocks.emplace_back(region.size, uint64_t(1) << region.alignLog2);
    uint64_t offset = 0;
    const void *base = nullptr;
    bool constant = region.lifetime == Lifetime::Constant && region.kind != RegionKind::FlashPaged;
    if (constant && !plan.loadRegion(i, blocks.back().view, nullptr).ok())
      finding("a constant region cannot be loaded");
    (void)plan.regionFileOffset(i, &offset);
    if (region.lifetime == Lifetime::Constant)
      (void)plan.mapRegion(i, &base);
  }
  return blocks;
}

/// Steps that an entry executes, at most: the runtime's limit would take too long here.
uint64_t executedSteps(const Plan &plan, const EntryView &entry) {
  uint64_t executed = 0, multiplier = 1;
  std::vector<uint64_t> around;
  for (uint32_t at = entry.firstStep(); at < entry.firstStep() + entry.nSteps(); ++at) {
    const Step &step = plan.steps()[at];
    executed += multiplier;
    if (step.op == StepOp::LoopBegin || step.op == StepOp::LoopParam) {
      around.push_back(multiplier);
      multiplier *= step.op == StepOp::LoopParam ? plan.params()[step.a].max : step.a;
      multiplier = std::min<uint64_t>(multiplier, 1u << 30);
    } else if (step.op == StepOp::LoopEnd) {
      multiplier = around.back();
      around.pop_back();
    }
  }
  return executed;
}

class Runner {
public:
  Runner(const Plan &plan, std::vector<llmc_memory> memories)
      : plan(plan), memories(memories), device(plan, memories) {}

  RunSummary run() {
    std::vector<const llmc_device *> devices(plan.nTargets(), &device.table);
    Bindings bindings;
    bindings.memories = {memories.data(), memories.size()};
    bindings.devices = {devices.data(), devices.size()};
    bindings.platform = &device.platform;
    Status status = session.bind(plan, bindings);
    if (!status.ok()) {
      if (status.where != LLMC_AT_SOURCE)
        finding("a plan that open accepted cannot be bound to the memory it states");
      return summary;
    }
    for (uint32_t i = 0; i < plan.nEntries(); ++i)
      if (executedSteps(plan, plan.entry(i)) <= mostSteps)
        for (bool most : {false, true})
          runEntry(i, most);
    views();
    asModel();
    summary.dispatches = device.dispatches;
    return summary;
  }

private:
  /// Reads that an entry left behind may still be under way.
  Status reset() {
    Status status;
    while ((status = session.reset()).pending()) {
    }
    return status;
  }

  /// At the least or the most of everything that the caller can say.
  void runEntry(uint32_t index, bool most) {
    EntryView entry = plan.entry(index);
    if (device.touched > mostTouched || entry.chunk() > 65536)
      return;
    uint32_t position = most ? entry.posMax() : 0;
    if (!reset().ok() || !session.adopt(std::min(position, plan.contextLength())).ok())
      finding("a session that has run cannot be reset");
    for (uint32_t p = 3; p < plan.params().size; ++p)
      (void)session.setParam(p, most ? plan.params()[p].max : 0);
    bool takesIds = false;
    for (uint32_t i = 0; i < entry.nInputs(); ++i)
      takesIds |= entry.input(i).role() == TensorRole::Ids;
    uint32_t room = plan.contextLength() - std::min(position, plan.contextLength());
    uint32_t tokens = most ? std::min(entry.chunk(), std::max(room, 1u)) : 1;
    std::vector<int32_t> ids(tokens, most ? int32_t(entry.vocab() - 1) : 0);
    Call call;
    call.entry = index;
    call.row = most ? entry.rowMax() : 0;
    call.nTokens = tokens;
    if (takesIds)
      call.ids = {ids.data(), ids.size()};
    summary.entries += session.run(call).ok();
  }

  void views() {
    for (uint32_t i = 0; i < plan.operands().size; ++i) {
      llmc_operand_view view;
      if (session.view(i, &view).ok())
        sum = sum + checksum({static_cast<const char *>(view.base), uint32_t(view.size)});
    }
    (void)reset();
    for (uint32_t i = 0; i < plan.states().size; ++i) {
      llmc_memory memory;
      if (!session.stateMemory(i, false, &memory).ok())
        continue;
      std::memset(memory.base, 1, size_t(memory.size));
      (void)session.stateMemory(i, true, &memory);
    }
  }

  /// Prompt, save, restore and truncate, where the plan is a language model.
  void asModel() {
    Lm lm;
    bool small = device.touched <= mostTouched;
    for (uint32_t i = 0; i < plan.nEntries(); ++i)
      small &= executedSteps(plan, plan.entry(i)) <= mostSteps;
    if (!small || !reset().ok() || !lm.init(session).ok())
      return;
    const int32_t ids[] = {0, 0, 0, 0, 0};
    Logits logits;
    if (lm.feed({ids, 5}, &logits).ok())
      sum = sum + checksum({reinterpret_cast<const char *>(logits.data),
                            uint32_t(logits.rows * logits.vocab * sizeof(float))});
    std::vector<uint8_t> saved;
    auto write = [](void *ctx, const void *bytes, size_t n) -> Status {
      auto &to = *static_cast<std::vector<uint8_t> *>(ctx);
      to.insert(to.end(), static_cast<const uint8_t *>(bytes),
                static_cast<const uint8_t *>(bytes) + n);
      return to.size() > mostMemory ? Status(LLMC_IO_ERROR) : Status();
    };
    struct Reader {
      const std::vector<uint8_t> &from;
      size_t at = 0;
    } reader{saved};
    auto read = [](void *ctx, void *bytes, size_t n) -> Status {
      auto &from = *static_cast<Reader *>(ctx);
      if (!fits(from.at, n, from.from.size()))
        return Status(LLMC_IO_ERROR);
      std::memcpy(bytes, from.from.data() + from.at, n);
      from.at += n;
      return Status();
    };
    if (lm.save(write, &saved).ok())
      (void)lm.restore(read, &reader);
    (void)lm.truncate(0);
  }

  const Plan &plan;
  std::vector<llmc_memory> memories;
  ReferenceDevice device;
  Session session;
  RunSummary summary;
  volatile uint64_t sum = 0;
};

/// Once more with what is paged compared with its digests, in exactly the memory that takes.
void runChecked(std::span<const uint8_t> bytes, const std::vector<llmc_memory> &memories) {
  ReadOnlySource flash(bytes);
  CheckedSource source(flash.table);
  uint64_t needed = 0;
  if (!Plan::residentBytes(source.table(), &needed).ok())
    return;
  Block resident(needed, 8);
  Plan plan;
  if (!Plan::open(source.table(), {static_cast<uint8_t *>(resident.view.base), size_t(needed)},
                  &plan)
           .ok())
    finding("open depends on how the plan is read");
  if (!source.workBytes(plan, 1 + uint32_t(bytes.size() % 3), &needed).ok() || needed == 0 ||
      needed > mostMemory)
    return;
  Block work(needed, 8);
  llmc_platform platform = {};
  platform.sha256 = sha256Hook;
  if (source.check(plan, platform, {static_cast<uint8_t *>(work.view.base), size_t(needed)}).ok())
    Runner(plan, memories).run();
}

} // namespace

Status openEveryWay(std::span<const uint8_t> bytes) {
  Block inPlace(std::max<size_t>(bytes.size(), 1), 16), odd(bytes.size() + 1, 16);
  std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t *>(inPlace.view.base));
  std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t *>(odd.view.base) + 1);
  Plan plan, other;
  llmc_source mapped = memorySource(inPlace.view.base, bytes.size());
  Status status = Plan::open(mapped, {}, &plan);
  uint64_t resident = 0;
  if (Plan::residentBytes(mapped, &resident).ok() && resident > bytes.size())
    finding("more bytes asked for than the file has");
  Block copy(std::max<uint64_t>(resident, 1), 8);
  Span<uint8_t> room(static_cast<uint8_t *>(copy.view.base), size_t(resident));
  llmc_source unaligned = memorySource(static_cast<uint8_t *>(odd.view.base) + 1, bytes.size());
  if (!(Plan::open(unaligned, room, &other) == status))
    finding("open depends on the address of the plan");
  ReadOnlySource reads(bytes);
  if (!(Plan::open(reads.table, room, &other) == status))
    finding("open depends on how the plan is read");
  if (!status.ok())
    return status;
  volatile uint64_t sum = readAll(plan);
  sum = sum + readAll(other);
  return status;
}

RunSummary runEverything(std::span<const uint8_t> bytes) {
  Block file(std::max<size_t>(bytes.size(), 1), 16);
  std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t *>(file.view.base));
  llmc_source source = memorySource(file.view.base, bytes.size());
  Plan plan;
  if (!Plan::open(source, {}, &plan).ok())
    return {};
  std::vector<Block> blocks = memoriesOf(plan);
  std::vector<llmc_memory> memories;
  for (const Block &block : blocks)
    memories.push_back(block.view);
  if (memories.empty())
    return {};
  const RunSummary summary = Runner(plan, memories).run();
  if (plan.features() & featurePrefetch)
    runChecked(bytes, memories);
  return summary;
}

} // namespace llmc::fuzz
