// RUN: llmc-opt %s "--pass-pipeline=builtin.module(llmc-tile,llmc-plan-memory,npu.program(llmc-synchronize))" 2>&1 | FileCheck %s

// Kept whole, the gated result and what lives beside it exceed on-chip memory. Its columns leave part by part through two
// buffers by turns, and come back row by row where they are quantized: the first load waits for the last store. The residual rows stay.

// CHECK: npu.program @prefill_16 prefill rows 16 arguments {{.*}} scratch 6144 sram
// CHECK: %[[HIDDEN:.*]] = npu.buffer "hidden" bytes 2048 at
// CHECK-NOT: npu.buffer "gated" bytes
// CHECK: %[[PART0:.*]] = npu.buffer "gated0" bytes 1024
// CHECK: %[[PART1:.*]] = npu.buffer "gated1" bytes 1024
// CHECK-NOT: npu.buffer "gated2" bytes
// CHECK: npu.buffer "quantize_rows.rows" bytes 384 stream
// CHECK: npu.chain "gated_act" %{{.*}}, %{{.*}}, %[[PART0]] [
// CHECK-NEXT: npu.dma "gated" store %[[PART0]][0] <space = scratch, offset = 0> run <64> unit 1 counts [#npu.extent<16>, #npu.extent<1>] strides [384, 0], [64, 0]
// CHECK: npu.dma "gated" store %[[PART1]][0] <space = scratch, offset = 64> run <64>
// CHECK: npu.dma "gated" store %[[PART0]][0] <space = scratch, offset = 128> run <64>
// CHECK: npu.dma "gated" store %[[PART1]][0] <space = scratch, offset = 320> run <64>
// CHECK: npu.dma "quantize_rows.rows" %[[ROW:.*]][0] <space = scratch, offset = 0> run <384> {{.*}}<engine = store, value = 6>
// CHECK-NEXT: npu.chain "quantize_rows" %[[ROW]], %{{.*}} tokens <1>
// CHECK: npu.dma "quantize_rows.rows" %{{.*}}[0] <space = scratch, offset = 384> run <384>
// CHECK: npu.dma "quantize_rows.rows" %{{.*}}[0] <space = scratch, offset = 5760> run <384>
// CHECK: npu.chain "add" %[[HIDDEN]],
// CHECK: npu.dma "hidden" store %[[HIDDEN]][0] <space = io, offset = 0>
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 13312, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @e : tensor<96x32xi8> = dense<1> : tensor<96x32xi8>
lm.weight @s : tensor<96xf32> = dense<1.0> : tensor<96xf32>
lm.weight @d : tensor<32x96xi8> = dense<1> : tensor<32x96xi8>
lm.weight @ds : tensor<32xf32> = dense<1.0> : tensor<32xf32>
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
