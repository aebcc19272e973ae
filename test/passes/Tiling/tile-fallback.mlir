// RUN: llmc-opt %s --llmc-tile | FileCheck %s

// Where a fallback device stands by: what reads its weights is its. Products of two devices are not joined; each device has rows in its
// own order, or as they are where it packs none. What its device refuses as one kernel is several: a sum is stored, then added.

// CHECK: npu.program @prefill_4
// CHECK: %[[PACKED:.*]] = npu.buffer "packed" bytes 640
// CHECK-NOT: npu.buffer "packed"
// CHECK: npu.embed_rows "embedding" {{.*}} {npu.fallback = "no embedding"}
// CHECK: npu.chain "quantize_rows" %{{.*}}, %[[ROWS:[0-9]+]], %[[SCALES:[0-9]+]] [
// CHECK: npu.matmul "linear" linear %[[ROWS]], %[[SCALES]], {{.*}} tokens <4, argument = 1> sub 1 n <16> k <16> format <i8, group = 0, scale = f32>{{$}}
// CHECK: npu.pack_rows "pack" %[[ROWS]], %[[PACKED]] {{.*}} {npu.fallback = "too wide"}
// CHECK: npu.matmul "linear" linear %[[PACKED]], %[[SCALES]], {{.*}} n <32> k <16> format <i8, group = 0, scale = f32> {npu.fallback = "too wide"}
// CHECK-NOT: epilogue
// CHECK: npu.matmul "linear" linear %[[ROWS]], {{.*}} n <16> k <16> format <i8, group = 0, scale = f32>{{$}}
// CHECK-NEXT: npu.chain "add"
module attributes {npu.packing = #npu.packing<weights = [<format = <i8, group = 0, scale = f32>, rows = 16, columns = 16, bytes = 320>, <format = <i8, group = 0, scale = f32>, rows = 16, columns = 16, bytes = 1088, fallback = true>],
                     rows = [<rows = 4, columns = 16, group = 0, bytes = 0>, <rows = 4, columns = 16, group = 0, bytes = 640, fallback = true>] refused = [<format = <i8, group = 0, scale = f32>, tokens = 4, n = 16, k = 16, epilogue = add>]>,
                   npu.target = #npu.target<"partial", sram_bytes = 65536, alignment = 16, row_granule = 1, record_alignment = 64, chunks = [4], head_rows = 4, direct = true fallback_granule = 16>} {
lm.weight @embed : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @a : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @b : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @c : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @d : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.kv_state @kv layers 1 kv_heads 1 head_dim 16 capacity 20 of f16
func.func @prefill_4(%ids: tensor<4xi32>, %position: i32) -> tensor<4x16xf32> attributes {lm.entry = #lm.entry<prefill, rows = 4>} {
  %e = lm.get @embed : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %wa = lm.get @a : tensor<16x16xi8>
  %wb = lm.get @b : tensor<16x16xi8>
  %wc = lm.get @c : tensor<16x16xi8>
  %wd = lm.get @d : tensor<16x16xi8>
  %x = lm.quantized_embed %ids, %e, %s <i8, group = 0, scale = f32> {npu.fallback = "no embedding"} : (tensor<4xi32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  %q, %qs = lm.quantize_rows %x : (tensor<4x16xf32>) -> (tensor<4x16xi8>, tensor<4xf32>)
  %a = lm.quantized_linear %q, %qs, %wa, %s <i8, group = 0, scale = f32> : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  %b = lm.quantized_linear %q, %qs, %wb, %s <i8, group = 0, scale = f32> {npu.fallback = "too wide"} : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  %c = lm.quantized_linear %q, %qs, %wc, %s <i8, group = 0, scale = f32> {npu.fallback = "too wide"} : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  %bb = lm.add %b, %b : tensor<4x16xf32>
  %cc = lm.add %c, %c : tensor<4x16xf32>
  %bc = lm.add %bb, %cc : tensor<4x16xf32>
  %abc = lm.add %a, %bc : tensor<4x16xf32>
  %h = lm.add %x, %abc : tensor<4x16xf32>
  %d = lm.quantized_linear %q, %qs, %wd, %s <i8, group = 0, scale = f32> : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  %y = lm.add %h, %d : tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}
npu.constant @packed.embed at 0 bytes 1088 from [@embed, @s] format <i8, group = 0, scale = f32> {npu.fallback = "no embedding"}
npu.constant @packed.a at 1088 bytes 320 from [@a, @s] format <i8, group = 0, scale = f32>
npu.constant @packed.b at 1408 bytes 1088 from [@b, @s] format <i8, group = 0, scale = f32> {npu.fallback = "too wide"}
npu.constant @packed.c at 2496 bytes 1088 from [@c, @s] format <i8, group = 0, scale = f32> {npu.fallback = "too wide"}
npu.constant @packed.d at 3584 bytes 320 from [@d, @s] format <i8, group = 0, scale = f32>
}
