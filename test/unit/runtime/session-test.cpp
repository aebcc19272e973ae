// Sessions: what a device sees, what begin refuses, and every way in which a run can end.
#include "catch2/catch.hpp"

#include <algorithm>

#include "test/unit/runtime/check_status.h"
#include "test/unit/runtime/plan_fixture.h"

using namespace llmc;
using namespace llmc::test;
using rt::Call;
using rt::Session;
using rt::Status;

namespace {

Call bodyCall(uint32_t entry, const std::vector<int32_t> &ids) {
  Call call;
  call.entry = entry;
  call.ids = {ids.data(), ids.size()};
  return call;
}

Call headCall(uint32_t entry, uint32_t rows, uint32_t row) {
  Call call;
  call.entry = entry;
  call.nTokens = rows;
  call.row = row;
  return call;
}

std::vector<float> logitsOf(Machine &machine, uint32_t rows = 1) {
  llmc_operand_view view;
  REQUIRE(
      machine.session.view(machine.plan.entry(rows == 1 ? head1 : head4).output(0).operand(), &view)
          .ok());
  const float *data = static_cast<const float *>(view.base);
  return {data, data + rows * vocab};
}

/// A machine with the model on its device, bound.
struct Bound : Machine {
  Bound() : Machine(languageModel()) {
    installModel(device);
    REQUIRE(bind().ok());
  }
};

} // namespace

TEST_CASE("bind matches, attaches, loads and resets, in this order") {
  Bound machine;
  std::vector<std::string> expected = {"match scripted",       "attach 4",
                                       "load 0 at 0 size 16",  "load 1 at 16 size 16",
                                       "load 2 at 32 size 16", "load 3 at 48 size 16",
                                       "load 4 at 64 size 16", "reset"};
  CHECK(machine.device.calls == expected);
  CHECK(sizeof(Session) <= 512);
}

TEST_CASE("a run computes the model") {
  Bound machine;
  std::vector<int32_t> ids = someTokens(7);
  REQUIRE(machine.session.run(bodyCall(prefill16, ids)).ok());
  CHECK(machine.session.position() == 7);
  REQUIRE(machine.session.run(headCall(head1, 1, 6)).ok());
  CHECK(logitsOf(machine) == expectedLogits(ids));
  CHECK(machine.session.position() == 7);
}

TEST_CASE("a device sees queue, code, operands, parameters and tags") {
  Bound machine;
  std::vector<int32_t> ids = someTokens(3);
  REQUIRE(machine.session.run(bodyCall(prefill4, ids)).ok());
  REQUIRE(machine.session.run(bodyCall(decode1, {5})).ok());
  const auto &log = machine.device.log;
  // Two layers of writeKv, clearSums, one tile of dma and addTile, finishLayer; twice.
  REQUIRE(log.size() == 20);
  for (size_t i = 0; i < log.size(); ++i) {
    CHECK(log[i].queue == 3);
    CHECK(log[i].tag == i + 1);
  }
  const auto &second = log[15]; // writeKv of layer 1, decode
  CHECK(second.kernel == 0);
  CHECK(second.params[pPos] == 3);
  CHECK(second.params[pTokens] == 1);
  CHECK(second.params[pLength] == 4);
  CHECK(second.params[pLayer] == 1);
  CHECK(second.params[pTiles] == 1);
  CHECK(second.params[pValid] == 4);
  CHECK(second.operands[1].base == machine.memories[dramRegion].data() + layerBytes);
  CHECK(second.operands[1].size == layerBytes);
  CHECK(second.operands[1].region == dramRegion);
  CHECK(second.operands[1].access == (LLMC_READ | LLMC_WRITE));
  CHECK(log[17].isDma);
  CHECK(log[17].dma.rows == 4);
}

TEST_CASE("every dispatch has the code of its kernel, whichever came before") {
  for (bool traced : {false, true}) {
    Bound machine;
    REQUIRE(machine.bind(traced).ok());
    machine.device.log.clear();
    REQUIRE(machine.session.run(bodyCall(prefill4, someTokens(3))).ok());
    std::vector<uint32_t> kernels;
    for (const auto &s : machine.device.log) {
      if (s.isDma)
        continue;
      kernels.push_back(s.kernel);
      const rt::Blob &blob = machine.plan.blobs()[s.kernel]; // each has one of its own
      CHECK(s.code == machine.memories[flashRegion].data() + blob.offset);
      CHECK(s.codeSize == blob.size);
      CHECK(s.entry == machine.plan.kernels()[s.kernel].entry);
    }
    CHECK(kernels == std::vector<uint32_t>{0, 1, 2, 3, 0, 1, 2, 3});
  }
}

