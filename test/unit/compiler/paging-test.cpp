// Plans that keep their weights in paged flash: with a quarter of them in memory, read by a source
// that is as late as it may be, the bits are those of the evaluator.
#include "test/unit/compiler/ChainKit.h"
#include "test/unit/targets/KnownTarget.h"

#include "compiler/Emit/PlanView.h"
#include "compiler/Pipeline/Lowering.h"
#include "runtime/drivers/baremetal/baremetal.h"
#include "runtime/plan/checked_source.h"
#include "targets/Llvm/LlvmHost.h"
#include "targets/Mcu/McuTarget.h"

#include "catch2/catch.hpp"

#include <cstring>
#include <deque>
#include <sys/mman.h>

using namespace mlir;

namespace llmc::test {
namespace {

/// Kernels that read weights row by row have no order of their own: this machine's vectors stand
/// for those of a microcontroller.
class RowsHost final : public target::HostServices {
public:
  std::optional<target::Blob> lowerLlvm(const std::vector<target::KernelRequest> &kernels,
                                        const target::IsaTable &isa,
                                        std::string &error) const override {
    target::IsaTable rows = isa;
    rows.triple = "x86_64-unknown-none-elf";
    rows.cpu = "x86-64-v3";
    rows.features = rows.abi = "";
    rows.dot = target::DotKind::None;
    return target::LlvmHost().lowerLlvm(kernels, rows, error);
  }
};

/// A source whose reads are done when they are asked for, and no sooner: until then their memory
/// holds something else. Takes `room` reads at a time.
class LateSource {
public:
  LateSource(const std::vector<uint8_t> &bytes, size_t room, unsigned latency)
      : bytes(bytes), room(room), latency(latency) {
    source.struct_size = sizeof(source);
    source.abi = LLMC_SOURCE_ABI;
    source.ctx = this;
    source.size = bytes.size();
    source.map = map;
    source.read_async = read;
    source.poll = poll;
  }

  const llmc_source &table() const { return source; }
  size_t underWay() const { return reads.size(); }

  uint64_t bytesRead = 0;
  uint64_t refusals = 0;

private:
  struct Read {
    uint64_t offset;
    size_t size;
    void *to;
    uint32_t tag;
  };

  static LateSource &of(void *context) { return *static_cast<LateSource *>(context); }

  static llmc_status map(void *context, uint64_t offset, size_t size, const void **out) {
    const LateSource &self = of(context);
    if (offset > self.bytes.size() || size > self.bytes.size() - offset)
      return rt::Status(LLMC_BAD_RANGE, LLMC_AT_SOURCE);
    *out = self.bytes.data() + offset;
    return rt::Status();
  }

  static llmc_status read(void *context, uint64_t offset, size_t size, void *to, uint32_t tag) {
    LateSource &self = of(context);
    if (self.reads.size() == self.room) {
      ++self.refusals;
      self.finishFirst(); // makes room by itself, as hardware does
      return rt::Status(LLMC_PENDING, LLMC_AT_SOURCE);
    }
    std::memset(to, 0xA5, size);
    self.reads.push_back({offset, size, to, tag});
    self.bytesRead += size;
    return rt::Status();
  }

  static llmc_status poll(void *context, uint32_t tag) {
    LateSource &self = of(context);
    if (self.reads.empty() || int32_t(self.reads.front().tag - tag) > 0)
      return rt::Status();
    if (++self.polls % self.latency != 0)
      return rt::Status(LLMC_PENDING, LLMC_AT_SOURCE);
    while (!self.reads.empty() && int32_t(self.reads.front().tag - tag) <= 0)
      self.finishFirst();
    return rt::Status();
  }

  void finishFirst() {
    const Read &first = reads.front();
    std::memcpy(first.to, bytes.data() + first.offset, first.size);
    reads.pop_front();
  }

