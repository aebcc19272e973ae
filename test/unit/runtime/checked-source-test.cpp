// Paged weights compared with their digests as they are read: whatever is read, however late, and
// whatever bit is wrong.
#include <random>

#include "runtime/schema/explain.h"
#include "test/unit/runtime/checked_fixture.h"

using namespace llmc;
using namespace llmc::test;

namespace {

/// Reads through the table, as a session does.
class Reader {
public:
  explicit Reader(const llmc_source &source) : source(source) {}

  Status read(uint64_t offset, size_t size, uint8_t *to) {
    Status status;
    do
      status = source.read_async(source.ctx, offset, size, to, tag + 1);
    while (status.pending());
    tag += status.ok();
    return status;
  }
  Status wait(uint32_t allowed = 0) {
    Status status;
    while ((status = source.poll(source.ctx, tag - allowed)).pending()) {
    }
    return status;
  }

  uint32_t tag = 0xFFFFFFF0u; // wraps soon

private:
  const llmc_source &source;
};

} // namespace

TEST_CASE(
    "whatever is read in whatever order is what the file holds, and nothing else is written") {
  const bool mapped = GENERATE(false, true);
  const uint32_t nReads = GENERATE(1u, 2u, 5u);
  const size_t room = GENERATE(1u, 2u, 9u);
  Flash flash(pagesAndRows());
  if (mapped)
    flash.giveAddresses();
  Opened opened(flash, nReads);
  REQUIRE(opened.check().ok());
  flash.room = room;
  Reader reader(opened.checked.table());
  std::mt19937 random(mapped * 100 + nReads * 10 + uint32_t(room));
  struct Wanted {
    size_t offset, size;
    std::vector<uint8_t> memory;
  };
  for (int round = 0; round < 60; ++round) {
    flash.latency = int(random() % 3);
    std::deque<Wanted> wanted;
    for (uint32_t n = 1 + random() % 6; n > 0; --n) {
      size_t begin = random() % pagedBytes, size = 1 + random() % (pagedBytes - begin);
      if (random() % 3 == 0) // whole chunks
        begin = begin / pagedChunk * pagedChunk,
        size = random() % 2 ? pagedChunk : pagedBytes - begin;
      size = std::min(size, pagedBytes - begin);
      wanted.push_back({begin, size, std::vector<uint8_t>(size + 2, 0x5A)});
      Wanted &each = wanted.back();
      REQUIRE(reader.read(opened.fileOffset(begin), size, each.memory.data() + 1).ok());
    }
    while (!wanted.empty()) { // the first may be looked at before the others are done
      REQUIRE(reader.wait(uint32_t(wanted.size() - 1)).ok());
      const Wanted &first = wanted.front();
      CHECK((first.memory.front() == 0x5A && first.memory.back() == 0x5A));
      bool same = true;
      for (size_t i = 0; i < first.size; ++i)
        same &= first.memory[i + 1] == pagedByte(first.offset + i);
      INFO("bytes " << first.offset << " to " << first.offset + first.size);
      REQUIRE(same);
      wanted.pop_front();
    }
    REQUIRE(flash.underWay.empty());
  }
}

TEST_CASE("a bit that is wrong anywhere in a chunk is found, and the chunk's digest named") {
  Flash flash(pagesAndRows());
  Opened opened(flash);
  REQUIRE(opened.check().ok());
  Reader reader(opened.checked.table());
  std::vector<uint8_t> memory(pagedBytes);
  const uint32_t first = opened.plan.segments()[0].digest;
  std::mt19937 random(5);
  for (size_t at = 0; at < pagedBytes; at += 1 + random() % 9) {
    flash.bytes[opened.fileOffset(at)] ^= uint8_t(1u << random() % 8);
    const size_t begin = at / pagedChunk * pagedChunk,
                 end = std::min(begin + pagedChunk, pagedBytes);
    // A row that lies beside it in the chunk, a page around it, and all.
    const size_t row = begin + random() % (end - begin - 20);
    for (auto [from, size] :
         {std::pair(row, size_t(20)), {begin / 2, pagedBytes - begin / 2}, {0, pagedBytes}}) {
      REQUIRE(reader.read(opened.fileOffset(from), size, memory.data()).ok());
      REQUIRE(reader.wait() == Status(LLMC_BAD_DIGEST, LLMC_AT_DIGEST, first + at / pagedChunk));
      REQUIRE(flash.underWay.empty());
      REQUIRE(reader.wait().ok()); // said once
    }
    if (begin > 0) { // up to the chunk, nothing is wrong
      REQUIRE(reader.read(opened.fileOffset(1), begin - 1, memory.data()).ok());
      REQUIRE(reader.wait().ok());
    }
    flash.bytes[opened.fileOffset(at)] = pagedByte(at);
  }
}

