// RUN: llmc-opt %s --llmc-layout-weights --split-input-file --verify-diagnostics

// expected-error@below {{llmc-layout-weights needs the attribute npu.target on the module}}
module {}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @w : tensor<4x4xi8> = dense<1> : tensor<4x4xi8>
lm.weight @s : tensor<4xf32> = dense<1.0> : tensor<4xf32>
lm.weight @t : tensor<4xf32> = dense<2.0> : tensor<4xf32>
func.func @two_scales(%q: tensor<1x4xi8>, %qs: tensor<1xf32>) -> tensor<1x4xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %w = lm.get @w : tensor<4x4xi8>
  %s = lm.get @s : tensor<4xf32>
  %t = lm.get @t : tensor<4xf32>
  %a = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<1x4xi8>, tensor<1xf32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<1x4xf32>
  // expected-error@below {{reads @w with other scales, another format or on another device than an earlier operation}}
  %b = lm.quantized_linear %q, %qs, %w, %t <i8, group = 0, scale = f32> : (tensor<1x4xi8>, tensor<1xf32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<1x4xf32>
  return %b : tensor<1x4xf32>
}
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
func.func @no_get(%x: tensor<1x4xf32>, %w: tensor<4xf32>) -> tensor<1x4xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  // expected-error@below {{reads a weight that is no lm.get}}
  %n = lm.rms_norm %x, %w epsilon 1.0e-5 : (tensor<1x4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
  return %n : tensor<1x4xf32>
}
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @cos : tensor<8x2xf32> = dense<1.0> : tensor<8x2xf32>
func.func @table(%x: tensor<1x4xf32>, %position: i32) -> tensor<1x4xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %t = lm.get @cos : tensor<8x2xf32>
  // expected-error@below {{uses an explicit table, which targets do not take yet; the rotation must follow a formula}}
  %r = lm.rope %x at %position table %t, %t heads 1 : (tensor<1x4xf32>, i32, tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<1x4xf32>
  return %r : tensor<1x4xf32>
}
}

// -----

// Sizes of other shapes and formats do not serve.
module attributes {npu.packing = #npu.packing<weights = [<format = <i8, group = 0, scale = f32>, rows = 16, columns = 32, bytes = 1088>, <format = <i8, group = 0, scale = f32>, rows = 32, columns = 16, bytes = 2176>, <format = <i4, group = 0, scale = f32>, rows = 16, columns = 16, bytes = 576>]>, npu.target = #npu.target<"cpu", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [4], head_rows = 4, direct = true>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
func.func @unknown_size(%h: tensor<4x16xf32>) -> tensor<4x16xf32> attributes {lm.entry = #lm.entry<head, rows = 4>} {
  %w = lm.get @w : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %q, %qs = lm.quantize_rows %h : (tensor<4x16xf32>) -> (tensor<4x16xi8>, tensor<4xf32>)
  // expected-error@below {{reads @w, 16 x 16 in #lm.format<i8, group = 0, scale = f32>, of which npu.packing on the module gives no size}}
  %y = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}
}

// -----

module attributes {npu.target = #npu.target<"cpu", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [4], head_rows = 4, direct = true>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
func.func @no_packing(%h: tensor<4x16xf32>) -> tensor<4x16xf32> attributes {lm.entry = #lm.entry<head, rows = 4>} {
  %w = lm.get @w : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %q, %qs = lm.quantize_rows %h : (tensor<4x16xf32>) -> (tensor<4x16xi8>, tensor<4xf32>)
  // expected-error@below {{of which npu.packing on the module gives no size}}
  %y = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}
}
