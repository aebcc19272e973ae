// Opens the plan in flash, goes on from a prompt word by word, and checks every token against those
// that the host generated.
#include "console.h"
#include "expected.h"
#include "flash.h"
#include "sha256.h"

#include "runtime/drivers/baremetal/baremetal.h"
#include "runtime/exec/page_statistics.h"
#include "runtime/lm/lm.h"
#include "runtime/plan/checked_source.h"
#include "runtime/tokenizer/decoder.h"
#include "runtime/tokenizer/encoder.h"
#include "runtime/tokenizer/tokenizer.h"

using namespace llmc::rt;

namespace {

constexpr uint32_t maxRegionCount = 16, maxPrompt = 256;
/// Reads of checked pages that may be under way: those of three pages ahead.
constexpr uint32_t checkedReads = 6;

bool failed(const char *what, Status status) {
  if (status.ok())
    return false;
  console::text("\nerror: ");
  console::text(what);
  console::text(": ");
  console::status(status);
  console::text("; `llmc verify --status` explains it\n");
  return true;
}

/// Hands out memory from its start.
class Arena {
public:
  explicit Arena(board::Memory memory) : memory(memory) {}

  Status take(uint64_t size, uint32_t alignment, void **out) {
    const uintptr_t base = reinterpret_cast<uintptr_t>(memory.base);
    const uintptr_t start = (base + taken + alignment - 1) / alignment * alignment - base;
    if (start > memory.size || size > memory.size - start)
      return Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY);
    *out = memory.base + start;
    taken = start + size_t(size);
    return {};
  }

private:
  board::Memory memory;
  size_t taken = 0;
};

void printRegion(const Plan &plan, uint32_t index, const void *base, const char *where) {
  const Text name = plan.text(plan.regions()[index].name);
  console::text("  ");
  console::bytes(reinterpret_cast<const uint8_t *>(name.data), name.size);
  console::text(": ");
  console::number(plan.regions()[index].size);
  console::text(" bytes in ");
  console::text(where);
  console::text(" at 0x");
  console::number(reinterpret_cast<uintptr_t>(base), 16);
  console::text("\n");
}

/// Constants that the plan wants in flash stay there, others are loaded; what it wants in SRAM goes
/// to the fast memory while there is room, everything else to the large one.
Status placeRegions(const Plan &plan, Arena &large, llmc_memory *memories) {
  Arena fast(board::fastMemory());
  for (uint32_t i = 0; i < plan.regions().size; ++i) {
    const Region &region = plan.regions()[i];
    if (region.kind == RegionKind::FlashPaged) { // read page by page
      printRegion(plan, i, board::flash(), "flash, paged, from");
      continue;
    }
    void *base = nullptr;
    const char *where = "flash, in place,";
    Status status(LLMC_TOO_SMALL);
    if (region.kind == RegionKind::FlashXip) {
      const void *inPlace = nullptr;
      status = plan.mapRegion(i, &inPlace);
      base = const_cast<void *>(inPlace);
    } else {
      if (region.kind == RegionKind::Sram || region.kind == RegionKind::Tcm)
        status = fast.take(region.size, 1u << region.alignLog2, &base);
      where = status.ok() ? "fast memory" : "large memory";
      if (!status.ok())
        status = large.take(region.size, 1u << region.alignLog2, &base);
    }
    memories[i] = {base, region.size};
    if (status.ok() && region.lifetime == Lifetime::Constant && region.kind != RegionKind::FlashXip)
      status = plan.loadRegion(i, memories[i], nullptr);
    if (!status.ok())
      return Status(Code(status.code), Where(status.where), i);
    printRegion(plan, i, base, where);
  }
  return {};
}

/// Compares paged weights with their digests as they are read.
Status checkPages(const Plan &plan, CheckedSource &source, const llmc_platform &platform,
                  Arena &large) {
  uint64_t bytes = 0;
  void *memory = nullptr;
  Status status = source.workBytes(plan, checkedReads, &bytes);
  if (status.ok() && bytes != 0) {
    status = large.take(bytes, 32, &memory);
    console::text("  pages checked, with ");
    console::number(bytes);
    console::text(" bytes of memory\n");
  }
  return status.ok() ? source.check(plan, platform, {static_cast<uint8_t *>(memory), size_t(bytes)})
                     : status;
}

Status openTokenizer(const Plan &plan, Tokenizer *tokenizer) {
  const uint16_t index = plan.segmentOf(SegmentKind::Tokenizer);
  if (index == none16)
    return Status(LLMC_NOT_FOUND, LLMC_AT_TOKENIZER);
  const Segment &segment = plan.segments()[index];
  return Tokenizer::open({board::flash() + size_t(segment.offset), size_t(segment.size)},
                         *tokenizer);
}

/// FNV-1a of all logits so far: one number tells whether any bit differs.
uint32_t digest = 2166136261u;
void addToDigest(const Logits &logits) {
  const uint8_t *bytes = reinterpret_cast<const uint8_t *>(logits.data);
  for (size_t i = 0; i < size_t(logits.rows) * logits.vocab * 4; ++i)
    digest = (digest ^ bytes[i]) * 16777619u;
}

int32_t likeliest(const Logits &logits) {
  uint32_t best = 0;
  for (uint32_t id = 1; id < logits.vocab; ++id)
    best = logits.data[id] > logits.data[best] ? id : best;
  return int32_t(best);
}