TEST_CASE(
    "a session sees checked pages and rows; a flipped bit poisons it, and a reset mends that") {
  const bool mapped = GENERATE(false, true);
  for (int n = 0;; ++n) {
    Flash flash(pagesAndRows());
    if (mapped)
      flash.giveAddresses();
    flash.latency = n % 3;
    Opened opened(flash, 1 + uint32_t(n % 4));
    REQUIRE(opened.check().ok());
    opened.bind();
    flash.flipRead = n;
    const Status status = opened.run();
    if (status.ok()) {
      CHECK(n > 8);
      CHECK(flash.reads == n); // every read had its flip
      CHECK(opened.seen == Opened::expected());
      break;
    }
    INFO(rt::explain(status));
    REQUIRE((status.code == LLMC_BAD_DIGEST && status.where == LLMC_AT_DIGEST));
    REQUIRE(flash.underWay.empty()); // nothing writes memory behind the session's back
    REQUIRE(opened.seen.size() < Opened::expected().size());
    REQUIRE(std::equal(opened.seen.begin(), opened.seen.end(), Opened::expected().begin()));
    REQUIRE(opened.run() == Status(LLMC_POISONED, LLMC_AT_SESSION));
    REQUIRE(opened.session.reset().ok());
    REQUIRE(opened.run().ok());
    REQUIRE(opened.seen == Opened::expected());
  }
}

TEST_CASE("flash that errors at any read, or hangs, ends the same way behind the check") {
  for (bool atRead : {true, false})
    for (int n = 0;; ++n) {
      Flash flash(pagesAndRows());
      flash.latency = 2;
      flash.room = 1 + size_t(n % 3);
      Opened opened(flash, 3);
      REQUIRE(opened.check().ok());
      opened.bind();
      (atRead ? flash.failRead : flash.failPoll) = n;
      const Status status = opened.run();
      if (status.ok()) {
        CHECK(n > 8);
        break;
      }
      REQUIRE(status == Status(LLMC_SOURCE_ERROR, LLMC_AT_SOURCE));
      REQUIRE(flash.underWay.empty());
      REQUIRE(opened.session.reset().ok());
      REQUIRE(opened.run().ok());
      REQUIRE(opened.seen == Opened::expected());
    }
  Flash flash(pagesAndRows());
  Opened opened(flash);
  REQUIRE(opened.check().ok());
  opened.bind();
  flash.hang = true;
  rt::Call call;
  call.nTokens = 1;
  REQUIRE(opened.session.begin(call).ok());
  for (int i = 0; i < 20; ++i)
    REQUIRE(opened.session.poll().pending());
  CHECK(opened.session.cancel().pending());
  CHECK(opened.session.reset().pending());
  CHECK(opened.check() == Status(LLMC_WRONG_STATE, LLMC_AT_SOURCE)); // reads are under way
  flash.hang = false;
  REQUIRE(opened.session.reset().ok());
  REQUIRE(opened.run().ok());
  CHECK(opened.seen == Opened::expected());
}

TEST_CASE("more memory for reads keeps more of them under way") {
  auto most = [](uint32_t nReads) {
    Flash flash(pagesAndRows());
    flash.latency = 1000;
    flash.room = 100;
    Opened opened(flash, nReads);
    REQUIRE(opened.check().ok());
    const llmc_source &source = opened.checked.table();
    std::vector<uint8_t> memory(100);
    uint32_t begun = 0; // rows that take a chunk aside each
    while (begun < 50 && Status(source.read_async(source.ctx, opened.fileOffset(100 * begun), 50,
                                                  memory.data(), begun + 1))
                             .ok())
      ++begun;
    return begun;
  };
  CHECK(most(1) < most(2));
  CHECK(most(2) < most(8));
}

