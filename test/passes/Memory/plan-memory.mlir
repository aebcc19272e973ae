// RUN: llmc-opt %s --llmc-plan-memory --split-input-file --verify-diagnostics | FileCheck %s

// Buffers that live together lie apart, aligned to 64; one that is dead gives its place away: `a` lives with `b`, `b` with `c`, and `a` is
// dead when `c` is written. With room for it, nobody shares the bytes of the stream buffer, so that its load may come at any time.

// CHECK: npu.program @decode decode rows 1 arguments [] scratch 0 sram 3072 live 2048 prefetch 1024
// CHECK: npu.buffer "stream" bytes 1024 stream at 0
// CHECK: npu.buffer "a" bytes 1000 at [[A:1024|2048]]{{$}}
// CHECK: npu.buffer "b" bytes 1000 at {{1024|2048}}{{$}}
// CHECK: npu.buffer "c" bytes 1000 at [[A]]{{$}}
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
npu.program @decode decode rows 1 arguments [] scratch 0 {
  %stream = npu.buffer "stream" bytes 1024 stream
  %a = npu.buffer "a" bytes 1000
  %b = npu.buffer "b" bytes 1000
  %c = npu.buffer "c" bytes 1000
  npu.dma "w" %stream[0] <space = weights, offset = 0> run <1024> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  npu.chain "copy" %stream, %a [#npu.access<element = f32, bytes = 1000>, #npu.access<element = f32, bytes = 1000>] tokens <1> sub 1 columns <250> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.chain "copy" %a, %b [#npu.access<element = f32, bytes = 1000>, #npu.access<element = f32, bytes = 1000>] tokens <1> sub 1 columns <250> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.chain "copy" %b, %c [#npu.access<element = f32, bytes = 1000>, #npu.access<element = f32, bytes = 1000>] tokens <1> sub 1 columns <250> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.dma "out" store %c[0] <space = io, offset = 0> run <1000> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}
}

// -----

// The same in as little as `sram` - `prefetch`: `b` takes the bytes of the stream buffer.

// CHECK: npu.program @decode decode rows 1 arguments [] scratch 0 sram 2048 live 2048 prefetch 0
// CHECK: npu.buffer "stream" bytes 1024 stream at [[STREAM:[0-9]+]]
// CHECK: npu.buffer "b" bytes 1000 at [[STREAM]]{{$}}
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 2048, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
npu.program @decode decode rows 1 arguments [] scratch 0 {
  %stream = npu.buffer "stream" bytes 1024 stream
  %a = npu.buffer "a" bytes 1000
  %b = npu.buffer "b" bytes 1000
  %c = npu.buffer "c" bytes 1000
  npu.dma "w" %stream[0] <space = weights, offset = 0> run <1024> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  npu.chain "copy" %stream, %a [#npu.access<element = f32, bytes = 1000>, #npu.access<element = f32, bytes = 1000>] tokens <1> sub 1 columns <250> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.chain "copy" %a, %b [#npu.access<element = f32, bytes = 1000>, #npu.access<element = f32, bytes = 1000>] tokens <1> sub 1 columns <250> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.chain "copy" %b, %c [#npu.access<element = f32, bytes = 1000>, #npu.access<element = f32, bytes = 1000>] tokens <1> sub 1 columns <250> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.dma "out" store %c[0] <space = io, offset = 0> run <1000> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}
}

// -----

// With room, a load of the next trip need not wait for anything but this trip's readers of its buffer: `w0` and `w1` share with nobody in
// the loop. What the prologue leaves for the loop lives through all of its trips, so `kept` shares its place with nobody.

// CHECK: npu.program @decode {{.*}} sram 256 live 192 prefetch 64
// CHECK: npu.buffer "first" bytes 64 stream at [[FIRST:[0-9]+]]
// CHECK: npu.buffer "kept" bytes 64 at [[KEPT:[0-9]+]]{{$}}
// CHECK-NOT: at [[KEPT]]{{$}}
// CHECK: npu.buffer "x" bytes 64 at [[FIRST]]{{$}}
// CHECK: npu.buffer "w0" bytes 64 stream at 128
// CHECK: npu.buffer "w1" bytes 64 stream at 192
// CHECK: npu.trips
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
npu.program @decode decode rows 1 arguments [] scratch 0 {
  %first = npu.buffer "first" bytes 64 stream
  %kept = npu.buffer "kept" bytes 64
  %x = npu.buffer "x" bytes 64
  %w0 = npu.buffer "w0" bytes 64 stream
  %w1 = npu.buffer "w1" bytes 64 stream
  npu.dma "w" %first[0] <space = weights, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  npu.chain "copy" %first, %kept [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.trips 3 {
    npu.dma "w" %w0[0] <space = weights, offset = 64, trip_stride = 128> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
    npu.chain "copy" %w0, %x [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
    npu.dma "w" %w1[0] <space = weights, offset = 128, trip_stride = 128> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
    npu.chain "copy" %w1, %x [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
    npu.chain "copy" %x, %kept [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  }
  npu.dma "out" store %kept[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}
}

// -----

// Less room: each load may come one step early, so neighbours lie apart, in two slots that three streams share in turn.

// CHECK: npu.program @decode {{.*}} sram 192 live 128 prefetch 64
// CHECK: npu.buffer "x" bytes 64 at 0
// CHECK: npu.buffer "w0" bytes 64 stream at 64
// CHECK: npu.buffer "w1" bytes 64 stream at 128
// CHECK: npu.buffer "w2" bytes 64 stream at 64
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 192, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
npu.program @decode decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  %w0 = npu.buffer "w0" bytes 64 stream
  %w1 = npu.buffer "w1" bytes 64 stream
  %w2 = npu.buffer "w2" bytes 64 stream
  npu.dma "w" %w0[0] <space = weights, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  npu.chain "copy" %w0, %x [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.dma "w" %w1[0] <space = weights, offset = 64> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  npu.chain "copy" %w1, %x [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.dma "w" %w2[0] <space = weights, offset = 128> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  npu.chain "copy" %w2, %x [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.dma "out" store %x[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}
}

// -----

// A stream buffer that enters a loop from outside is no stream: every trip reads it, so `w` never takes its place.

// CHECK: npu.program @decode {{.*}} sram 192 live 192 prefetch 0
// CHECK: npu.buffer "table" bytes 64 stream at {{0|64}}{{$}}
// CHECK: npu.buffer "w" bytes 64 stream at 128
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
npu.program @decode decode rows 1 arguments [] scratch 0 {
  %table = npu.buffer "table" bytes 64 stream
  %x = npu.buffer "x" bytes 64
  %w = npu.buffer "w" bytes 64 stream
  npu.dma "w" %table[0] <space = weights, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  npu.trips 2 {
    npu.chain "copy" %table, %x [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
    npu.dma "w" %w[0] <space = weights, offset = 64, trip_stride = 64> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
    npu.chain "copy" %w, %x [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  }
  npu.dma "out" store %x[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}
}

// -----

// A prefill program that does not fit is left out with a warning; the others stay. A buffer that nobody touches needs no place.

// CHECK: npu.left_out = {prefill_8 = "needs 256 bytes, the memory has 128
// CHECK-NOT: npu.program @prefill_8
// CHECK: npu.program @decode {{.*}} sram 64
// CHECK: npu.buffer "unused" bytes 512{{$}}
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 128, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
// expected-warning@below {{entry @prefill_8 does not fit tiny and is left out; smaller chunks serve instead: }}
npu.program @prefill_8 prefill rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 128
  %y = npu.buffer "y" bytes 128
  npu.chain "copy" %x, %y [#npu.access<element = f32, bytes = 128>, #npu.access<element = f32, bytes = 128>] tokens <1> sub 1 columns <32> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
}
npu.program @decode decode rows 1 arguments [] scratch 0 {
  %unused = npu.buffer "unused" bytes 512
  %x = npu.buffer "x" bytes 64
  npu.dma "w" %x[0] <space = weights, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  npu.dma "out" store %x[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}
}
