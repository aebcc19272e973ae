// RUN: llmc-opt %s --llmc-tile --split-input-file | FileCheck %s

// A head: 100 rows of 48 bytes exceed a stream buffer of 2048 bytes, so weights come in tiles of 32 rows and a rest of 4, each a load, a
// product and a store of its columns. Io holds 2 hidden rows, then logits from byte 512.

// CHECK: module attributes {npu.chunk_rows = 2 : i64
// CHECK-NOT: func.func
// CHECK: npu.program @head_2 head rows 2 arguments [#npu.argument<kind = row, maximum = 0>]
// CHECK: npu.dma "hidden" %{{.*}}[0] <space = io, offset = 0, argument = 0, argument_stride = 256> run <512>
// CHECK: npu.chain "quantize_rows"
// CHECK-SAME: kind = abs_max
// CHECK-SAME: kind = inverse_scale
// CHECK-SAME: kind = activation_scale
// CHECK: npu.dma "logits.weights" %[[W0:.*]][0] <space = weights, offset = 128> run <1536>
// CHECK-NEXT: npu.matmul "logits" linear %{{.*}}, %{{.*}}, %[[W0]], %[[L0:.*]] [{{.*}}] tokens <2> sub 1 n <32> k <64> format <i4, group = 16, scale = f16>
// CHECK-NEXT: npu.dma "logits" store %[[L0]][0] <space = io, offset = 512> run <128> unit 1 counts [#npu.extent<2>, #npu.extent<1>] strides [400, 0], [128, 0]
// CHECK: npu.dma "logits.weights" %{{.*}}[0] <space = weights, offset = 1664> run <1536>
// CHECK: npu.dma "logits" store %{{.*}}[0] <space = io, offset = 640> run <128>
// CHECK: npu.dma "logits.weights" %{{.*}}[0] <space = weights, offset = 3200> run <1536>
// CHECK: npu.dma "logits.weights" %{{.*}}[0] <space = weights, offset = 4736> run <192>
// CHECK-NEXT: npu.matmul "logits" {{.*}} n <4> k <64>
// CHECK-NEXT: npu.dma "logits" store %{{.*}}[0] <space = io, offset = 896> run <16>
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @w : tensor<100x64xi8> = dense<1> : tensor<100x64xi8>
lm.weight @s : tensor<100x4xf16> = dense<1.0> : tensor<100x4xf16>
func.func @head_2(%h: tensor<2x64xf32>) -> tensor<2x100xf32> attributes {lm.entry = #lm.entry<head, rows = 2>} {
  %w = lm.get @w : tensor<100x64xi8>
  %s = lm.get @s : tensor<100x4xf16>
  %q, %qs = lm.quantize_rows %h : (tensor<2x64xf32>) -> (tensor<2x64xi8>, tensor<2xf32>)
  %y = lm.quantized_linear %q, %qs, %w, %s <i4, group = 16, scale = f16> : (tensor<2x64xi8>, tensor<2xf32>, tensor<100x64xi8>, tensor<100x4xf16>) -> tensor<2x100xf32>
  return %y : tensor<2x100xf32>
}
npu.constant @packed.w at 128 bytes 4800 from [@w, @s] format <i4, group = 16, scale = f16>
}

// -----

// A chunk: rows are gathered by id, the rotation's rows are loaded once before the layers, which are one loop with a stride a trip.
// Cached keys and values come for the positions before the chunk; its valid rows are appended behind them. The residual sum replaces the
// hidden state in place.