TEST_CASE("loops over parameters run as often as those say, and derived parameters follow") {
  Bound machine;
  for (uint32_t i = 0; i < 17; ++i)
    REQUIRE(machine.session.run(bodyCall(decode1, {int32_t(i)})).ok());
  std::vector<std::vector<uint32_t>> tiles;
  for (const auto &s : machine.device.log)
    if (!s.isDma && s.kernel == 2 && s.params[pPos] == 16 && s.params[pLayer] == 0)
      tiles.push_back({s.params[pTile], s.params[pStart], s.params[pRest], s.params[pValid]});
  CHECK(tiles == std::vector<std::vector<uint32_t>>{{0, 0, 17, 8}, {1, 8, 9, 8}, {2, 16, 1, 1}});
}

TEST_CASE("a pending device makes poll pending and changes nothing") {
  std::vector<int32_t> ids = someTokens(11);
  for (uint32_t pending : {0u, 1u, 3u}) {
    Bound machine;
    machine.device.pendingPolls = pending;
    REQUIRE(machine.session.begin(bodyCall(prefill16, ids)).ok());
    uint32_t polls = 0;
    Status status;
    while ((status = machine.session.poll()).pending())
      REQUIRE(++polls < 1000);
    REQUIRE(status.ok());
    CHECK(polls >= 1); // the yield
    CHECK((polls > 1) == (pending > 0));
    REQUIRE(machine.session.run(headCall(head1, 1, 10)).ok());
    CHECK(logitsOf(machine) == expectedLogits(ids));
    CHECK((machine.idles > 0) == (pending > 0)); // a yield is not idle time
  }
}

TEST_CASE("the trace shows steps, stalls and their ends") {
  Bound machine;
  machine.device.pendingPolls = 1;
  REQUIRE(machine.session.run(bodyCall(prefill16, someTokens(2))).ok());
  auto has = [&](const char *event) {
    return std::count(machine.events.begin(), machine.events.end(), event);
  };
  CHECK(has("0 14 0") == 1); // mark
  CHECK(has("10 4 2") == 2); // wait stalls, in each layer
  CHECK(has("10 4 1") == 2);
}