  const std::vector<uint8_t> &bytes;
  size_t room;
  unsigned latency, polls = 0;
  std::deque<Read> reads;
  llmc_source source = {};
};

/// The bare-metal driver on this machine, which counts the kernels that run while reads are under
/// way.
class HostedDevice {
public:
  HostedDevice(const rt::Plan &plan, const LateSource *source)
      : driver(plan, 256 * 1024), source(source), device(driver.table()) {
    device.ctx = this;
    device.match = [](void *, const llmc_target_info *) -> llmc_status { return rt::Status(); };
    device.load = load;
    device.submit = submit;
  }

  const llmc_device &table() const { return device; }

  uint64_t kernels = 0, overlapped = 0;

private:
  static llmc_status load(void *context, uint32_t kernel, const void *code, size_t size) {
    const auto first = reinterpret_cast<uintptr_t>(code) / 4096 * 4096;
    const auto end = (reinterpret_cast<uintptr_t>(code) + size + 4095) / 4096 * 4096;
    REQUIRE(mprotect(reinterpret_cast<void *>(first), end - first,
                     PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
    const llmc_device &driver = static_cast<HostedDevice *>(context)->driver.table();
    return driver.load(driver.ctx, kernel, code, size);
  }

  static llmc_status submit(void *context, const llmc_dispatch *dispatch) {
    auto &self = *static_cast<HostedDevice *>(context);
    ++self.kernels;
    self.overlapped += self.source && self.source->underWay() > 0;
    const llmc_device &driver = self.driver.table();
    return driver.submit(driver.ctx, dispatch);
  }

  rt::BaremetalDevice driver;
  const LateSource *source;
  llmc_device device;
};

KnownTarget mcu() {
  KnownTarget target(mcu::createTarget());
  INFO(target.error());
  REQUIRE(!target.machines().empty());
  return target;
}

uint64_t regionBytes(const rt::Plan &plan, const std::string &name) {
  for (const rt::Region &region : plan.regions())
    if (const rt::Text text = plan.text(region.name); std::string(text.data, text.size) == name)
      return region.size;
  return 0;
}

/// The plan without paging, for the bytes of its weights and for its logits.
struct Unpaged {
  Unpaged(const KnownTarget &target, const ChainShape &shape) {
    MLIRContext context;
    OwningOpRef<ModuleOp> module = chainModule(context, shape);
    ids = chainIds(shape);
    expected = referenceLogits(*module, ids);
    CompiledPlan compiled(*module, {*target, target.machines().front()}, RowsHost(), shape);
    weightBytes = regionBytes(compiled.plan(), "weights");
    HostedDevice device(compiled.plan(), nullptr);
    requireSame(PlanSession(compiled, device.table()).evaluate(ids, 17), expected,
                shape.vocabulary);
  }
  std::vector<int32_t> ids;
  std::vector<float> expected;
  uint64_t weightBytes = 0;
};

/// The same bits where pages and rows are compared with their digests as they come. A bit that is
/// wrong ends the call, and the next one after a reset is right again.
void compareChecked(const CompiledPlan &compiled, const Unpaged &unpaged, uint32_t vocabulary) {
  llmc_platform platform = {};
  platform.sha256 = sha256Hook;
  std::vector<uint8_t> bytes = compiled.bytes();
  for (uint32_t reads : {1, 8}) {
    LateSource source(bytes, 100, 3);
    rt::CheckedSource checked(source.table());
    rt::Plan plan;
    REQUIRE(rt::Plan::open(checked.table(), {}, &plan).ok());
    uint64_t work = 0;
    REQUIRE(checked.workBytes(plan, reads, &work).ok());
    std::vector<uint64_t> memory((work + 7) / 8);
    REQUIRE(checked.check(plan, platform, {reinterpret_cast<uint8_t *>(memory.data()), work}).ok());
    HostedDevice device(plan, &source);
    PlanSession session(plan, compiled.bytes(), device.table());
    requireSame(session.evaluate(unpaged.ids, 16), unpaged.expected, vocabulary);
    CHECK(source.underWay() == 0);
    if (reads == 8)
      CHECK(device.overlapped * 2 > device.kernels);
    const auto paged =
        std::find_if(plan.segments().begin(), plan.segments().end(), [&](auto &each) {
          return each.region != rt::none16 &&
                 plan.regions()[each.region].kind == rt::RegionKind::FlashPaged;
        });
    for (uint64_t at : {uint64_t(0), paged->size / 3, paged->size - 65}) {
      bytes[paged->offset + at] ^= 4;
      CHECK(session.fail(unpaged.ids) ==
            rt::Status(LLMC_BAD_DIGEST, LLMC_AT_DIGEST, paged->digest + at / 4096));
      bytes[paged->offset + at] ^= 4;
      CHECK(source.underWay() == 0);
    }
    requireSame(session.evaluate(unpaged.ids, 16), unpaged.expected, vocabulary);
  }
}

void comparePaged(const ChainShape &shape, uint64_t numerator, uint64_t denominator) {
  const KnownTarget target = mcu();
  const Unpaged unpaged(target, shape);
  const uint64_t budget = unpaged.weightBytes * numerator / denominator;
  MLIRContext context;
  OwningOpRef<ModuleOp> module = chainModule(context, shape);
  CompiledPlan compiled(*module, {*target, target.machines().front()}, RowsHost(), shape, budget);
  CHECK(regionBytes(compiled.plan(), "pages") + regionBytes(compiled.plan(), "weights") <= budget);
  for (size_t room : {1, 2, 100})
    for (size_t chunk : {1, 3, 17, 64}) {
      INFO("room for " << room << " reads, chunk " << chunk);
      LateSource source(compiled.bytes(), room, 3);
      rt::Plan plan;
      REQUIRE(rt::Plan::open(source.table(), {}, &plan).ok());
      HostedDevice device(plan, &source);
      PlanSession session(plan, compiled.bytes(), device.table());
      requireSame(session.evaluate(unpaged.ids, chunk), unpaged.expected, shape.vocabulary);
      CHECK(source.underWay() == 0);
      CHECK((source.refusals > 0) == (room < 100));
      if (room == 100)
        CHECK(device.overlapped * 2 > device.kernels);
    }
  compareChecked(compiled, unpaged, shape.vocabulary);
}

} // namespace

TEST_CASE("a quarter of the weights in memory, every format") {
  ChainShape shape;
  shape.vocabulary = 400;
  shape.format = GENERATE("<i8, group = 0, scale = f32>", "<i4, group = 16, scale = multiplier>",
                          "<i4, group = 32, scale = f16>");
  INFO(shape.format);
  comparePaged(shape, 1, 4);
}

TEST_CASE("layers without a loop, a loop of one round, and shapes that do not divide evenly") {
  ChainShape shape;
  shape.vocabulary = 83;
  shape.ffn = 104;
  shape.heads = 6;
  shape.kvHeads = 3;
  shape.layers = GENERATE(1, 2, 5);
  shape.capacity = 33;
  shape.format = "<i4, group = 16, scale = multiplier>";
  INFO(shape.layers << " layers");
  comparePaged(shape, 7, 10); // rotation tables and gathered rows take most of it
}

TEST_CASE("budgets that cannot be kept are errors") {
  const KnownTarget target = mcu();
  const auto [budget, message] = GENERATE(table<uint64_t, std::string>(
      {{1000, "a weight budget of 1000 bytes leaves no room for pages: weights that stay take "},
       {7500, "raise the weight budget by "}}));
  ChainShape shape;
  MLIRContext context;
  OwningOpRef<ModuleOp> module = chainModule(context, shape);
  std::string errors;
  ScopedDiagnosticHandler handler(
      &context, [&](Diagnostic &diagnostic) { errors += diagnostic.str() + "\n"; });
  REQUIRE(succeeded(describeMachine(*module, {*target, target.machines().front()}, budget)));
  PassManager manager(&context);
  buildLoweringPipeline(manager);
  CHECK(failed(manager.run(*module)));
  CHECK_THAT(errors, Catch::Contains(message));
}

} // namespace llmc::test
