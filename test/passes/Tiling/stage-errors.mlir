// RUN: llmc-opt %s --llmc-tile --llmc-plan-memory --split-input-file --verify-diagnostics

// Everything that can be staged is: what does not fit then needs more memory, or fewer rows.

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 4096, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @e : tensor<96x32xi8> = dense<1> : tensor<96x32xi8>
lm.weight @s : tensor<96xf32> = dense<1.0> : tensor<96xf32>
lm.weight @d : tensor<32x96xi8> = dense<1> : tensor<32x96xi8>
lm.weight @ds : tensor<32xf32> = dense<1.0> : tensor<32xf32>
// expected-warning-re@below {{entry @prefill_16 does not fit tiny and is left out; smaller chunks serve instead: {{.*}}}}
func.func @prefill_16(%ids: tensor<16xi32>, %position: i32) -> tensor<16x32xf32> attributes {lm.entry = #lm.entry<prefill, rows = 16>} {
  %g = lm.get @e : tensor<96x32xi8>
  %s = lm.get @s : tensor<96xf32>
  %d = lm.get @d : tensor<32x96xi8>
  %ds = lm.get @ds : tensor<32xf32>
  %x = lm.quantized_embed %ids, %g, %s <i8, group = 0, scale = f32> : (tensor<16xi32>, tensor<96x32xi8>, tensor<96xf32>) -> tensor<16x32xf32>
  %q, %qs = lm.quantize_rows %x : (tensor<16x32xf32>) -> (tensor<16x32xi8>, tensor<16xf32>)
  %f = lm.group 0 -> tensor<16x96xf32> {
    %a = lm.quantized_linear %q, %qs, %g, %s <i8, group = 0, scale = f32> : (tensor<16x32xi8>, tensor<16xf32>, tensor<96x32xi8>, tensor<96xf32>) -> tensor<16x96xf32>
    %b = lm.quantized_linear %q, %qs, %g, %s <i8, group = 0, scale = f32> : (tensor<16x32xi8>, tensor<16xf32>, tensor<96x32xi8>, tensor<96xf32>) -> tensor<16x96xf32>
    %c = lm.gated_act silu %a, %b : tensor<16x96xf32>
    lm.yield %c : tensor<16x96xf32>
  }
  %fq, %fs = lm.quantize_rows %f : (tensor<16x96xf32>) -> (tensor<16x96xi8>, tensor<16xf32>)
  %o = lm.quantized_linear %fq, %fs, %d, %ds <i8, group = 0, scale = f32> : (tensor<16x96xi8>, tensor<16xf32>, tensor<32x96xi8>, tensor<32xf32>) -> tensor<16x32xf32>
  %y = lm.add %x, %o : tensor<16x32xf32>
  return %y : tensor<16x32xf32>
}
npu.constant @packed.e at 0 bytes 4608 from [@e, @s] format <i8, group = 0, scale = f32>
npu.constant @packed.d at 4608 bytes 3584 from [@d, @ds] format <i8, group = 0, scale = f32>
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 1024, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @e : tensor<96x32xi8> = dense<1> : tensor<96x32xi8>
lm.weight @s : tensor<96xf32> = dense<1.0> : tensor<96xf32>
lm.weight @d : tensor<32x96xi8> = dense<1> : tensor<32x96xi8>
lm.weight @ds : tensor<32xf32> = dense<1.0> : tensor<32xf32>
// expected-error-re@below {{entry @decode does not fit tiny: {{.*}}}}
func.func @decode(%ids: tensor<1xi32>, %position: i32) -> tensor<1x32xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>} {
  %g = lm.get @e : tensor<96x32xi8>
  %s = lm.get @s : tensor<96xf32>
  %d = lm.get @d : tensor<32x96xi8>
  %ds = lm.get @ds : tensor<32xf32>
  %x = lm.quantized_embed %ids, %g, %s <i8, group = 0, scale = f32> : (tensor<1xi32>, tensor<96x32xi8>, tensor<96xf32>) -> tensor<1x32xf32>
  %q, %qs = lm.quantize_rows %x : (tensor<1x32xf32>) -> (tensor<1x32xi8>, tensor<1xf32>)
  %f = lm.group 0 -> tensor<1x96xf32> {
    %a = lm.quantized_linear %q, %qs, %g, %s <i8, group = 0, scale = f32> : (tensor<1x32xi8>, tensor<1xf32>, tensor<96x32xi8>, tensor<96xf32>) -> tensor<1x96xf32>
    %b = lm.quantized_linear %q, %qs, %g, %s <i8, group = 0, scale = f32> : (tensor<1x32xi8>, tensor<1xf32>, tensor<96x32xi8>, tensor<96xf32>) -> tensor<1x96xf32>
    %c = lm.gated_act silu %a, %b : tensor<1x96xf32>
    lm.yield %c : tensor<1x96xf32>
  }
  %fq, %fs = lm.quantize_rows %f : (tensor<1x96xf32>) -> (tensor<1x96xi8>, tensor<1xf32>)
  %o = lm.quantized_linear %fq, %fs, %d, %ds <i8, group = 0, scale = f32> : (tensor<1x96xi8>, tensor<1xf32>, tensor<32x96xi8>, tensor<32xf32>) -> tensor<1x32xf32>
  %y = lm.add %x, %o : tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}
npu.constant @packed.e at 0 bytes 4608 from [@e, @s] format <i8, group = 0, scale = f32>
npu.constant @packed.d at 4608 bytes 3584 from [@d, @ds] format <i8, group = 0, scale = f32>
}
