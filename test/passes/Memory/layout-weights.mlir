// RUN: llmc-opt %s --llmc-layout-weights --split-input-file | FileCheck %s

// The layers of one repeat lie at one stride, weights in order of use; what several operations share is stored once.
// A w8 row of 4 elements and its scale is a record of 16 bytes, and constants start on cache lines.

// CHECK: npu.constant @packed.embed at 0 bytes 128 from [@embed, @embed.s] format <i8, group = 0, scale = f32>
// CHECK-NEXT: npu.constant @{{.*}}rope{{.*}} at 128 bytes 336 from [] rope <base = 1.000000e+04 : f64, dim = 4, scaling = 1.000000e+00 : f32>
// CHECK-NEXT: npu.constant @packed.n0 at 512 bytes 16 from [@n0]
// CHECK-NEXT: npu.constant @packed.w0 at 576 bytes 64 from [@w0, @w0.s] format
// CHECK-NEXT: npu.constant @packed.n1 at 640 bytes 16 from [@n1]
// CHECK-NEXT: npu.constant @packed.w1 at 704 bytes 64 from [@w1, @w1.s] format
// CHECK-NOT: npu.constant
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @embed : tensor<8x4xi8> = dense<1> : tensor<8x4xi8>
lm.weight @embed.s : tensor<8xf32> = dense<1.0> : tensor<8xf32>
lm.weight @n0 : tensor<4xf32> = dense<1.0> : tensor<4xf32>
lm.weight @n1 : tensor<4xf32> = dense<1.0> : tensor<4xf32>
lm.weight @w0 : tensor<4x4xi8> = dense<1> : tensor<4x4xi8>
lm.weight @w0.s : tensor<4xf32> = dense<1.0> : tensor<4xf32>
lm.weight @w1 : tensor<4x4xi8> = dense<1> : tensor<4x4xi8>
lm.weight @w1.s : tensor<4xf32> = dense<1.0> : tensor<4xf32>
lm.kv_state @kv layers 2 kv_heads 1 head_dim 4 capacity 20 of f16
func.func private @layer(%h: tensor<1x4xf32>, %position: i32, %layer: index, %n: tensor<4xf32>, %w: tensor<4x4xi8>, %s: tensor<4xf32>) -> tensor<1x4xf32> {
  %x = lm.rms_norm %h, %n epsilon 1.0e-5 : (tensor<1x4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
  %r = lm.rope %x at %position heads 1 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<1x4xf32>, i32) -> tensor<1x4xf32>
  %q, %qs = lm.quantize_rows %r : (tensor<1x4xf32>) -> (tensor<1x4xi8>, tensor<1xf32>)
  %y = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<1x4xi8>, tensor<1xf32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<1x4xf32>
  return %y : tensor<1x4xf32>
}
func.func @decode(%ids: tensor<1xi32>, %position: i32) -> tensor<1x4xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %e = lm.get @embed : tensor<8x4xi8>
  %es = lm.get @embed.s : tensor<8xf32>
  %x = lm.quantized_embed %ids, %e, %es <i8, group = 0, scale = f32> : (tensor<1xi32>, tensor<8x4xi8>, tensor<8xf32>) -> tensor<1x4xf32>
  %y = lm.repeat @layer(%x, %position) first 0 bindings [[@n0, @n1], [@w0, @w1], [@w0.s, @w1.s]] : (tensor<1x4xf32>, i32) -> tensor<1x4xf32>
  return %y : tensor<1x4xf32>
}
func.func @head_1(%h: tensor<1x4xf32>) -> tensor<1x8xf32> attributes {lm.entry = #lm.entry<head, rows = 1>} {
  %e = lm.get @embed : tensor<8x4xi8>
  %es = lm.get @embed.s : tensor<8xf32>
  %q, %qs = lm.quantize_rows %h : (tensor<1x4xf32>) -> (tensor<1x4xi8>, tensor<1xf32>)
  %y = lm.quantized_linear %q, %qs, %e, %es <i8, group = 0, scale = f32> : (tensor<1x4xi8>, tensor<1xf32>, tensor<8x4xi8>, tensor<8xf32>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}
}

// -----

