// RUN: llmc-opt %s --llmc-tile --split-input-file --verify-diagnostics

// expected-error@below {{llmc-tile needs the attribute npu.target on the module}}
module {}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @f : tensor<16x16xf32> = dense<1.0> : tensor<16x16xf32>
func.func @float(%h: tensor<1x16xf32>) -> tensor<1x16xf32> attributes {lm.entry = #lm.entry<head, rows = 1>} {
  %w = lm.get @f : tensor<16x16xf32>
  // expected-error@below {{has no kernel on a quantized target; run llmc-quantize first, or choose another recipe}}
  %y = lm.linear %h, %w : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @f : tensor<16x16xf32> = dense<1.0> : tensor<16x16xf32>
func.func @bias(%h: tensor<1x16xf32>) -> tensor<1x16xf32> attributes {lm.entry = #lm.entry<head, rows = 1>} {
  %w = lm.get @w : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %q, %qs = lm.quantize_rows %h : (tensor<1x16xf32>) -> (tensor<1x16xi8>, tensor<1xf32>)
  // expected-error@below {{has a bias, which the target's matrix multiplication does not add; no kernel for it}}
  %y = lm.quantized_linear %q, %qs, %w, %s bias %s <i8, group = 0, scale = f32> : (tensor<1x16xi8>, tensor<1xf32>, tensor<16x16xi8>, tensor<16xf32>, tensor<16xf32>) -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}
npu.constant @packed.w at 0 bytes 512 from [@w, @s] format <i8, group = 0, scale = f32>
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @f : tensor<16x16xf32> = dense<1.0> : tensor<16x16xf32>
// expected-error@below {{a weight of @no_place has no place in the weights segment; run llmc-layout-weights}}
func.func @no_place(%h: tensor<1x16xf32>) -> tensor<1x16xf32> attributes {lm.entry = #lm.entry<head, rows = 1>} {
  %w = lm.get @w : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %q, %qs = lm.quantize_rows %h : (tensor<1x16xf32>) -> (tensor<1x16xi8>, tensor<1xf32>)
  %y = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<1x16xi8>, tensor<1xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
func.func @unknown(%ids: tensor<1xi32>, %position: i32, %h: tensor<1x16xf32>) -> tensor<1x16xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  // expected-error@below {{reads a value that no command of @unknown computes}}
  %y = lm.add %h, %h : tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
func.func @yields_another(%h: tensor<1x16xf32>) -> tensor<1x16xf32> attributes {lm.entry = #lm.entry<head, rows = 1>} {
  // expected-error@below {{must yield the results of its last operation}}
  %y = lm.group 0 -> tensor<1x16xf32> {
    %a = lm.add %h, %h : tensor<1x16xf32>
    %b = lm.add %a, %a : tensor<1x16xf32>
    lm.yield %a : tensor<1x16xf32>
  }
  return %y : tensor<1x16xf32>
}
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @f : tensor<16x16xf32> = dense<1.0> : tensor<16x16xf32>
lm.kv_state @kv layers 1 kv_heads 1 head_dim 16 capacity 20 of f32
func.func @float_cache(%ids: tensor<1xi32>, %position: i32) -> tensor<1x16xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %w = lm.get @w : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %x = lm.quantized_embed %ids, %w, %s <i8, group = 0, scale = f32> : (tensor<1xi32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<1x16xf32>
  %c = arith.constant 0 : index
  // expected-error@below {{keeps f32 keys and values, which has no kernel; a quantized recipe keeps f16}}
  %y = lm.attention %x, %x, %x at %position state @kv[%c] heads 1 scale 0.25 : (tensor<1x16xf32>, tensor<1x16xf32>, tensor<1x16xf32>, i32, index) -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}
npu.constant @packed.w at 0 bytes 512 from [@w, @s] format <i8, group = 0, scale = f32>
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @f : tensor<16x16xf32> = dense<1.0> : tensor<16x16xf32>
lm.weight @t : tensor<8x8xf32> = dense<1.0> : tensor<8x8xf32>
func.func @table(%ids: tensor<1xi32>, %position: i32) -> tensor<1x16xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %w = lm.get @w : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %x = lm.quantized_embed %ids, %w, %s <i8, group = 0, scale = f32> : (tensor<1xi32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<1x16xf32>
  %t = lm.get @t : tensor<8x8xf32>
  // expected-error@below {{uses an explicit table, which has no kernel}}
  %y = lm.rope %x at %position table %t, %t heads 1 : (tensor<1x16xf32>, i32, tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}
npu.constant @packed.w at 0 bytes 512 from [@w, @s] format <i8, group = 0, scale = f32>
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @f : tensor<16x16xf32> = dense<1.0> : tensor<16x16xf32>
func.func @no_table(%ids: tensor<1xi32>, %position: i32) -> tensor<1x16xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %w = lm.get @w : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %x = lm.quantized_embed %ids, %w, %s <i8, group = 0, scale = f32> : (tensor<1xi32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<1x16xf32>
  // expected-error@below {{has no table in the weights segment; run llmc-layout-weights}}
  %y = lm.rope %x at %position heads 1 formula <base = 10000.0 : f64, dim = 16, scaling = 1.0 : f32> : (tensor<1x16xf32>, i32) -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}
npu.constant @packed.w at 0 bytes 512 from [@w, @s] format <i8, group = 0, scale = f32>
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @f : tensor<16x16xf32> = dense<1.0> : tensor<16x16xf32>
lm.weight @n0 : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @n1 : tensor<16xf32> = dense<1.0> : tensor<16xf32>
lm.weight @n2 : tensor<16xf32> = dense<1.0> : tensor<16xf32>
func.func private @layer(%h: tensor<1x16xf32>, %position: i32, %layer: index, %n: tensor<16xf32>) -> tensor<1x16xf32> {
  %x = lm.rms_norm %h, %n epsilon 1.0e-5 : (tensor<1x16xf32>, tensor<16xf32>) -> tensor<1x16xf32>
  return %x : tensor<1x16xf32>
}
func.func @strides(%ids: tensor<1xi32>, %position: i32) -> tensor<1x16xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %w = lm.get @w : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %x = lm.quantized_embed %ids, %w, %s <i8, group = 0, scale = f32> : (tensor<1xi32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<1x16xf32>
  // expected-error@below {{weight 0 does not lie at a constant stride over the layers; run llmc-layout-weights}}
  %y = lm.repeat @layer(%x, %position) first 0 bindings [[@n0, @n1, @n2]] : (tensor<1x16xf32>, i32) -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}
npu.constant @packed.w at 0 bytes 512 from [@w, @s] format <i8, group = 0, scale = f32>
npu.constant @packed.n0 at 512 bytes 64 from [@n0]
npu.constant @packed.n1 at 576 bytes 64 from [@n1]
npu.constant @packed.n2 at 704 bytes 64 from [@n2]
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
func.func @no_chain(%ids: tensor<1xi32>, %position: i32) -> tensor<1x16xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %w = lm.get @w : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %x = lm.quantized_embed %ids, %w, %s <i8, group = 0, scale = f32> : (tensor<1xi32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<1x16xf32>
  %y = lm.group 0 -> tensor<1x16xf32> {
    %a = lm.add %x, %x : tensor<1x16xf32>
    // expected-error@below {{cannot be part of a vector chain}}
    %b = lm.rope %a at %position heads 1 formula <base = 10000.0 : f64, dim = 16, scaling = 1.0 : f32> : (tensor<1x16xf32>, i32) -> tensor<1x16xf32>
    lm.yield %b : tensor<1x16xf32>
  }
  return %y : tensor<1x16xf32>
}
npu.constant @packed.w at 0 bytes 512 from [@w, @s] format <i8, group = 0, scale = f32>
}

// -----

module attributes {npu.packing = #npu.packing<weights = [<format = <i8, group = 0, scale = f32>, rows = 16, columns = 16, bytes = 1088>], rows = [<rows = 8, columns = 16, group = 0, bytes = 1088>, <rows = 4, columns = 32, group = 0, bytes = 1088>, <rows = 4, columns = 16, group = 8, bytes = 1088>]>, npu.target = #npu.target<"cpu", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [4], head_rows = 4, direct = true>} {
lm.weight @w : tensor<16x16xi8> = dense<1> : tensor<16x16xi8>
lm.weight @s : tensor<16xf32> = dense<1.0> : tensor<16xf32>
// expected-error@below {{@head_4 needs 4 rows of 16 columns packed by groups of 0, of which npu.packing on the module gives no size}}
func.func @head_4(%h: tensor<4x16xf32>) -> tensor<4x16xf32> attributes {lm.entry = #lm.entry<head, rows = 4>} {
  %w = lm.get @w : tensor<16x16xi8>
  %s = lm.get @s : tensor<16xf32>
  %q, %qs = lm.quantize_rows %h : (tensor<4x16xf32>) -> (tensor<4x16xi8>, tensor<4xf32>)
  %y = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<4x16xi8>, tensor<4xf32>, tensor<16x16xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}
npu.constant @packed.w at 0 bytes 1088 from [@w, @s] format <i8, group = 0, scale = f32>
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>,
                   npu.packing = #npu.packing<weights = [<format = <i8, group = 0, scale = f32>, rows = 20, columns = 64, bytes = 1280>]>} {
lm.weight @w : tensor<20x64xi8> = dense<1> : tensor<20x64xi8>
lm.weight @s : tensor<20xf32> = dense<1.0> : tensor<20xf32>
func.func @head_1(%h: tensor<1x64xf32>) -> tensor<1x20xf32> attributes {lm.entry = #lm.entry<head, rows = 1>} {
  %w = lm.get @w : tensor<20x64xi8>
  %s = lm.get @s : tensor<20xf32>
  %q, %qs = lm.quantize_rows %h : (tensor<1x64xf32>) -> (tensor<1x64xi8>, tensor<1xf32>)
  // expected-error @+1 {{reads weights of 64 columns in #lm.format<i8, group = 0, scale = f32>, of which npu.packing on the module gives no size for 16 rows}}
  %y = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<1x64xi8>, tensor<1xf32>, tensor<20x64xi8>, tensor<20xf32>) -> tensor<1x20xf32>
  return %y : tensor<1x20xf32>
}
npu.constant @packed.w at 0 bytes 1280 from [@w, @s] format <i8, group = 0, scale = f32>
}
