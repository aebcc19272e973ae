// RUN: llmc-opt %s | llmc-opt | FileCheck %s

// Every operation and attribute of the dialect, printed and read again.

// CHECK: module attributes {npu.target = #npu.target<"rnpu-soc", sram_bytes = 2097152, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [64, 16], head_rows = 16>}
module attributes {npu.target = #npu.target<"rnpu-soc", sram_bytes = 2097152, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [64, 16], head_rows = 16>} {

// CHECK: npu.constant @packed.w at 0 bytes 512 from [@w, @s] format <i8, group = 0, scale = f32>
npu.constant @packed.w at 0 bytes 512 from [@w, @s] format <i8, group = 0, scale = f32>
// CHECK: npu.constant @table at 512 bytes 64 from [] rope <base = 1.000000e+04 : f64, dim = 4, scaling = 1.000000e+00 : f32>
npu.constant @table at 512 bytes 64 from [] rope <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32>
// CHECK: npu.constant @norm at 576 bytes 64 from [@n]{{$}}
npu.constant @norm at 576 bytes 64 from [@n]

// CHECK: npu.program @decode decode rows 1 arguments [#npu.argument<kind = position, maximum = 511>, #npu.argument<kind = tokens, maximum = 1>, #npu.argument<kind = row, maximum = 63>, #npu.argument<kind = add, maximum = 512, of = 0, immediate = 1>, #npu.argument<kind = clamp, maximum = 256, of = 0, immediate = 255>] scratch 0 sram 4096 live 2048 {
npu.program @decode decode rows 1 arguments [#npu.argument<kind = position, maximum = 511>, #npu.argument<kind = tokens, maximum = 1>, #npu.argument<kind = row, maximum = 63>, #npu.argument<kind = add, maximum = 512, of = 0, immediate = 1>, #npu.argument<kind = clamp, maximum = 256, of = 0, immediate = 255>] scratch 0 sram 4096 live 2048 {
  // CHECK: npu.buffer "weights" bytes 512 stream at 1024
  %w = npu.buffer "weights" bytes 512 stream at 1024
  // CHECK: npu.buffer "x" bytes 64{{$}}
  %x = npu.buffer "x" bytes 64
  %q = npu.buffer "q" bytes 16
  %s = npu.buffer "s" bytes 16
  %y = npu.buffer "y" bytes 64
  // CHECK: npu.dma "rows" %{{.*}}[0] <space = weights, offset = 0> run <32> unit 1 counts [#npu.extent<4>, #npu.extent<1>] strides [32, 0], [32, 0] gather <space = ids, offset = 0> bound 16
  npu.dma "rows" %w[0] <space = weights, offset = 0> run <32> unit 1 counts [#npu.extent<4>, #npu.extent<1>] strides [32, 0], [32, 0] gather <space = ids, offset = 0> bound 16
  // CHECK: npu.trips 3 {
  npu.trips 3 {
    // CHECK: npu.dma "keys" %{{.*}}[0] <space = state, offset = 64, argument = 0, argument_stride = 32, trip_stride = 128> run <512, argument = 0> unit 32 {{.*}} waits [#npu.wait<engine = tensor, value = -1, per_trip = 2>, #npu.wait<engine = vector, value = 3>]
    npu.dma "keys" %w[0] <space = state, offset = 64, argument = 0, argument_stride = 32, trip_stride = 128> run <512, argument = 0> unit 32 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0] waits [#npu.wait<engine = tensor, value = -1, per_trip = 2>, #npu.wait<engine = vector, value = 3>]
    // CHECK: npu.matmul "linear" linear %{{.*}} [#npu.access<element = i8, bytes = 16>, #npu.access<element = f32, bytes = 4>, #npu.access<element = i8, bytes = 512>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 n <16> k <16> format <i8, group = 0, scale = f32>
    npu.matmul "linear" linear %q, %s, %w, %y [#npu.access<element = i8, bytes = 16>, #npu.access<element = f32, bytes = 4>, #npu.access<element = i8, bytes = 512>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 n <16> k <16> format <i8, group = 0, scale = f32>
    // CHECK: npu.matmul "scores" scores {{.*}} scale 5.000000e-01
    npu.matmul "scores" scores %q, %w, %y [#npu.access<element = f16, bytes = 8>, #npu.access<element = f16, bytes = 16>, #npu.access<element = f32, bytes = 16, argument = 4, argument_stride = 4>] tokens <1> sub 2 n <2> k <4> scale 0.5
    // CHECK: npu.matmul "values" values {{.*}} accumulate waits [#npu.wait<engine = load, value = 1>]
    npu.matmul "values" values %q, %w, %y [#npu.access<element = f16, bytes = 4>, #npu.access<element = f16, bytes = 16>, #npu.access<element = f32, bytes = 16, offset = 16, token_stride = 16, sub_stride = 8>] tokens <1> sub 2 n <4> k <2> accumulate waits [#npu.wait<engine = load, value = 1>]
  }
  // CHECK: npu.chain "softmax" {{.*}} columns <16, argument = 3> position 0 first 2 steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = max_visible, a = 0>, #npu.step<kind = sub, a = 0, b = 1>, #npu.step<kind = constant, imm = 2.000000e+00 : f32>, #npu.step<kind = keep_ge, a = 2, b = 3, imm = -2.000000e+01 : f32>, #npu.step<kind = store_matrix, a = 4, operand = 1>]
  npu.chain "softmax" %x, %y [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16, argument = 3> position 0 first 2 steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = max_visible, a = 0>, #npu.step<kind = sub, a = 0, b = 1>, #npu.step<kind = constant, imm = 2.0 : f32>, #npu.step<kind = keep_ge, a = 2, b = 3, imm = -20.0 : f32>, #npu.step<kind = store_matrix, a = 4, operand = 1>]
  // CHECK: npu.dma "out" store %{{.*}}[0] <space = io, offset = 0> run <64>
  npu.dma "out" store %y[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}
}
