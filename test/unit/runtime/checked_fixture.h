// A plan with paged weights, flash behind a controller that does what it is told, and a source that
// compares what it reads.
#pragma once

#include "catch2/catch.hpp"

#include <deque>

#include "compiler/Emit/PlanView.h"
#include "runtime/plan/checked_source.h"
#include "test/unit/runtime/plan_fixture.h"

namespace llmc::test {

using rt::CheckedSource;
using rt::Plan;
using rt::Status;

/// Flash behind a controller: reads are done in order, each after some polls and not before, and
/// what they bring may be wrong.
struct Flash {
  explicit Flash(const PlanDescription &plan) : bytes(planBytes(plan)) {
    table.struct_size = sizeof(table);
    table.abi = LLMC_SOURCE_ABI;
    table.ctx = this;
    table.size = bytes.size();
    table.read_async = read;
    table.poll = poll;
  }

  void giveAddresses() {
    table.map = [](void *ctx, uint64_t offset, size_t, const void **out) -> llmc_status {
      *out = static_cast<Flash *>(ctx)->bytes.data() + offset;
      return Status();
    };
  }

  std::vector<uint8_t> bytes;
  llmc_source table = {};
  size_t room = 8;
  int latency = 0;
  int reads = 0, polls = 0, failRead = -1, failPoll = -1, flipRead = -1; // at the nth
  uint64_t bytesRead = 0;
  bool hang = false;
  struct Read {
    uint64_t offset;
    size_t size;
    void *to;
    uint32_t tag;
    bool flip;
  };
  std::deque<Read> underWay;

private:
  static llmc_status read(void *ctx, uint64_t offset, size_t size, void *to, uint32_t tag) {
    Flash &f = *static_cast<Flash *>(ctx);
    REQUIRE(offset + size <= f.bytes.size());
    if (f.underWay.size() == f.room)
      return Status(LLMC_PENDING, LLMC_AT_SOURCE);
    const int n = f.reads++;
    if (n == f.failRead)
      return Status(LLMC_SOURCE_ERROR, LLMC_AT_SOURCE);
    std::memset(to, 0xEE, size);
    f.underWay.push_back({offset, size, to, tag, n == f.flipRead});
    f.bytesRead += size;
    f.left = f.latency;
    return Status();
  }

  static llmc_status poll(void *ctx, uint32_t tag) {
    Flash &f = *static_cast<Flash *>(ctx);
    if (f.hang)
      return Status(LLMC_PENDING);
    while (!f.underWay.empty() && int32_t(f.underWay.front().tag - tag) <= 0) {
      if (f.left-- > 0)
        return Status(LLMC_PENDING);
      f.left = f.latency;
      const Read read = f.underWay.front();
      f.underWay.pop_front();
      std::memcpy(read.to, f.bytes.data() + read.offset, read.size);
      if (read.flip)
        static_cast<uint8_t *>(read.to)[read.size / 2] ^= 0x10;
      if (f.polls++ == f.failPoll)
        return Status(LLMC_SOURCE_ERROR, LLMC_AT_SOURCE);
    }
    return Status();
  }

  int left = 0;
};

/// A plan opened through a checked source, and memory for so many reads at a time.
struct Opened {
  explicit Opened(Flash &flash, uint32_t nReads = 2) : flash(flash), checked(flash.table) {
    platform.struct_size = sizeof(platform);
    platform.abi = LLMC_PLATFORM_ABI;
    platform.ctx = this;
    platform.sha256 = sha256Hook;
    REQUIRE(Plan::open(checked.table(), {resident, sizeof(resident)}, &plan).ok());
    uint64_t bytes = 0;
    REQUIRE(checked.workBytes(plan, nReads, &bytes).ok());
    work.resize(bytes / 8);
  }

  Status check() { return checked.check(plan, platform, memory()); }
  rt::Span<uint8_t> memory() { return {reinterpret_cast<uint8_t *>(work.data()), work.size() * 8}; }
  uint64_t fileOffset(size_t at) const { return plan.segments()[0].offset + at; }

  Status run() {
    seen.clear();
    rt::Call call;
    call.nTokens = 1;
    return session.run(call);
  }
  void bind() {
    platform.host_call = [](void *ctx, uint32_t, const llmc_operand_view *views, uint32_t,
                            const uint32_t *, uint32_t) -> llmc_status {
      auto *bytes = static_cast<const uint8_t *>(views[0].base);
      auto &seen = static_cast<Opened *>(ctx)->seen;
      seen.insert(seen.end(), bytes, bytes + views[0].size);
      return Status();
    };
    for (const rt::Region &region : plan.regions())
      memories.emplace_back(size_t(region.size));
    std::vector<llmc_memory> views = viewsOf(memories);
    const llmc_device *devices[] = {&device.table};
    rt::Bindings bindings;
    bindings.memories = {views.data(), views.size()};
    bindings.devices = devices;
    bindings.platform = &platform;
    REQUIRE(session.bind(plan, bindings).ok());
    std::memcpy(memories[2].data() + pagedIds, rows, sizeof(rows));
    flash.reads = flash.polls = 0;
  }
  /// What the host is to see: two pages, each followed by the rows.
  static std::vector<uint8_t> expected() {
    std::vector<uint8_t> bytes;
    for (size_t round = 0; round < 2; ++round) {
      for (size_t i = 0; i < 2500; ++i)
        bytes.push_back(pagedByte(100 + round * 2500 + i));
      for (uint32_t row : rows)
        for (size_t i = 0; i < 100; ++i)
          bytes.push_back(pagedByte(row * 100 + i));
    }
    return bytes;
  }

  static constexpr uint32_t rows[3] = {53, 0, 10};
  Flash &flash;
  CheckedSource checked;
  alignas(8) uint8_t resident[4096];
  Plan plan;
  llmc_platform platform = {};
  std::vector<uint64_t> work;
  std::vector<Memory> memories;
  ScriptedDevice device;
  rt::Session session;
  std::vector<uint8_t> seen;
};

} // namespace llmc::test
