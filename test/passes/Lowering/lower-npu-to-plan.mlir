// RUN: llmc-opt %s --llmc-lower-npu-to-plan --split-input-file | FileCheck %s

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = flash_xip, state = dram, io = sram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
npu.constant @last at 64 bytes 16 from []

npu.program @prefill prefill rows 4 arguments [#npu.argument<kind = position, maximum = 15>, #npu.argument<kind = tokens, maximum = 4>,
    #npu.argument<kind = add, maximum = 19, of = 0, immediate = 4>, #npu.argument<kind = clamp, maximum = 8, of = 0, immediate = 2>]
    scratch 0 sram 256 live 256 {}
// Shares the clamp, and has another name than the region of that name.
npu.program @code decode rows 1 arguments [#npu.argument<kind = position, maximum = 15>,
    #npu.argument<kind = clamp, maximum = 8, of = 0, immediate = 2>] scratch 0 sram 128 live 128 {}
npu.program @head head rows 2 arguments [#npu.argument<kind = row, maximum = 2>] scratch 0 sram 192 live 192 {}

plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
  plan.tokenizer "bpe"
}
}

// CHECK: plan.file producer "llmc" debug @debug_bytes {
// CHECK: plan.tokenizer "bpe" in @tokenizer_bytes

// Position and KV length by the context, tokens and row by the largest entry; then what programs derive.
// CHECK-NEXT: plan.param @pos input max 11
// CHECK-NEXT: plan.param @tokens input max 4
// CHECK-NEXT: plan.param @kv_len kv_len max 12
// CHECK-NEXT: plan.param @row input max 3
// CHECK-NEXT: plan.param @pos_plus_4 add max 15 of @pos imm 4
// CHECK-NEXT: plan.param @pos_minus_2_to_8 sub max 8 of @pos imm 2

// Kernels have no size yet, so neither has their region.
// CHECK-NEXT: plan.region @code flash_xip constant align 4096 access <cpu_reads, device_reads>
// CHECK-NEXT: plan.region @weights flash_xip constant size 80 align 4096 access <cpu_reads, device_reads>
// CHECK-NEXT: plan.region @state dram session size 512 align 64
// CHECK-NEXT: plan.region @io sram call size 192 align 64
// CHECK-NEXT: plan.region @sram npu_local scratch size 256 align 64 access <device_reads, device_writes>
// CHECK-NEXT: plan.segment @kernel_bytes name "kernels" kernel in @code at 0 align 4096
// CHECK-NEXT: plan.segment @weight_bytes name "weights" weights in @weights at 0 size 80 align 4096 chunk 1048576
// CHECK-NEXT: plan.segment @tokenizer_bytes name "tokenizer" tokenizer align 64
// CHECK-NEXT: plan.segment @debug_bytes name "debug" debug align 64

// Values lie behind the keys of their layer; logits behind the hidden rows of the largest entry.
// CHECK: plan.buffer @key_data name "keys" in @state at 0 size 512
// CHECK-NEXT: plan.buffer @value_data name "values" in @state at 128 size 384
// CHECK-NEXT: plan.buffer @id_data name "ids" in @io at 0 size 64
// CHECK-NEXT: plan.buffer @io_data name "hidden and logits" in @io at 64 size 128
// CHECK: plan.state @keys kv_flat key f16 in @key_data tokens 16 layers 2 heads 1 head_dim 4 strides token 8 head 128 layer 256
// CHECK-NEXT: plan.state @values kv_flat value f16 in @value_data tokens 16 layers 2 heads 1 head_dim 4 strides token 8 head 128 layer 256

// A head reads rows that a chunk of any size left: its tokens have the plan's bound, its row a tighter one.
// CHECK: plan.kernel @run_prefill name "prefill" of @prefill parameters [@pos, @tokens, @pos_plus_4, @pos_minus_2_to_8]
// CHECK-SAME: bounds [11, 4, 12, 3, 15, 8] in @kernel_bytes on @machine args 5{{$}}
// CHECK-NEXT: plan.kernel @run_code name "code" of @code parameters [@pos, @pos_minus_2_to_8] bounds [11, 1, 12, 3, 15, 8]
// CHECK-NEXT: plan.kernel @run_head name "head" of @head parameters [@row] bounds [11, 4, 12, 2, 15, 8]

// CHECK: plan.entry @prefill prefill chunk 4 pos_max 11 vocab 8 on [@machine] states [@keys, @values]
// CHECK-SAME: inputs [#plan.tensor<"ids" ids i32[4] in @ids_4>] outputs [#plan.tensor<"hidden" hidden f32[4, 4] in @hidden_4>]
// CHECK-SAME: peak [#plan.peak<@sram 256>] {
// CHECK-NEXT: plan.dispatch @run_prefill on @queue args [@all_weights, @all_state, @ids_4, @all_io, @all_io]
// CHECK-NEXT: plan.barrier
// CHECK-NEXT: plan.kv_commit @keys
// CHECK-NEXT: plan.end
// CHECK: plan.entry @code_{{[0-9]+}} name "code" decode chunk 1 pos_max 11
// CHECK: plan.operand @logits_2 of @io_data at 64 extent 64 <read, write>
// CHECK-NEXT: plan.entry @head head chunk 2 row @row max 2 vocab 8 on [@machine]
// CHECK-SAME: outputs [#plan.tensor<"logits" logits f32[2, 8] in @logits_2>] peak [#plan.peak<@sram 192>] {
// CHECK-NEXT: plan.dispatch @run_head on @queue args [@all_weights, @all_state, @ids_1, @all_io, @all_io]
// CHECK-NEXT: plan.barrier
// CHECK-NEXT: plan.end

// -----

// What is staged has a region of its own, as large as the program that uses most of it needs.

// CHECK: plan.region @sram npu_local scratch size 256
// CHECK-NEXT: plan.region @scratch sram scratch size 640 align 64 access <device_reads, device_writes>
// CHECK: plan.buffer @scratch_data name "staged rows" in @scratch at 0 size 640
// CHECK-NEXT: plan.operand @all_scratch of @scratch_data at 0 extent 640 <read, write>
// CHECK: plan.entry @prefill
// CHECK-NEXT: plan.dispatch @run_prefill on @queue args [@all_weights, @all_state, @ids_4, @all_io, @all_scratch]
// CHECK: plan.entry @decode
// CHECK-NEXT: plan.dispatch @run_decode on @queue args [@all_weights, @all_state, @ids_1, @all_io, @all_scratch]

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = sram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @prefill prefill rows 4 arguments [] scratch 640 sram 256 live 256 {}
npu.program @decode decode rows 1 arguments [] scratch 128 sram 128 live 128 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}
