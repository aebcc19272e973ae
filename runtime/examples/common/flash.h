// Flash behind a controller that copies by itself and takes its time: what a driver for QSPI flash
// with DMA looks like to the runtime. The emulator's memory stands for the flash and has no such
// controller, so the bytes are copied here, once it would have finished. Time stands still
// meanwhile: see ticks.
#ifndef LLMC_EXAMPLES_FLASH_H
#define LLMC_EXAMPLES_FLASH_H

#include "board.h"

#include "runtime/base/device.h"

/// One read after the other: 320 ticks until the first byte, two bytes per tick from there on. With
/// a clock of 32 MHz that is 10 us and 64 MB/s. Without a clock reads are done when asked for.
class Flash {
public:
  Flash() {
    source.struct_size = sizeof(source);
    source.abi = LLMC_SOURCE_ABI;
    source.ctx = this;
    source.size = board::flashBytes();
    source.map = map;
    source.read_async = read;
    source.poll = poll;
  }
  Flash(const Flash &) = delete;
  Flash &operator=(const Flash &) = delete;

  const llmc_source &table() const { return source; }
  /// The board's clock, without what the core spent in place of the controller.
  uint64_t ticks() const { return board::ticks() - copying; }

private:
  using Status = llmc::rt::Status;

  static constexpr uint64_t latencyTicks = 320, bytesPerTick = 2;
  static constexpr uint32_t capacity = 8;

  struct Read {
    const uint8_t *from;
    void *to;
    size_t size;
    uint64_t due; // ticks
    uint32_t tag;
  };

  static llmc_status map(void *, uint64_t offset, size_t, const void **out) {
    *out = board::flash() + size_t(offset);
    return Status();
  }

  static llmc_status read(void *context, uint64_t offset, size_t size, void *to, uint32_t tag) {
    Flash &self = *static_cast<Flash *>(context);
    const uint64_t now = self.ticks();
    self.advance(now);
    if (self.count == capacity)
      return Status(LLMC_PENDING, LLMC_AT_SOURCE);
    self.busyUntil =
        (self.busyUntil > now ? self.busyUntil : now) + latencyTicks + size / bytesPerTick;
    self.reads[(self.first + self.count++) % capacity] = {board::flash() + size_t(offset), to, size,
                                                          self.busyUntil, tag};
    return Status();
  }

  /// Tags wrap; only differences count.
  static llmc_status poll(void *context, uint32_t tag) {
    Flash &self = *static_cast<Flash *>(context);
    self.advance(self.ticks());
    const bool done = self.count == 0 || int32_t(self.reads[self.first].tag - tag) > 0;
    return done ? Status() : Status(LLMC_PENDING, LLMC_AT_SOURCE);
  }

  void advance(uint64_t now) {
    const uint64_t begin = board::ticks();
    for (; count && (reads[first].due <= now || now == 0); first = (first + 1) % capacity, --count)
      __builtin_memcpy(reads[first].to, reads[first].from, reads[first].size);
    copying += board::ticks() - begin;
  }

  llmc_source source = {};
  Read reads[capacity] = {};
  uint32_t first = 0, count = 0;
  uint64_t busyUntil = 0;
  uint64_t copying = 0; // ticks
};

#endif