TEST_CASE("begin checks everything that is said at run time") {
  Bound machine;
  Session &session = machine.session;
  check(session.begin(bodyCall(9, {1})), LLMC_NOT_FOUND, LLMC_AT_ENTRY, 9);
  check(session.begin(headCall(prefill4, 0, 0)), LLMC_INVALID_ARGUMENT, LLMC_AT_PARAM,
        LLMC_P_N_TOKENS);
  check(session.begin(headCall(prefill4, 2, 0)), LLMC_INVALID_ARGUMENT, LLMC_AT_TOKEN, 0);
  check(session.begin(bodyCall(head1, {1})), LLMC_INVALID_ARGUMENT, LLMC_AT_TOKEN, 0);
  check(session.begin(bodyCall(prefill4, someTokens(5))), LLMC_OUT_OF_RANGE, LLMC_AT_PARAM,
        LLMC_P_N_TOKENS);
  check(session.begin(bodyCall(prefill4, {1, 2, int32_t(vocab)})), LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN,
        2);
  check(session.begin(bodyCall(prefill4, {1, -1})), LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, 1);
  check(session.begin(headCall(head4, 4, 13)), LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, pRow);
  check(session.begin(headCall(head1, 1, 16)), LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, pRow);
  check(session.poll(), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  check(session.cancel(), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  for (uint32_t i = 0; i < 33; ++i)
    REQUIRE(session.run(bodyCall(decode1, {1})).ok());
  check(session.begin(bodyCall(prefill16, {1})), LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, LLMC_P_POS);
  for (uint32_t i = 33; i < context; ++i)
    REQUIRE(session.run(bodyCall(decode1, {1})).ok());
  check(session.begin(bodyCall(decode1, {1})), LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, LLMC_P_POS);
  REQUIRE(session.truncate(38).ok());
  check(session.begin(bodyCall(prefill4, {1, 2, 3})), LLMC_CONTEXT_FULL, LLMC_AT_PARAM,
        LLMC_P_KV_LEN);
  CHECK(session.run(bodyCall(prefill4, {1, 2})).ok());
  REQUIRE(session.begin(headCall(head1, 1, 0)).ok());
  check(session.begin(headCall(head1, 1, 0)), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  check(session.truncate(0), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
}

TEST_CASE("parameters of the caller") {
  Bound machine;
  check(machine.session.setParam(pRow, 16), LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, pRow);
  check(machine.session.setParam(pPos, 1), LLMC_INVALID_ARGUMENT, LLMC_AT_PARAM, pPos);
  check(machine.session.setParam(pLayer, 1), LLMC_INVALID_ARGUMENT, LLMC_AT_PARAM, pLayer);
  check(machine.session.setParam(200, 1), LLMC_INVALID_ARGUMENT, LLMC_AT_PARAM, 200);
  CHECK(machine.session.setParam(pRow, 15).ok());
}

TEST_CASE("memory one byte short is refused, whichever region it is") {
  Machine machine(languageModel());
  for (uint32_t region = 0; region < machine.memories.size(); ++region)
    for (uint64_t size = 0; size < machine.plan.regions()[region].size; ++size) {
      std::vector<llmc_memory> views = viewsOf(machine.memories);
      views[region].size = size;
      const llmc_device *devices[] = {&machine.device.table};
      rt::Bindings bindings;
      bindings.memories = {views.data(), views.size()};
      bindings.devices = devices;
      Status status = machine.session.bind(machine.plan, bindings);
      REQUIRE(status == Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY, region));
    }
  CHECK(machine.device.calls.empty());
}

namespace {

/// A machine whose memories, devices and tables can be changed between two calls of bind.
struct Rebinding {
  Rebinding() { REQUIRE(bind().ok()); }

  Status bind() {
    rt::Bindings bindings;
    bindings.memories = {views.data(), views.size()};
    bindings.devices = devices;
    bindings.platform = &machine.platform;
    bindings.trace = &machine.trace;
    return machine.session.bind(machine.plan, bindings);
  }

  Machine machine{languageModel()};
  std::vector<llmc_memory> views = viewsOf(machine.memories);
  const llmc_device *devices[1] = {&machine.device.table};
};

} // namespace

TEST_CASE_METHOD(Rebinding, "bind refuses memory that does not fit the plan") {
  SECTION("no memory") {
    views[sramRegion].base = nullptr;
    check(bind(), LLMC_INVALID_ARGUMENT, LLMC_AT_MEMORY, sramRegion);
  }
  SECTION("a region of the device alone may have any address") {
    views[localRegion].base = nullptr;
    CHECK(bind().ok());
  }
  SECTION("a region count that differs") {
    views.pop_back();
    check(bind(), LLMC_INVALID_ARGUMENT, LLMC_AT_MEMORY, 3);
  }
  SECTION("misaligned") {
    Memory larger(machine.memories[dramRegion].size() + 32);
    views[dramRegion].base = larger.data() + 32;
    check(bind(), LLMC_BAD_ALIGNMENT, LLMC_AT_MEMORY, dramRegion);
  }
  SECTION("overlapping") {
    views[sramRegion].base = static_cast<uint8_t *>(views[dramRegion].base) + 64;
    check(bind(), LLMC_OVERLAP, LLMC_AT_MEMORY, sramRegion);
  }
}

TEST_CASE_METHOD(Rebinding, "bind refuses devices and tables that do not fit the plan") {
  SECTION("another device") {
    machine.device.refuse = true;
    check(bind(), LLMC_DEVICE_MISMATCH, LLMC_AT_DEVICE, 0);
  }
  SECTION("a device without dma") {
    machine.device.table.dma = nullptr;
    check(bind(), LLMC_UNSUPPORTED, LLMC_AT_DEVICE, 0);
  }
  SECTION("an older, shorter table") {
    machine.device.table.struct_size = offsetof(llmc_device, submit);
    check(bind(), LLMC_UNSUPPORTED, LLMC_AT_DEVICE, 0);
  }
  SECTION("another table version") {
    machine.device.table.abi = 2;
    check(bind(), LLMC_UNSUPPORTED, LLMC_AT_DEVICE, 0);
  }
  SECTION("a platform or a trace whose table is shorter, or of another version") {
    machine.platform.struct_size = offsetof(llmc_platform, host_call);
    check(bind(), LLMC_UNSUPPORTED, LLMC_AT_PLATFORM, 0);
    machine.platform.struct_size = sizeof(llmc_platform);
    machine.platform.abi = 2;
    check(bind(), LLMC_UNSUPPORTED, LLMC_AT_PLATFORM, 0);
    machine.platform.abi = LLMC_PLATFORM_ABI;
    machine.trace.struct_size = offsetof(llmc_trace, event);
    check(bind(), LLMC_UNSUPPORTED, LLMC_AT_PLATFORM, 0);
    machine.trace.struct_size = sizeof(llmc_trace);
    machine.trace.abi = 2;
    check(bind(), LLMC_UNSUPPORTED, LLMC_AT_PLATFORM, 0);
  }
  SECTION("longer tables, of a newer caller") {
    machine.platform.struct_size += 8;
    machine.trace.struct_size += 8;
    machine.device.table.struct_size += 8;
    CHECK(bind().ok());
  }
  SECTION("no device at all: bound, but its entries cannot begin") {
    devices[0] = nullptr;
    REQUIRE(bind().ok());
    check(machine.session.begin(bodyCall(decode1, {1})), LLMC_NOT_FOUND, LLMC_AT_ENTRY, decode1);
  }
}

TEST_CASE("a fault at any submission or wait poisons the session until reset") {
  std::vector<int32_t> ids = someTokens(9);
  for (bool atSubmit : {true, false})
    for (int n = 0; n < 1000; ++n) {
      Bound machine;
      (atSubmit ? machine.device.failSubmit : machine.device.failPoll) = n;
      Status status = machine.session.run(bodyCall(prefill16, ids));
      if (status.ok()) {
        CHECK(n > 2); // every point was visited
        break;
      }
      REQUIRE(status == Status(LLMC_DEVICE_FAULT, LLMC_AT_DEVICE));
      REQUIRE(machine.session.run(bodyCall(prefill16, ids)) ==
              Status(LLMC_POISONED, LLMC_AT_SESSION));
      REQUIRE(machine.session.poll() == Status(LLMC_POISONED, LLMC_AT_SESSION));
      REQUIRE(machine.session.truncate(0) == Status(LLMC_POISONED, LLMC_AT_SESSION));
      machine.device.failSubmit = machine.device.failPoll = -1;
      REQUIRE(machine.session.reset().ok());
      REQUIRE(machine.session.position() == 0);
      REQUIRE(machine.session.run(bodyCall(prefill16, ids)).ok());
      REQUIRE(machine.session.run(headCall(head1, 1, 8)).ok());
      REQUIRE(logitsOf(machine) == expectedLogits(ids));
    }
}

TEST_CASE("cancelled at any poll, the session goes on from where it was") {
  std::vector<int32_t> first = someTokens(5, 1), second = someTokens(6, 2), all = first;
  all.insert(all.end(), second.begin(), second.end());
  for (bool canCancel : {true, false})
    for (uint32_t after = 0; after < 100; ++after) {
      Bound machine;
      if (!canCancel)
        machine.device.table.cancel = nullptr;
      REQUIRE(machine.session.run(bodyCall(prefill16, first)).ok());
      machine.device.pendingPolls = 1;
      REQUIRE(machine.session.begin(bodyCall(prefill16, second)).ok());
      Status status(LLMC_PENDING);
      for (uint32_t i = 0; i < after && status.pending(); ++i)
        status = machine.session.poll();
      if (status.ok()) {
        CHECK(after > 4);
        break;
      }
      status = machine.session.cancel();
      while (status.pending())
        status = machine.session.poll();
      REQUIRE((status.ok() || status == Status(LLMC_CANCELLED, LLMC_AT_SESSION)));
      REQUIRE(machine.session.position() == 5);
      REQUIRE(machine.session.run(bodyCall(prefill16, second)).ok());
      REQUIRE(machine.session.run(headCall(head1, 1, 5)).ok());
      REQUIRE(logitsOf(machine) == expectedLogits(all));
    }
}

TEST_CASE("a device that hangs can be left by cancel, and by reset where it has no cancel") {
  Bound machine;
  machine.device.hang = true;
  REQUIRE(machine.session.begin(bodyCall(prefill4, {1, 2})).ok());
  for (int i = 0; i < 10; ++i)
    REQUIRE(machine.session.poll().pending());
  SECTION("cancel") { CHECK(machine.session.cancel().ok()); }
  SECTION("reset") {
    machine.device.table.cancel = nullptr;
    CHECK(machine.session.cancel().pending());
    CHECK(machine.session.poll().pending());
    CHECK(machine.session.reset().ok());
  }
  SECTION("neither: reset waits for the work to be over") {
    machine.device.table.cancel = nullptr;
    machine.device.table.reset = nullptr;
    check(machine.session.reset(), LLMC_PENDING, LLMC_AT_DEVICE, 0);
    check(machine.session.begin(bodyCall(decode1, {1})), LLMC_POISONED, LLMC_AT_SESSION, 0);
    machine.device.hang = false;
    CHECK(machine.session.reset().ok());
  }
  machine.device.hang = false;
  CHECK(machine.session.run(bodyCall(decode1, {1})).ok());
}
