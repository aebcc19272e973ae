// RUN: llmc-opt %s --llmc-lower-npu-to-plan --split-input-file --verify-diagnostics | FileCheck %s

// Kernels of two devices: each kind of code has those of its device, entries are for each pair of them, and where one device's kernel
// follows the other's it waits for that queue; in a loop also for its end.

// CHECK: plan.target @machine backend "npu" device "partial"
// CHECK-NEXT: plan.target @fallback_a backend "cpu" device "cpu" variant "a"
// CHECK-NEXT: plan.target @fallback_b backend "cpu" device "cpu" variant "b"
// CHECK: plan.region @code dram
// CHECK: plan.region @code_fallback_a dram
// CHECK: plan.region @code_fallback_b dram
// CHECK: plan.queue @queue of @machine index 0
// CHECK-NEXT: plan.queue @queue_fallback_a of @fallback_a index 0
// CHECK-NEXT: plan.queue @queue_fallback_b of @fallback_b index 0
// CHECK: plan.kernel [[DOUBLE:@decode.double[_0-9]*]] name "decode.double" of @decode.double {{.*}} on @machine
// CHECK-NOT: on @machine
// CHECK: plan.kernel @decode.half_fallback_a name "decode.half" of @decode.half {{.*}} on @fallback_a
// CHECK-NOT: on @fallback_a
// CHECK: plan.kernel @decode.half_fallback_b name "decode.half" of @decode.half {{.*}} on @fallback_b
// CHECK: plan.entry @decode_a name "decode" decode {{.*}} on [@machine, @fallback_a]
// CHECK-SAME: variant "a"
// CHECK-NEXT: plan.dispatch [[DOUBLE]] on @queue args
// CHECK-NEXT: plan.loop
// CHECK-NEXT: plan.wait on @queue outstanding 0
// CHECK-NEXT: plan.dispatch @decode.half_fallback_a on @queue_fallback_a
// CHECK-NEXT: plan.wait on @queue_fallback_a outstanding 0
// CHECK-NEXT: plan.dispatch [[DOUBLE]] on @queue args
// CHECK-NEXT: plan.dispatch [[DOUBLE]] on @queue args
// CHECK-NEXT: }
// CHECK-NEXT: plan.wait on @queue outstanding 0
// CHECK-NEXT: plan.dispatch @decode.half_fallback_a on @queue_fallback_a
// CHECK-NEXT: plan.barrier
// CHECK: plan.entry @decode_b name "decode" decode {{.*}} on [@machine, @fallback_b]
module attributes {npu.chunk_rows = 1 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>,
                   npu.target = #npu.target<"partial", sram_bytes = 65536, alignment = 16, row_granule = 1, record_alignment = 64, chunks = [4], head_rows = 1, direct = true fallback_granule = 16>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [#npu.argument<kind = position, maximum = 15>] scratch 0 sram 64 live 64 {
  %x = npu.buffer "x" bytes 64 at 0
  npu.chain "double" %x, %x [#npu.access<element = f32, bytes = 64, token_stride = 64>, #npu.access<element = f32, bytes = 64, token_stride = 64>] tokens #npu.extent<1> sub 1 columns #npu.extent<16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = add, a = 0, b = 0>, #npu.step<kind = store_matrix, a = 1, operand = 1>]
  npu.trips 2 {
    npu.chain "half" %x, %x [#npu.access<element = f32, bytes = 64, token_stride = 64>, #npu.access<element = f32, bytes = 64, token_stride = 64>] tokens #npu.extent<1> sub 1 columns #npu.extent<16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = constant, imm = 0.5 : f32>, #npu.step<kind = mul, a = 0, b = 1>, #npu.step<kind = store_matrix, a = 2, operand = 1>] {npu.fallback = "no halves"}
    npu.chain "double" %x, %x [#npu.access<element = f32, bytes = 64, token_stride = 64>, #npu.access<element = f32, bytes = 64, token_stride = 64>] tokens #npu.extent<1> sub 1 columns #npu.extent<16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = add, a = 0, b = 0>, #npu.step<kind = store_matrix, a = 1, operand = 1>]
    npu.chain "double" %x, %x [#npu.access<element = f32, bytes = 64, token_stride = 64>, #npu.access<element = f32, bytes = 64, token_stride = 64>] tokens #npu.extent<1> sub 1 columns #npu.extent<16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = add, a = 0, b = 0>, #npu.step<kind = store_matrix, a = 1, operand = 1>]
  }
  npu.chain "half" %x, %x [#npu.access<element = f32, bytes = 64, token_stride = 64>, #npu.access<element = f32, bytes = 64, token_stride = 64>] tokens #npu.extent<1> sub 1 columns #npu.extent<16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = constant, imm = 0.5 : f32>, #npu.step<kind = mul, a = 0, b = 1>, #npu.step<kind = store_matrix, a = 2, operand = 1>] {npu.fallback = "no halves"}
}
plan.file producer "llmc" {
  plan.target @machine backend "npu" device "partial"
  plan.target @fallback_a backend "cpu" device "cpu" variant "a"
  plan.target @fallback_b backend "cpu" device "cpu" variant "b"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

// A device that runs nothing is not in the plan.

// CHECK: plan.target @machine
// CHECK-NOT: plan.target
// CHECK: plan.entry @decode name "decode" {{.*}} on [@machine]
module attributes {npu.chunk_rows = 1 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>,
                   npu.target = #npu.target<"partial", sram_bytes = 65536, alignment = 16, row_granule = 1, record_alignment = 64, chunks = [4], head_rows = 1, direct = true fallback_granule = 16>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 64 live 64 {
  %x = npu.buffer "x" bytes 64 at 0
  npu.chain "double" %x, %x [#npu.access<element = f32, bytes = 64, token_stride = 64>, #npu.access<element = f32, bytes = 64, token_stride = 64>] tokens #npu.extent<1> sub 1 columns #npu.extent<16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = add, a = 0, b = 0>, #npu.step<kind = store_matrix, a = 1, operand = 1>]
}
plan.file producer "llmc" {
  plan.target @machine backend "npu" device "partial"
  plan.target @fallback_a backend "cpu" device "cpu" variant "a"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

module attributes {npu.chunk_rows = 1 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>,
                   npu.target = #npu.target<"partial", sram_bytes = 65536, alignment = 16, row_granule = 1, record_alignment = 64, chunks = [4], head_rows = 1, direct = true>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 64 live 64 {
  %x = npu.buffer "x" bytes 64 at 0
  npu.chain "double" %x, %x [#npu.access<element = f32, bytes = 64, token_stride = 64>, #npu.access<element = f32, bytes = 64, token_stride = 64>] tokens #npu.extent<1> sub 1 columns #npu.extent<16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = add, a = 0, b = 0>, #npu.step<kind = store_matrix, a = 1, operand = 1>] {npu.fallback = "no sums"}
  npu.chain "double" %x, %x [#npu.access<element = f32, bytes = 64, token_stride = 64>, #npu.access<element = f32, bytes = 64, token_stride = 64>] tokens #npu.extent<1> sub 1 columns #npu.extent<16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = add, a = 0, b = 0>, #npu.step<kind = store_matrix, a = 1, operand = 1>]
}
// expected-error@below {{a plan.target for the fallback device in the plan.file}}
plan.file producer "llmc" {
  plan.target @machine backend "npu" device "partial"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}