TEST_CASE("what check asks for") {
  Flash flash(pagesAndRows());
  Opened opened(flash);
  uint64_t least = 0, more = 0;
  REQUIRE(opened.checked.workBytes(opened.plan, 1, &least).ok());
  REQUIRE(opened.checked.workBytes(opened.plan, 2, &more).ok());
  const uint64_t digestBytes = opened.plan.segments()[opened.plan.digestSegment()].size;
  CHECK(more - least == least - digestBytes);
  for (size_t bytes = 0; bytes < least; ++bytes)
    REQUIRE(opened.checked.check(opened.plan, opened.platform, {opened.memory().data, bytes}) ==
            Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY, rt::none16));
  CHECK(opened.checked.check(opened.plan, opened.platform,
                             {opened.memory().data + 4, size_t(least)}) ==
        Status(LLMC_BAD_ALIGNMENT, LLMC_AT_MEMORY, rt::none16));
  CHECK(opened.checked.check(opened.plan, opened.platform, {opened.memory().data, size_t(least)})
            .ok());
  flash.giveAddresses(); // of the digests too
  CheckedSource other(flash.table);
  CHECK(other.check(opened.plan, opened.platform, opened.memory()) ==
        Status(LLMC_WRONG_STATE, LLMC_AT_SOURCE)); // the plan was opened with another
  REQUIRE(other.workBytes(opened.plan, 1, &more).ok());
  CHECK(more == least - digestBytes);
  opened.platform.sha256 = nullptr;
  CHECK(opened.check() == Status(LLMC_UNSUPPORTED, LLMC_AT_PLATFORM));
}

TEST_CASE("digests that are not the plan's, or missing, are refused") {
  Flash flash(pagesAndRows());
  Opened opened(flash);
  const uint16_t digests = opened.plan.digestSegment();
  flash.bytes[opened.plan.segments()[digests].offset + 40] ^= 1;
  CHECK(opened.check() == Status(LLMC_BAD_DIGEST, LLMC_AT_SEGMENT, digests));

  PlanDescription whole = pagesAndRows();
  whole.segments[0].chunkLog2 = 0; // a row would need all of it
  Flash unchunked(whole);
  CheckedSource checked(unchunked.table);
  alignas(8) uint8_t resident[4096];
  Plan plan;
  REQUIRE(Plan::open(checked.table(), {resident, sizeof(resident)}, &plan).ok());
  uint64_t bytes = 0;
  CHECK(checked.workBytes(plan, 1, &bytes) == Status(LLMC_MISSING, LLMC_AT_SEGMENT, 0));
  CHECK(checked.check(plan, opened.platform, opened.memory()) ==
        Status(LLMC_MISSING, LLMC_AT_SEGMENT, 0));
}

TEST_CASE("a plan without paged weights needs no memory, and its reads pass") {
  Flash flash(languageModel());
  CheckedSource checked(flash.table);
  std::vector<uint64_t> resident(4096);
  Plan plan;
  REQUIRE(Plan::open(checked.table(), {reinterpret_cast<uint8_t *>(resident.data()), 32768}, &plan)
              .ok());
  uint64_t bytes = 1;
  REQUIRE(checked.workBytes(plan, 4, &bytes).ok());
  CHECK(bytes == 0);
  llmc_platform platform = {};
  platform.sha256 = sha256Hook;
  REQUIRE(checked.check(plan, platform, {}).ok());
  Reader reader(checked.table());
  uint8_t out[16];
  REQUIRE(reader.read(plan.segments()[0].offset, sizeof(out), out).ok());
  REQUIRE(reader.wait().ok());
  CHECK(std::memcmp(out, flash.bytes.data() + plan.segments()[0].offset, sizeof(out)) == 0);
}