/// Tokens that differ from the host's.
uint32_t generate(Lm &lm, const Tokenizer &tokenizer, Logits logits) {
  Decoder decoder(tokenizer);
  uint32_t wrong = 0;
  uint8_t out[768];
  for (uint32_t i = 0; i < expectedCount; ++i) {
    addToDigest(logits);
    const int32_t id = likeliest(logits);
    wrong += id != expectedIds[i];
    size_t written = 0;
    if (decoder.push(uint32_t(id), {out, sizeof(out)}, written).ok())
      console::bytes(out, written);
    if (i + 1 < expectedCount && failed("decode", lm.feed({&id, 1}, &logits)))
      return expectedCount;
  }
  size_t written = 0;
  if (decoder.finish({out, sizeof(out)}, written).ok())
    console::bytes(out, written);
  return wrong;
}

Plan plan;
Session session;
Lm lm;
Tokenizer tokenizer;
llmc_memory memories[maxRegionCount];

/// What the plan states for kernels, and what all of the program took.
void printStack() {
  uint32_t most = 0;
  for (const Kernel &kernel : plan.kernels())
    most = stackBytesOf(kernel) > most ? stackBytesOf(kernel) : most;
  console::text("\nstack: ");
  console::number(board::stackUsed());
  console::text(" bytes used; kernels may take ");
  console::number(most);
}

void printPaging(const PageStatistics &pages) {
  if (pages.reads == 0)
    return;
  console::text("\npaging: ");
  console::number(pages.reads);
  console::text(" reads, ");
  console::number(pages.bytes);
  console::text(" bytes; ");
  console::number(pages.overlapped);
  console::text(" of ");
  console::number(pages.kernels);
  console::text(" kernels while one was under way; stalled ");
  console::number(pages.stalls);
  console::text(" times, ");
  console::number(pages.stalledTicks);
  console::text(" ticks");
}

int report(uint32_t wrong, uint64_t begin, uint64_t prefilled, uint64_t end) {
  console::text("\n\nticks: prompt of ");
  console::number(promptCount);
  console::text(" tokens ");
  console::number(prefilled - begin);
  if (expectedCount > 1) {
    console::text(", then per token ");
    console::number((end - prefilled) / (expectedCount - 1));
  }
  printStack();
  if (wrong == 0 && digest == expectedDigest) {
    console::text("\nOK: all tokens and all bits of their logits are the host's\n");
    return 0;
  }
  console::text("\nFAILED: tokens that differ from the host's: ");
  console::number(wrong);
  console::text("; digest of the logits 0x");
  console::number(digest, 16);
  console::text(", the host's 0x");
  console::number(expectedDigest, 16);
  console::text("\n");
  return 1;
}

llmc_platform platformOf(Flash &flash) {
  llmc_platform platform = {};
  platform.struct_size = sizeof(platform);
  platform.abi = LLMC_PLATFORM_ABI;
  platform.ctx = &flash;
  platform.ticks = [](void *context) { return static_cast<const Flash *>(context)->ticks(); };
  platform.sha256 = [](void *, const void *data, size_t size, uint8_t out[32]) -> llmc_status {
    Sha256::digest(static_cast<const uint8_t *>(data), size, out);
    return Status();
  };
  return platform;
}

/// Goes on from the prompt with what is bound. The exit code.
int goOn(const Flash &flash, const PageStatistics &pages) {
  uint32_t ids[maxPrompt], scratch[maxPrompt];
  size_t count = 0;
  const Span<const uint8_t> text{reinterpret_cast<const uint8_t *>(prompt), sizeof(prompt) - 1};
  if (failed("prompt", encode(tokenizer, text, {scratch, maxPrompt}, {ids, maxPrompt}, count)))
    return 2;
  uint32_t wrong = count != promptCount;
  for (uint32_t i = 0; wrong == 0 && i < promptCount; ++i)
    wrong = ids[i] != uint32_t(promptIds[i]);
  const uint64_t begin = flash.ticks();
  Logits logits;
  if (failed("prompt", lm.feed({reinterpret_cast<const int32_t *>(ids), count}, &logits)))
    return 2;
  const uint64_t prefilled = flash.ticks();
  wrong += generate(lm, tokenizer, logits);
  const uint64_t end = flash.ticks();
  printPaging(pages);
  return report(wrong, begin, prefilled, end);
}

} // namespace

int run() {
  board::markStack();
  console::text("llmc on ");
  console::text(board::name);
  console::text("\n");
  static Flash flash;
  static CheckedSource source(flash.table());
  if (failed("open", Plan::open(source.table(), {}, &plan)))
    return 2;
  if (plan.regions().size > maxRegionCount || plan.nTargets() != 1)
    return failed("this example", Status(LLMC_UNSUPPORTED, LLMC_AT_PLAN)), 2;
  Arena large(board::largeMemory());
  if (failed("memory", placeRegions(plan, large, memories)))
    return 2;
  const BaremetalDevice device(plan, board::kernelStackBytes());
  const llmc_device *devices[] = {&device.table()};
  const llmc_platform platform = platformOf(flash);
  if (LLMC_CHECK_PAGES && failed("pages", checkPages(plan, source, platform, large)))
    return 2;
  PageStatistics pages(plan);
  Bindings bindings;
  bindings.memories = {memories, plan.regions().size};
  bindings.devices = {devices, 1};
  bindings.platform = &platform;
  bindings.trace = &pages.table();
  if (failed("bind", session.bind(plan, bindings)) || failed("model", lm.init(session)) ||
      failed("tokenizer", openTokenizer(plan, &tokenizer)))
    return 2;
  console::text("  session: ");
  console::number(sizeof(Session) + sizeof(Lm) + sizeof(Plan));
  console::text(" bytes for Plan, Session and Lm\n\n");
  console::text(prompt);
  return goOn(flash, pages);
}