// Records by format, of 64 columns: 32 bytes of nibbles, then
//   4 multipliers in 2 bytes and at 36 a scale: 40, padded to 48;
//   4 scales in f16: 40, padded to 48;
//   4 scales in f32: 48.

// CHECK: npu.constant @packed.m at 0 bytes 96 from [@m, @m.s, @m.m] format <i4, group = 16, scale = multiplier>
// CHECK: npu.constant @packed.h at 128 bytes 96 from [@h, @h.s] format <i4, group = 16, scale = f16>
// CHECK: npu.constant @packed.f at 256 bytes 96 from [@f, @f.s] format <i4, group = 16, scale = f32>
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @m : tensor<2x64xi8> = dense<1> : tensor<2x64xi8>
lm.weight @m.s : tensor<2xf32> = dense<1.0> : tensor<2xf32>
lm.weight @m.m : tensor<2x4xi8> = dense<1> : tensor<2x4xi8>
lm.weight @h : tensor<2x64xi8> = dense<1> : tensor<2x64xi8>
lm.weight @h.s : tensor<2x4xf16> = dense<1.0> : tensor<2x4xf16>
lm.weight @f : tensor<2x64xi8> = dense<1> : tensor<2x64xi8>
lm.weight @f.s : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
func.func @formats(%q: tensor<1x64xi8>, %qs: tensor<1xf32>) -> tensor<1x2xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %m = lm.get @m : tensor<2x64xi8>
  %ms = lm.get @m.s : tensor<2xf32>
  %mm = lm.get @m.m : tensor<2x4xi8>
  %a = lm.quantized_linear %q, %qs, %m, %ms multipliers %mm <i4, group = 16, scale = multiplier> : (tensor<1x64xi8>, tensor<1xf32>, tensor<2x64xi8>, tensor<2xf32>, tensor<2x4xi8>) -> tensor<1x2xf32>
  %h = lm.get @h : tensor<2x64xi8>
  %hs = lm.get @h.s : tensor<2x4xf16>
  %b = lm.quantized_linear %q, %qs, %h, %hs <i4, group = 16, scale = f16> : (tensor<1x64xi8>, tensor<1xf32>, tensor<2x64xi8>, tensor<2x4xf16>) -> tensor<1x2xf32>
  %f = lm.get @f : tensor<2x64xi8>
  %fs = lm.get @f.s : tensor<2x4xf32>
  %c = lm.quantized_linear %q, %qs, %f, %fs <i4, group = 16, scale = f32> : (tensor<1x64xi8>, tensor<1xf32>, tensor<2x64xi8>, tensor<2x4xf32>) -> tensor<1x2xf32>
  return %c : tensor<1x2xf32>
}
}

// -----

// Formulas that differ little have tables of their own, long enough for a chunk of 16 at the last position.

// CHECK: npu.constant @{{.*}} at 0 bytes 576 from [] rope <base = 1.000000e+04
// CHECK: npu.constant @{{.*}} at 576 bytes 576 from [] rope <base = 10000.000001
// CHECK-NOT: npu.constant
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.kv_state @kv layers 2 kv_heads 1 head_dim 4 capacity 20 of f16
func.func @near(%x: tensor<16x4xf32>, %position: i32) -> tensor<16x4xf32> attributes {lm.entry = #lm.entry<prefill, rows = 16>} {
  %a = lm.rope %x at %position heads 1 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<16x4xf32>, i32) -> tensor<16x4xf32>
  %b = lm.rope %a at %position heads 1 formula <base = 10000.000001 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<16x4xf32>, i32) -> tensor<16x4xf32>
  %c = lm.rope %b at %position heads 1 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<16x4xf32>, i32) -> tensor<16x4xf32>
  return %c : tensor<16x4xf32>
}
}

// -----

// On a direct machine sizes are the target's: those of npu.packing, by format and shape.

