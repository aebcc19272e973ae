// RUN: llmc-opt %s --llmc-tile | FileCheck %s

// A chunk on a machine whose kernels address memory directly: one kernel for each operation, weights, tables, cache and results as views,
// which move by the trip; positions move operands. Kernels compute as many rows as are given. Keys and values go to the cache at once.
// Linear layers of the same rows whose weights lie side by side are one product; of several rows, they read packed ones. What one is added
// to it adds to in place.

// CHECK: npu.program @prefill_4 prefill rows 4 arguments [#npu.argument<kind = position, maximum = 19>, #npu.argument<kind = tokens, maximum = 4>]
// CHECK-NOT: npu.dma
// CHECK: %[[HIDDEN:.*]] = npu.buffer "hidden" bytes 256
// CHECK: %[[LINEAR:.*]] = npu.buffer "linear" bytes 512
// CHECK: %[[PACKED:.*]] = npu.buffer "packed" bytes 1088
// CHECK: npu.embed_rows "embedding" %{{.*}}, %{{.*}}, %[[HIDDEN]] {{.*}} tokens <4, argument = 1> columns 16
// CHECK: npu.view "rope.rows" <space = weights, offset = 1088> bytes 1472
// CHECK-NEXT: npu.trips 2 {
// CHECK-NEXT: npu.view "norm.weight" <space = weights, offset = 2624, trip_stride = 64> bytes 64
// CHECK: npu.chain "rope" %{{.*}}, %[[Q:.*]], %[[Q]] [{{.*}}bytes = 1472, token_stride = 64, argument = 0, argument_stride = 64>
// CHECK-NEXT: %[[KEYS:.*]] = npu.view "kv.keys" <space = state, offset = 0, trip_stride = 1280> bytes 640
// CHECK-NEXT: npu.chain "rope" %{{.*}}, %[[KEYS]], %[[KEYS]] [{{.*}}sub_stride = 640, argument = 0, argument_stride = 32>
// CHECK-NEXT: %[[VALUES:.*]] = npu.view "kv.values" <space = state, offset = 640, trip_stride = 1280> bytes 640
// CHECK-NEXT: npu.chain "kv.append" %{{.*}}, %[[VALUES]] [#npu.access<element = f32, {{.*}}sub_stride = 640, argument = 0, argument_stride = 32>]
// CHECK-NEXT: npu.attention "attention" %[[Q]], %[[KEYS]], %[[VALUES]], %{{.*}} tokens <4, argument = 1> heads 1 of 1 dim 16 capacity 20 scale 2.500000e-01 position 0
// CHECK: %[[WEIGHTS:.*]] = npu.view "linear.weights" <space = weights, offset = 4096, trip_stride = 2176> bytes 2176
// CHECK-NEXT: npu.pack_rows "pack" %{{.*}}, %[[PACKED]]
// CHECK-NEXT: npu.matmul "linear" linear %[[PACKED]], %{{.*}}, %[[WEIGHTS]], %[[LINEAR]] {{.*}} tokens <4, argument = 1> sub 1 n <32> k <16>
// CHECK-NEXT: npu.chain "add" %[[LINEAR]], %[[LINEAR]] [{{.*}}offset = 64, token_stride = 128>]
// CHECK-NEXT: npu.chain "add" %[[HIDDEN]], %[[LINEAR]]
// CHECK: npu.matmul "linear" linear %[[PACKED]], %{{.*}}, %[[HIDDEN]] {{.*}} n <16> k <16> format <i8, group = 0, scale = f32> epilogue add
// CHECK-NEXT: }
// CHECK: npu.view "hidden" <space = io, offset = 0> bytes 256
module attributes {npu.packing = #npu.packing<weights = [<format = <i8, group = 0, scale = f32>, rows = 16, columns = 16, bytes = 1088>], rows = [<rows = 4, columns = 16, group = 0, bytes = 1088>]>, npu.target = #npu.target<"cpu", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 64, chunks = [8], head_rows = 4, direct = true>} {
lm.weight @embed : tensor<8x16xi8> = dense<1> : tensor<8x16xi8>
lm.weight @embed.s : tensor<8xf32> = dense<1.0> : tensor<8xf32>
lm.weight @n0 : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @n1 : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @w0 : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @w1 : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @u0 : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @u1 : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.kv_state @kv layers 2 kv_heads 1 head_dim 16 capacity 20 of f16
func.func private @layer(%h: tensor<4x16xf32>, %position: i32, %layer: index, %n: tensor<16xf32>, %w: tensor<16x16xi8>, %s: tensor<16xf32>, %u: tensor<16x16xi8>) -> tensor<4x16xf32> {
  %x = lm.rms_norm %h, %n epsilon 1.0e-5 : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  %q = lm.group 0 -> tensor<4x16xf16> {
    %r = lm.rope %x at %position heads 1 formula <base = 10000.0 : f64, dim = 16, scaling = 1.0 : f32> : (tensor<4x16xf32>, i32) -> tensor<4x16xf32>
    %f = lm.round_f16 %r : (tensor<4x16xf32>) -> tensor<4x16xf16>
    lm.yield %f : tensor<4x16xf16>
  }
  %k = lm.group 1 -> tensor<4x16xf16> {
    %r = lm.rope %x at %position heads 1 formula <base = 10000.0 : f64, dim = 16, scaling = 1.0 : f32> : (tensor<4x16xf32>, i32) -> tensor<4x16xf32>
    %f = lm.round_f16 %r : (tensor<4x16xf32>) -> tensor<4x16xf16>
    lm.yield %f : tensor<4x16xf16>
  }
  %v = lm.round_f16 %x : (tensor<4x16xf32>) -> tensor<4x16xf16>
  %a = lm.attention %q, %k, %v at %position state @kv[%layer] heads 1 scale 0.25 : (tensor<4x16xf16>, tensor<4x16xf16>, tensor<4x16xf16>, i32, index) -> tensor<4x16xf32>
  %c, %cs = lm.quantize_rows %a : (tensor<4x16xf32>) -> (tensor<4x16xi8>, tensor<4xf32>)
  %o = lm.quantized_linear %c, %cs, %w, %s <i8, group = 0, scale = f32> : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  %p = lm.quantized_linear %c, %cs, %u, %s <i8, group = 0, scale = f32> : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  %z = lm.add %o, %p : tensor<4x16xf32>
  %x1 = lm.add %h, %z : tensor<4x16xf32>
  %r = lm.quantized_linear %c, %cs, %w, %s <i8, group = 0, scale = f32> : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  %y = lm.add %x1, %r : tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}
func.func @prefill_4(%ids: tensor<4xi32>, %position: i32) -> tensor<4x16xf32> attributes {lm.entry = #lm.entry<prefill, rows = 4>} {
  %e = lm.get @embed : tensor<8x16xi8>
  %es = lm.get @embed.s : tensor<8xf32>
  %x = lm.quantized_embed %ids, %e, %es <i8, group = 0, scale = f32> : (tensor<4xi32>, tensor<8x16xi8>, tensor<8xf32>) -> tensor<4x16xf32>
  %y = lm.repeat @layer(%x, %position) first 0 bindings [[@n0, @n1], [@w0, @w1], [@n0, @n1], [@u0, @u1]] : (tensor<4x16xf32>, i32) -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}
npu.constant @packed.embed at 0 bytes 1088 from [@embed, @embed.s] format <i8, group = 0, scale = f32>
npu.constant @"packed.rope.1.0000000000000000e+04.16.1.0000000000000000e+00" at 1088 bytes 1536 from [] rope <base = 10000.0 : f64, dim = 16, scaling = 1.0 : f32>
npu.constant @packed.n0 at 2624 bytes 64 from [@n0]
npu.constant @packed.n1 at 2688 bytes 64 from [@n1]
npu.constant @packed.w0 at 4096 bytes 1088 from [@w0, @n0] format <i8, group = 0, scale = f32>
npu.constant @packed.w1 at 6272 bytes 1088 from [@w1, @n1] format <i8, group = 0, scale = f32>
npu.constant @packed.u0 at 5184 bytes 1088 from [@u0, @n0] format <i8, group = 0, scale = f32>
npu.constant @packed.u1 at 7360 bytes 1088 from [@u1, @n1] format <i8, group = 0, scale = f32>
}