// CHECK: npu.program @prefill_4 prefill rows 4 arguments [#npu.argument<kind = position, maximum = 19>, #npu.argument<kind = tokens, maximum = 4>, #npu.argument<kind = add, maximum = 23, of = 0, immediate = 4>]
// CHECK: %[[HIDDEN:.*]] = npu.buffer "hidden" bytes 256{{$}}
// CHECK: npu.dma "embedding.rows" {{.*}} run <32> {{.*}} counts [#npu.extent<4>, #npu.extent<1>] strides [32, 0], [32, 0] gather <space = ids, offset = 0> bound 8
// CHECK-NEXT: npu.chain "embedding" {{.*}}, %[[HIDDEN]] [
// CHECK-NEXT: npu.dma "rope.rows" %{{.*}}[0] <space = weights, offset = 256, argument = 0, argument_stride = 64> run <256>
// CHECK-NEXT: npu.trips 2 {
// CHECK-NEXT: npu.dma "norm.weight" %{{.*}}[0] <space = weights, offset = 2048, trip_stride = 64> run <64>
// CHECK-NEXT: npu.chain "rms_norm" %[[HIDDEN]],
// CHECK-NEXT: npu.chain "rope"
// CHECK-DAG: npu.dma "kv.keys" %[[KEYS:.*]][0] <space = state, offset = 0, trip_stride = 1280> run <608, argument = 0> unit 32
// CHECK-DAG: npu.dma "kv.values" %[[VALUES:.*]][0] <space = state, offset = 640, trip_stride = 1280> run <608, argument = 0> unit 32
// CHECK-DAG: npu.matmul "scores.cached" scores {{.*}} n <19, argument = 0> k <16> scale 2.500000e-01
// CHECK-DAG: npu.matmul "values.own" values {{.*}} n <16> k <4> accumulate
// CHECK: npu.dma "kv.append_keys" store %[[OWN:.*]][0] <space = state, offset = 0, argument = 0, argument_stride = 32, trip_stride = 1280> run <32> unit 1 counts [#npu.extent<4, argument = 1>, #npu.extent<1>]
// CHECK-NEXT: npu.dma "kv.append_values" store %[[OWN]][0] <space = state, offset = 640, argument = 0, argument_stride = 32, trip_stride = 1280>
// CHECK-NEXT: npu.chain "add" %[[HIDDEN]], %{{.*}} [{{.*}}#npu.step<kind = store_matrix, a = 2, operand = 0>]
// CHECK-NEXT: }
// CHECK-NEXT: npu.dma "hidden" store %[[HIDDEN]][0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<4>, #npu.extent<1>]
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @embed : tensor<8x16xi8> = dense<1> : tensor<8x16xi8>
lm.weight @embed.s : tensor<8xf32> = dense<1.0> : tensor<8xf32>
lm.weight @n0 : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @n1 : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.kv_state @kv layers 2 kv_heads 1 head_dim 16 capacity 20 of f16
func.func private @layer(%h: tensor<4x16xf32>, %position: i32, %layer: index, %n: tensor<16xf32>) -> tensor<4x16xf32> {
  %x = lm.rms_norm %h, %n epsilon 1.0e-5 : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  %q = lm.group 0 -> tensor<4x16xf16> {
    %r = lm.rope %x at %position heads 1 formula <base = 10000.0 : f64, dim = 16, scaling = 1.0 : f32> : (tensor<4x16xf32>, i32) -> tensor<4x16xf32>
    %f = lm.round_f16 %r : (tensor<4x16xf32>) -> tensor<4x16xf16>
    lm.yield %f : tensor<4x16xf16>
  }
  %a = lm.attention %q, %q, %q at %position state @kv[%layer] heads 1 scale 0.25 : (tensor<4x16xf16>, tensor<4x16xf16>, tensor<4x16xf16>, i32, index) -> tensor<4x16xf32>
  %y = lm.add %h, %a : tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}
func.func @prefill_4(%ids: tensor<4xi32>, %position: i32) -> tensor<4x16xf32> attributes {lm.entry = #lm.entry<prefill, rows = 4>} {
  %e = lm.get @embed : tensor<8x16xi8>
  %es = lm.get @embed.s : tensor<8xf32>
  %x = lm.quantized_embed %ids, %e, %es <i8, group = 0, scale = f32> : (tensor<4xi32>, tensor<8x16xi8>, tensor<8xf32>) -> tensor<4x16xf32>
  %y = lm.repeat @layer(%x, %position) first 0 bindings [[@n0, @n1]] : (tensor<4x16xf32>, i32) -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}
npu.constant @packed.embed at 0 bytes 256 from [@embed, @embed.s] format <i8, group = 0, scale = f32>
npu.constant @"packed.rope.1.0000000000000000e+04.16.1.0000000000000000e+00" at 256 bytes 1536 from [] rope <base = 10000.0 : f64, dim = 16, scaling = 1.0 : f32>
npu.constant @packed.n0 at 2048 bytes 64 from [@n0]
npu.constant @packed.n1 at 2112 bytes 64 from [@n1]
}

// -----

// A gated group: gate and up tile by tile with the activation between; two buffers of each take turns.