// CHECK: npu.constant @packed.w at 0 bytes 1000 from [@w, @s] format <i8, group = 0, scale = f32>
// CHECK-NEXT: npu.constant @packed.u at 1024 bytes 600 from [@u, @s] format <i4, group = 0, scale = f32>
// CHECK-NOT: npu.constant
module attributes {npu.packing = #npu.packing<weights = [<format = <i4, group = 0, scale = f32>, rows = 16, columns = 16, bytes = 600>, <format = <i8, group = 0, scale = f32>, rows = 16, columns = 16, bytes = 1000>]>, npu.target = #npu.target<"cpu", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [4], head_rows = 4, direct = true>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @u : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
func.func @sizes(%q: tensor<4x16xi8>, %qs: tensor<4xf32>) -> tensor<4x16xf32> attributes {lm.entry = #lm.entry<prefill, rows = 4>} {
  %w = lm.get @w : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %u = lm.get @u : tensor<16x16xi8>
  %a = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  %b = lm.quantized_linear %q, %qs, %u, %s <i4, group = 0, scale = f32> : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  %c = lm.add %a, %b : tensor<4x16xf32>
  return %c : tensor<4x16xf32>
}
}

// -----

// A matrix has the size that the device says which reads it.

// CHECK: npu.constant @packed.w at 0 bytes 1000 from [@w, @s] format <i8, group = 0, scale = f32>{{$}}
// CHECK-NEXT: npu.constant @packed.u at 1024 bytes 600 from [@u, @s] format <i8, group = 0, scale = f32> {npu.fallback = "why"}
module attributes {npu.packing = #npu.packing<weights = [<format = <i8, group = 0, scale = f32>, rows = 16, columns = 16, bytes = 600, fallback = true>, <format = <i8, group = 0, scale = f32>, rows = 16, columns = 16, bytes = 1000>]>, npu.target = #npu.target<"cpu", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [4], head_rows = 4, direct = true fallback_granule = 1>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @u : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
func.func @devices(%q: tensor<4x16xi8>, %qs: tensor<4xf32>) -> tensor<4x16xf32> attributes {lm.entry = #lm.entry<prefill, rows = 4>} {
  %w = lm.get @w : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %u = lm.get @u : tensor<16x16xi8>
  %a = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  %b = lm.quantized_linear %q, %qs, %u, %s <i8, group = 0, scale = f32> {npu.fallback = "why"} : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  %c = lm.add %a, %b : tensor<4x16xf32>
  return %c : tensor<4x16xf32>
}
}

// -----

// Where linear layers read a layout of the target's own, a table stays row records; what a head shares with it is stored in both.

// CHECK: npu.constant @records.embed at 0 bytes 128 from [@embed, @embed.s] format <i8, group = 0, scale = f32> records
// CHECK-NEXT: npu.constant @packed.embed at 128 bytes 192 from [@embed, @embed.s] format <i8, group = 0, scale = f32>{{$}}
// CHECK-NOT: npu.constant
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 4, record_alignment = 16, chunks = [8], head_rows = 4>,
                   npu.packing = #npu.packing<weights = [<format = <i8, group = 0, scale = f32>, rows = 8, columns = 4, bytes = 192>, <format = <i8, group = 0, scale = f32>, rows = 4, columns = 4, bytes = 96>]>} {
lm.weight @embed : tensor<8x4xi8> = dense<1> : tensor<8x4xi8>
lm.weight @embed.s : tensor<8xf32> = dense<1.0> : tensor<8xf32>
func.func @decode(%ids: tensor<1xi32>, %position: i32) -> tensor<1x4xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %e = lm.get @embed : tensor<8x4xi8>
  %es = lm.get @embed.s : tensor<8xf32>
  %x = lm.quantized_embed %ids, %e, %es <i8, group = 0, scale = f32> : (tensor<1xi32>, tensor<8x4xi8>, tensor<8xf32>) -> tensor<1x4xf32>
  return %x : tensor<1x4xf32>
}
func.func @head_1(%h: tensor<1x4xf32>) -> tensor<1x8xf32> attributes {lm.entry = #lm.entry<head, rows = 1>} {
  %e = lm.get @embed : tensor<8x4xi8>
  %es = lm.get @embed.s : tensor<8xf32>
  %q, %qs = lm.quantize_rows %h : (tensor<1x4xf32>) -> (tensor<1x4xi8>, tensor<1xf32>)
  %y = lm.quantized_linear %q, %qs, %e, %es <i8, group = 0, scale = f32> : (tensor<1x4xi8>, tensor<1xf32>, tensor<8x4xi8>, tensor<8xf32>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}
}
