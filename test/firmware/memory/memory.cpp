// What a plan states about memory, on a board: a word less of anything is refused before a byte is
// written, and a whole context of tokens writes every region to its last byte and none beyond.
#include "console.h"
#include "flash.h"

#include "runtime/drivers/baremetal/baremetal.h"
#include "runtime/lm/lm.h"

using namespace llmc::rt;

namespace {

constexpr uint32_t most = 16, word = 4;
/// Bytes behind every region that nothing may write.
constexpr uint64_t guard = 64;
/// A byte that was written differs from one of them at least.
constexpr uint8_t fills[] = {0x5A, 0xA5};

Plan plan;
Session session;
Lm lm;
llmc_memory memories[most];
uint64_t used[most];
int32_t ids[1024];

uint32_t regionCount() { return plan.regions().size; }
bool isConstant(uint32_t region) { return plan.regions()[region].lifetime == Lifetime::Constant; }
bool isPaged(uint32_t region) { return plan.regions()[region].kind == RegionKind::FlashPaged; }
uint8_t *bytesOf(uint32_t region) { return static_cast<uint8_t *>(memories[region].base); }

bool expect(const char *what, Status status, Status expected) {
  if (status == expected)
    return true;
  console::text("error: ");
  console::text(what);
  console::text(": ");
  console::status(status);
  console::text("; expected ");
  console::status(expected);
  console::text("\n");
  return false;
}

/// Regions one behind the other in the large memory, constants where they lie in flash.
bool placeRegions() {
  const board::Memory memory = board::largeMemory();
  uintptr_t next = reinterpret_cast<uintptr_t>(memory.base);
  for (uint32_t i = 0; i < regionCount(); ++i) {
    const Region &region = plan.regions()[i];
    memories[i].size = region.size;
    const void *inPlace = nullptr;
    if (isConstant(i) && !expect("map", plan.mapRegion(i, &inPlace), Status()))
      return false;
    memories[i].base = const_cast<void *>(inPlace);
    if (isConstant(i))
      continue;
    const uintptr_t alignment = uintptr_t(1) << region.alignLog2;
    next = (next + alignment - 1) / alignment * alignment;
    memories[i].base = reinterpret_cast<void *>(next);
    next += uintptr_t(region.size + guard);
  }
  const bool fits = next <= reinterpret_cast<uintptr_t>(memory.base) + memory.size;
  return expect("memory of the board", fits ? Status() : Status(LLMC_TOO_SMALL), Status());
}

Status bind(uint32_t stackBytes) {
  static BaremetalDevice device(plan, board::kernelStackBytes());
  const BaremetalDevice starved(plan, stackBytes);
  const bool enough = stackBytes == board::kernelStackBytes();
  const llmc_device *devices[] = {enough ? &device.table() : &starved.table()};
  Bindings bindings;
  bindings.memories = {memories, regionCount()};
  bindings.devices = {devices, 1};
  return session.bind(plan, bindings);
}

void fill(uint8_t with) {
  for (uint32_t i = 0; i < regionCount(); ++i)
    for (uint64_t at = 0; !isConstant(i) && at < memories[i].size + guard; ++at)
      bytesOf(i)[at] = with;
}

/// Where the bytes of a region end that no longer are what they were filled with.
uint64_t writtenEnd(uint32_t region, uint8_t with) {
  uint64_t end = memories[region].size + guard;
  while (end > 0 && bytesOf(region)[end - 1] == with)
    --end;
  return end;
}

/// Every region a word short by turns, and the stack of the kernel that takes most.
bool starve() {
  fill(fills[0]);
  bool good = true;
  uint32_t refused = 0;
  for (uint32_t i = 0; i < regionCount(); ++i) {
    if (isPaged(i)) // takes no memory
      continue;
    ++refused;
    memories[i].size -= word;
    good &= expect("a word short", bind(board::kernelStackBytes()),
                   Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY, i));
    memories[i].size += word;
    good &= expect("a model on it", lm.init(session), Status(LLMC_WRONG_STATE, LLMC_AT_SESSION));
  }
  uint32_t deepest = 0;
  for (uint32_t k = 0; k < plan.kernels().size; ++k)
    if (plan.kernels()[k].stack > plan.kernels()[deepest].stack)
      deepest = k;
  if (const uint32_t stack = stackBytesOf(plan.kernels()[deepest]))
    good &= expect("a stack a word short", bind(stack - word),
                   Status(LLMC_TOO_SMALL, LLMC_AT_KERNEL, deepest));
  for (uint32_t i = 0; i < regionCount(); ++i)
    if (!isConstant(i) && writtenEnd(i, fills[0]) != 0)
      good = expect("nothing written", Status(LLMC_BAD_RANGE, LLMC_AT_MEMORY, i), Status());
  console::number(refused);
  console::text(" regions refused a word short\n");
  return good;
}

/// As many tokens as the context holds, the last one alone.
bool fillContext() {
  const uint32_t context = plan.contextLength();
  for (uint32_t i = 0; i < context; ++i)
    ids[i] = int32_t(i * 7 % lm.vocab());
  Logits logits;
  return expect("prompt", lm.feed({ids, context - 1}, &logits), Status()) &&
         expect("decode", lm.feed({ids + context - 1, 1}, &logits), Status());
}

bool useAll() {
  for (uint8_t with : fills) {
    fill(with);
    if (!expect("bind", bind(board::kernelStackBytes()), Status()) ||
        !expect("model", lm.init(session), Status()) || !fillContext())
      return false;
    for (uint32_t i = 0; i < regionCount(); ++i) {
      const uint64_t end = isConstant(i) ? 0 : writtenEnd(i, with);
      used[i] = end > used[i] ? end : used[i];
    }
  }
  return true;
}

bool compare() {
  bool equal = true;
  for (uint32_t i = 0; i < regionCount(); ++i) {
    if (isConstant(i))
      continue;
    const Text name = plan.text(plan.regions()[i].name);
    console::bytes(reinterpret_cast<const uint8_t *>(name.data), name.size);
    console::text(": stated ");
    console::number(memories[i].size);
    console::text(", used ");
    console::number(used[i]);
    console::text("\n");
    equal &= used[i] == memories[i].size;
  }
  return equal;
}

} // namespace

int run() {
  static Flash flash;
  if (!expect("open", Plan::open(flash.table(), {}, &plan), Status()) || regionCount() > most ||
      plan.contextLength() > sizeof(ids) / sizeof(ids[0]) || !placeRegions())
    return 2;
  if (!starve() || !useAll())
    return 3;
  if (!compare())
    return 4;
  console::text("OK: used to the byte\n");
  return 0;
}
