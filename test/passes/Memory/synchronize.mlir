// RUN: llmc-opt %s --pass-pipeline='builtin.module(npu.program(llmc-synchronize))' --split-input-file | FileCheck %s

// A reader waits for its writer, a writer for the readers of what it overwrites; commands of one engine are in order anyway.

// CHECK-LABEL: npu.program @straight
// CHECK: npu.dma "w" {{.*}} strides [0, 0], [0, 0]{{$}}
// CHECK-NEXT: npu.chain "copy" {{.*}} waits [#npu.wait<engine = load, value = 1>]
// CHECK-NEXT: npu.chain "again" {{.*}}]{{$}}
// CHECK-NOT: waits
// CHECK: npu.dma "w2" {{.*}} waits [#npu.wait<engine = vector, value = 1>]
// CHECK-NEXT: npu.dma "out" store {{.*}} waits [#npu.wait<engine = vector, value = 2>]
npu.program @straight decode rows 1 arguments [] scratch 0 sram 4096 {
  %a = npu.buffer "a" bytes 64 stream at 0
  %b = npu.buffer "b" bytes 64 at 64
  %c = npu.buffer "c" bytes 64 at 128
  npu.dma "w" %a[0] <space = weights, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  npu.chain "copy" %a, %b [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.chain "again" %b, %c [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.dma "w2" %a[0] <space = weights, offset = 64> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  npu.dma "out" store %c[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}

// -----

// In a loop a wait grows with the trip: the load of trip t overwrites what the reader of trip t-1 used, and the first trip, where the
// value is 0, does not wait. The store after the loop waits for the last of 5 trips.

// CHECK-LABEL: npu.program @loop
// CHECK: npu.trips 5
// CHECK-NEXT: npu.dma "w" {{.*}} waits [#npu.wait<engine = vector, value = 0, per_trip = 1>]
// CHECK-NEXT: npu.chain "copy" {{.*}} waits [#npu.wait<engine = load, value = 1, per_trip = 1>]
// CHECK: npu.dma "out" store {{.*}} waits [#npu.wait<engine = vector, value = 5>]
npu.program @loop decode rows 1 arguments [] scratch 0 sram 4096 {
  %a = npu.buffer "a" bytes 64 stream at 0
  %b = npu.buffer "b" bytes 64 at 64
  npu.trips 5 {
    npu.dma "w" %a[0] <space = weights, offset = 0, trip_stride = 64> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
    npu.chain "copy" %a, %b [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  }
  npu.dma "out" store %b[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}

// -----

// What a later trip needs may lie far back: the first reader of two gives its place away while the second still runs, so the value is
// negative in trip 0. A need on the prologue alone stays constant.

// CHECK-LABEL: npu.program @ahead
// CHECK: npu.trips 5
// CHECK-NEXT: npu.dma "w0" {{.*}} waits [#npu.wait<engine = vector, value = -1, per_trip = 2>]
// CHECK-NEXT: npu.chain "r0" {{.*}} waits [#npu.wait<engine = load, value = 2, per_trip = 2>]
// CHECK-NEXT: npu.dma "w1" {{.*}} waits [#npu.wait<engine = vector, value = 0, per_trip = 2>]
// CHECK-NEXT: npu.chain "r1" {{.*}} waits [#npu.wait<engine = load, value = 3, per_trip = 2>]
// CHECK-NEXT: npu.dma "table" store {{.*}} waits [#npu.wait<engine = load, value = 1>]
npu.program @ahead decode rows 1 arguments [] scratch 0 sram 4096 {
  %t = npu.buffer "t" bytes 64 at 192
  %a = npu.buffer "a" bytes 64 stream at 0
  %b = npu.buffer "b" bytes 64 stream at 64
  %x = npu.buffer "x" bytes 64 at 128
  npu.dma "t" %t[0] <space = weights, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  npu.trips 5 {
    npu.dma "w0" %a[0] <space = weights, offset = 0, trip_stride = 64> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
    npu.chain "r0" %a, %x [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
    npu.dma "w1" %b[0] <space = weights, offset = 0, trip_stride = 64> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
    npu.chain "r1" %b, %x [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
    npu.dma "table" store %t[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  }
}
