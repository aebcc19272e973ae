// A plugin's device: every call of it is watched, and one that throws is a device that fails.
#include "targets/Plugin/PluginTarget.h"

#include "catch2/catch.hpp"

#include <stdexcept>
#include <vector>

using namespace llmc;
using namespace llmc::target;

namespace {

/// Notes calls, and which of them a function of the plugin saw itself in.
class Notes final : public PluginWatch {
public:
  void enter(std::string_view owner, std::string_view function) override {
    CHECK(owner == "plugin 'a.so', target 'a'");
    CHECK(now.empty());
    now = function;
    all.push_back(now);
  }
  void leave() override { now.clear(); }
  void enterHost() override {}
  void leaveHost() override {}

  std::string now;
  std::vector<std::string> all;
};

struct Npu {
  Notes notes;
  llmc_device table{};
  bool throws = false;
  unsigned calls = 0;

  Npu() {
    table.struct_size = sizeof table;
    table.abi = LLMC_DEVICE_ABI;
    table.ctx = this;
    table.match = [](void *ctx, const llmc_target_info *) { return at(ctx, "match"); };
    table.attach = [](void *ctx, const llmc_memory *, uint32_t) { return at(ctx, "attach"); };
    table.load = [](void *ctx, uint32_t, const void *, size_t) { return at(ctx, "load"); };
    table.submit = [](void *ctx, const llmc_dispatch *) { return at(ctx, "submit"); };
    table.dma = [](void *ctx, const llmc_dma_request *) { return at(ctx, "dma"); };
    table.poll = [](void *ctx, uint32_t, uint32_t) { return at(ctx, "poll"); };
    table.cancel = [](void *ctx, uint32_t) { return at(ctx, "cancel"); };
    table.reset = [](void *ctx) { return at(ctx, "reset"); };
    table.clean = [](void *ctx, void *, size_t) { at(ctx, "clean"); };
    table.invalidate = [](void *ctx, void *, size_t) { at(ctx, "invalidate"); };
    table.remap = [](void *ctx, const void *, uint16_t) {
      at(ctx, "remap");
      return uint64_t(64);
    };
  }

  /// Called as `function`, which has a status of its own.
  static llmc_status at(void *ctx, const std::string &function) {
    auto &self = *static_cast<Npu *>(ctx);
    CHECK(self.notes.now == function + " of the device");
    ++self.calls;
    if (self.throws)
      throw std::runtime_error("no\npower");
    return {LLMC_PENDING, LLMC_AT_STEP, uint16_t(function.size())};
  }

  std::unique_ptr<TargetDevice> open() {
    llmc_opened_device opened{};
    opened.handle = this;
    opened.table = &table;
    opened.isa = "simulated";
    opened.close = [](void *handle) {
      CHECK(static_cast<Npu *>(handle)->notes.now == "close of the device");
    };
    return pluginDevice(opened, Machine(), "plugin 'a.so', target 'a'", notes);
  }
};

} // namespace

TEST_CASE("calls of a device go through and are watched") {
  Npu npu;
  {
    const auto device = npu.open();
    const llmc_device &t = device->table();
    const auto passes = [](llmc_status status, size_t detail) {
      return status.code == LLMC_PENDING && status.where == LLMC_AT_STEP && status.detail == detail;
    };
    CHECK(passes(t.match(t.ctx, nullptr), 5));
    CHECK(passes(t.attach(t.ctx, nullptr, 0), 6));
    CHECK(passes(t.load(t.ctx, 0, nullptr, 0), 4));
    CHECK(passes(t.submit(t.ctx, nullptr), 6));
    CHECK(passes(t.dma(t.ctx, nullptr), 3));
    CHECK(passes(t.poll(t.ctx, 0, 0), 4));
    CHECK(passes(t.cancel(t.ctx, 0), 6));
    CHECK(passes(t.reset(t.ctx), 5));
    t.clean(t.ctx, nullptr, 0);
    t.invalidate(t.ctx, nullptr, 0);
    CHECK(t.remap(t.ctx, nullptr, 0) == 64);
    CHECK(npu.calls == 11);
  }
  CHECK(npu.notes.all.back() == "close of the device");
  CHECK(npu.notes.all.size() == 12);
}

TEST_CASE("functions that a device does not have stay absent") {
  Npu npu;
  npu.table.attach = nullptr;
  npu.table.clean = npu.table.invalidate = nullptr;
  npu.table.remap = nullptr;
  const auto device = npu.open();
  const llmc_device &t = device->table();
  CHECK_FALSE((t.attach || t.clean || t.invalidate || t.remap));
  CHECK((t.load && t.dma && t.cancel && t.reset));
}

TEST_CASE("a device that throws fails from then on, and says why") {
  Npu npu;
  const auto device = npu.open();
  const llmc_device &t = device->table();
  CHECK(device->error() == "");
  npu.throws = true;
  const bool withoutStatus = GENERATE(false, true);
  if (withoutStatus)
    t.clean(t.ctx, nullptr, 0);
  else
    CHECK(t.submit(t.ctx, nullptr).code == LLMC_DEVICE_FAULT);
  npu.throws = false;
  CHECK(t.poll(t.ctx, 0, 0).code == LLMC_DEVICE_FAULT);
  CHECK(npu.calls == 1);
  CHECK_THROWS_WITH(device->error(),
                    std::string("plugin 'a.so', target 'a': function '") +
                        (withoutStatus ? "clean" : "submit") +
                        "' of the device threw a C++ exception: no power; the plugin breaks its "
                        "interface, and whoever wrote it must mend it");
}
