// Paged weights, compared with their digests before they are used: a source that stands between a
// plan and its flash.
//
// A read of it is done once its bytes have been read and every chunk they belong to matches its
// digest. So bits that flip in a flash read end the call with BAD_DIGEST, AT_DIGEST and the record
// of the chunk, before a kernel sees them. Chunks that a read has but a part of, as at the ends of
// a page and around a gathered row, are read as a whole into memory of this object and copied.
//
// Comparing takes the time of SHA-256 over all that is read. Where that is too much, the plan gets
// the flash itself, and `llmc verify` or Plan::checkSegment compare once.
#ifndef LLMC_RUNTIME_PLAN_CHECKED_SOURCE_H
#define LLMC_RUNTIME_PLAN_CHECKED_SOURCE_H

#include "runtime/plan/plan.h"

namespace llmc::rt {

class CheckedSource {
public:
  /// `flash` does the reading, and stays. Reads pass unchanged until `check`.
  explicit CheckedSource(const llmc_source &flash);
  CheckedSource(const CheckedSource &) = delete;
  CheckedSource &operator=(const CheckedSource &) = delete;

  /// For Plan::open. Valid as long as this object.
  const llmc_source &table() const { return hook; }

  /// The memory with which `reads` reads can be under way at a time; 0 for a plan without paged
  /// weights. MISSING (AT_SEGMENT) where paged weights have no digests of chunks.
  Status workBytes(const Plan &plan, uint32_t reads, uint64_t *bytes) const;

  /// From now on, reads of paged weights are compared; `plan` was opened with this table. The
  /// digests are compared with the plan's first, and stay in `memory` where the flash has no
  /// address for them. The rest of `memory` (8-aligned, and as the flash wants it) is for reads:
  /// for one at least, and the more the further the plan reads ahead. All three stay.
  Status check(const Plan &plan, const llmc_platform &platform, Span<uint8_t> memory);

private:
  /// A read of the flash: chunks that go where the plan wants them, or one that goes aside because
  /// the plan wants but a part of it.
  struct Part {
    const Segment *segment; // whose digests it is compared with; null: with none
    size_t begin, size;     // in the file
    uint8_t *into;          // what the flash fills
    uint8_t *to;            // where `bytes` of it go, starting with byte `from`
    size_t from, bytes;     // 0 bytes: they are where they belong
    uint32_t tag;           // of the read it belongs to
  };
  static constexpr uint32_t partsPerRead = 3, chunksPerRead = 2; // at both ends of it

  static CheckedSource &of(void *context) { return *static_cast<CheckedSource *>(context); }
  static llmc_status map(void *context, uint64_t offset, size_t size, const void **out);
  static llmc_status read(void *context, uint64_t offset, size_t size, void *to, uint32_t tag);
  static llmc_status poll(void *context, uint32_t tag);

  struct Work {
    const uint8_t *digests; // null: they are copied
    size_t chunkBytes, readBytes, digestBytes;
  };
  Status measure(const Plan &plan, Work *work) const;
  const Segment *segmentOf(size_t begin, size_t end) const;
  void split(size_t begin, size_t end, uint8_t *to, uint32_t tag);
  void submit();
  Status finishPart();
  Status compare(const Part &part) const;
  Status give();

  llmc_source hook;
  const llmc_source &flash;
  const Plan *plan = nullptr;
  const llmc_platform *platform = nullptr;
  Work work;
  uint8_t *chunks = nullptr;            // those read aside; a ring, as are parts
  Part *parts = nullptr;                // not finished
  uint32_t reads = 0;                   // that the rings have room for; 0: nothing is compared
  uint32_t first = 0, count = 0;        // parts
  uint32_t firstAside = 0, nAside = 0;  // chunks
  uint32_t submitted = 0, finished = 0; // parts so far: tags of the flash
  Status error;                         // until nothing is under way any more
};

} // namespace llmc::rt

#endif