// CHECK: npu.program @decode
// CHECK-COUNT-2: npu.buffer "gate{{[01]}}" bytes 128
// CHECK-NOT: npu.buffer "gate{{[0-9]}}" bytes
// CHECK: npu.dma "gate.weights" %{{.*}}[0] <space = weights, offset = 0> run <1536>
// CHECK-NEXT: npu.matmul "gate" linear
// CHECK-NEXT: npu.dma "up.weights" %{{.*}}[0] <space = weights, offset = 4608> run <1536>
// CHECK-NEXT: npu.matmul "up" linear
// CHECK-NEXT: npu.chain "gated_act" {{.*}}kind = sigmoid
// CHECK-NEXT: npu.dma "gate.weights" %{{.*}}[0] <space = weights, offset = 1536> run <1536>
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @g : tensor<96x32xi8> = dense<1> : tensor<96x32xi8>
lm.weight @u : tensor<96x32xi8> = dense<1> : tensor<96x32xi8>
lm.weight @s : tensor<96xf32> = dense<1.0> : tensor<96xf32>
func.func @decode(%ids: tensor<1xi32>, %position: i32) -> tensor<1x96xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %g = lm.get @g : tensor<96x32xi8>
  %u = lm.get @u : tensor<96x32xi8>
  %s = lm.get @s : tensor<96xf32>
  %x = lm.quantized_embed %ids, %g, %s <i8, group = 0, scale = f32> : (tensor<1xi32>, tensor<96x32xi8>, tensor<96xf32>) -> tensor<1x32xf32>
  %q, %qs = lm.quantize_rows %x : (tensor<1x32xf32>) -> (tensor<1x32xi8>, tensor<1xf32>)
  %y = lm.group 0 -> tensor<1x96xf32> {
    %a = lm.quantized_linear %q, %qs, %g, %s <i8, group = 0, scale = f32> : (tensor<1x32xi8>, tensor<1xf32>, tensor<96x32xi8>, tensor<96xf32>) -> tensor<1x96xf32>
    %b = lm.quantized_linear %q, %qs, %u, %s <i8, group = 0, scale = f32> : (tensor<1x32xi8>, tensor<1xf32>, tensor<96x32xi8>, tensor<96xf32>) -> tensor<1x96xf32>
    %c = lm.gated_act silu %a, %b : tensor<1x96xf32>
    lm.yield %c : tensor<1x96xf32>
  }
  return %y : tensor<1x96xf32>
}
npu.constant @packed.g at 0 bytes 4608 from [@g, @s] format <i8, group = 0, scale = f32>
npu.constant @packed.u at 4608 bytes 4608 from [@u, @s] format <i8, group = 0, scale = f32>
}

// -----

// A context of one token, which caches nothing: the load is there and its run is the position, 0.

// CHECK: npu.program @decode decode rows 1 arguments [#npu.argument<kind = position, maximum = 0>,
// CHECK: npu.dma "kv.keys" {{.*}} run <32, argument = 0> unit 32
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @e : tensor<8x16xi8> = dense<1> : tensor<8x16xi8>
lm.weight @s : tensor<8xf32> = dense<1.0> : tensor<8xf32>
lm.kv_state @kv layers 1 kv_heads 1 head_dim 16 capacity 1 of f16
func.func @decode(%ids: tensor<1xi32>, %position: i32) -> tensor<1x16xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %e = lm.get @e : tensor<8x16xi8>
  %s = lm.get @s : tensor<8xf32>
  %x = lm.quantized_embed %ids, %e, %s <i8, group = 0, scale = f32> : (tensor<1xi32>, tensor<8x16xi8>, tensor<8xf32>) -> tensor<1x16xf32>
  %q = lm.round_f16 %x : (tensor<1x16xf32>) -> tensor<1x16xf16>
  %c = arith.constant 0 : index
  %a = lm.attention %q, %q, %q at %position state @kv[%c] heads 1 scale 0.25 : (tensor<1x16xf16>, tensor<1x16xf16>, tensor<1x16xf16>, i32, index) -> tensor<1x16xf32>
  return %a : tensor<1x16xf32>
}
npu.constant @packed.e at 0 bytes 256 from [@e, @s] format <i8, group = 0, scale = f32>
}

// -----

// A layout of the target's own, in which 16 rows take 1024 bytes and the last 4 of 100 rows 256: tiles are whole granules and a rest.

// CHECK: npu.program @head_1
// CHECK: npu.dma "logits.weights" %{{.*}}[0] <space = weights, offset = 128> run <2048>
// CHECK-NEXT: npu.matmul "logits" {{.*}} n <32> k <64>
// CHECK: npu.dma "logits.weights" %{{.*}}[0] <space = weights, offset = 2176> run <2048>
// CHECK: npu.dma "logits.weights" %{{.*}}[0] <space = weights, offset = 4224> run <2048>
// CHECK: npu.dma "logits.weights" %{{.*}}[0] <space = weights, offset = 6272> run <256>
// CHECK-NEXT: npu.matmul "logits" {{.*}} n <4> k <64>
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>,
                   npu.packing = #npu.packing<weights = [<format = <i8, group = 0, scale = f32>, rows = 100, columns = 64, bytes = 6400>, <format = <i8, group = 0, scale = f32>, rows = 16, columns = 64, bytes = 1024>]>} {
lm.weight @w : tensor<100x64xi8> = dense<1> : tensor<100x64xi8>
lm.weight @s : tensor<100xf32> = dense<1.0> : tensor<100xf32>
func.func @head_1(%h: tensor<1x64xf32>) -> tensor<1x100xf32> attributes {lm.entry = #lm.entry<head, rows = 1>} {
  %w = lm.get @w : tensor<100x64xi8>
  %s = lm.get @s : tensor<100xf32>
  %q, %qs = lm.quantize_rows %h : (tensor<1x64xf32>) -> (tensor<1x64xi8>, tensor<1xf32>)
  %y = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<1x64xi8>, tensor<1xf32>, tensor<100x64xi8>, tensor<100xf32>) -> tensor<1x100xf32>
  return %y : tensor<1x100xf32>
}
npu.constant @packed.w at 128 bytes 6400 from [@w, @s] format <i8, group = 0, scale = f32>
}
