// Every operation and attribute, printed as read.
// RUN: llmc-opt %s | llmc-opt | FileCheck %s

// CHECK: module attributes {plan.placement = #plan.placement<weights = flash_xip, state = dram, io = sram, scratch = dram>}
module attributes {plan.placement = #plan.placement<weights = flash_xip, state = dram, io = sram, scratch = dram>} {
npu.program @code decode rows 1 arguments [] scratch 0 {}

// CHECK: plan.file producer "llmc" debug @debug {
plan.file producer "llmc" debug @debug {
  // CHECK-NEXT: plan.target @machine backend "rnpu" device "rnpu-soc" variant "wide" abi 2 driver_min 1 config "00{{.*}}ff"
  plan.target @machine backend "rnpu" device "rnpu-soc" variant "wide" abi 2 driver_min 1
      config "00000000000000000000000000000000000000000000000000000000000000ff"
  // CHECK-NEXT: plan.model "tiny" architecture "Llama" quantization "w4a8" vocabulary 8 context 16 hidden 4 layers 2 heads 2 kv_heads 1
  // CHECK-SAME: head_dim 2 bos 1 eos [2, 3]{{$}}
  plan.model "tiny" architecture "Llama" quantization "w4a8" vocabulary 8 context 16 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 2
      bos 1 eos [2, 3]
  // CHECK-NEXT: plan.tokenizer "bpe" in @words add_bos chat_template "{}"
  plan.tokenizer "bpe" in @words add_bos chat_template "{}"
  // CHECK-NEXT: plan.metadata "made" = "here"
  plan.metadata "made" = "here"

  // CHECK-NEXT: plan.region @flash flash_paged constant size 4160 align 4096 access <cpu_reads, device_reads>
  plan.region @flash flash_paged constant size 4160 align 4096 access <cpu_reads, device_reads>
  // CHECK-NEXT: plan.region @code flash_xip constant size 64 align 64 access <cpu_reads>
  plan.region @code flash_xip constant size 64 align 64 access <cpu_reads>
  // CHECK-NEXT: plan.region @state name "kv" dram session size 128 align 64
  plan.region @state name "kv" dram session size 128 align 64 access <cpu_reads, cpu_writes, device_reads, device_writes>
  plan.region @io sram call size 256 align 64 access <cpu_reads, cpu_writes, device_reads, device_writes, cpu_cached>
  // CHECK: plan.segment @kernels kernel in @code size 64 align 64
  plan.segment @kernels kernel in @code size 64 align 64
  // CHECK-NEXT: plan.segment @weights weights in @flash at 4096 size 64 align 4096 chunk 1024
  plan.segment @weights weights in @flash at 4096 size 64 align 4096 chunk 1024
  // CHECK-NEXT: plan.segment @words name "tokenizer" tokenizer align 8
  plan.segment @words name "tokenizer" tokenizer align 8
  plan.segment @debug debug align 1
  // CHECK: plan.buffer @table in @flash at 4096 size 64 from @weights
  plan.buffer @table in @flash at 4096 size 64 from @weights
  plan.buffer @keys in @state at 0 size 128
  plan.buffer @rows in @io at 0 size 256

  // CHECK: plan.param @pos input max 15
  plan.param @pos input max 15
  plan.param @tokens input max 4
  // CHECK: plan.param @length kv_len max 16
  plan.param @length kv_len max 16
  // CHECK-NEXT: plan.param @row input max 3 imm 1
  plan.param @row input max 3 imm 1
  plan.param @layer loop max 1
  // CHECK: plan.param @sum add max 20 of @pos imm 1 plus @tokens
  plan.param @sum add max 20 of @pos imm 1 plus @tokens

  // CHECK-NEXT: plan.operand @some_rows of @table at 0 extent 32 <read> strides [#plan.stride<@layer by 16>]
  plan.operand @some_rows of @table at 0 extent 32 <read> strides [#plan.stride<@layer by 16>]
  plan.operand @ids of @rows at 0 extent 16 <read>
  // CHECK: plan.operand @out of @rows at 64 extent 64 <read, write>
  plan.operand @out of @rows at 64 extent 64 <read, write>
  // CHECK-NEXT: plan.kernel @run name "main" of @code parameters [@sum] bounds [15, 4, 16, 3, 1, 20] in @kernels on @machine args 2
  // CHECK-SAME: blob <offset = 0, size = 64, entry = 16, est_cycles = 1000, stack_bytes = 8>
  plan.kernel @run name "main" of @code parameters [@sum] bounds [15, 4, 16, 3, 1, 20] in @kernels on @machine args 2
      blob <offset = 0, size = 64, entry = 16, est_cycles = 1000, stack_bytes = 8>
  // CHECK-NEXT: plan.queue @q of @machine index 3
  plan.queue @q of @machine index 3
  // CHECK-NEXT: plan.dma @shape rows 2 as @tokens of 8 pitches 16, 8
  plan.dma @shape rows 2 as @tokens of 8 pitches 16, 8
  // CHECK-NEXT: plan.state @scales kv_flat key_scale f32 in @keys tokens 1 layers 1 heads 1 head_dim 1
  plan.state @scales kv_flat key_scale f32 in @keys tokens 1 layers 1 heads 1 head_dim 1 strides token 4 head 4 layer 4 layout 7
  // CHECK-NEXT: plan.state @cache kv_flat key i8 in @keys tokens 16 layers 2 heads 1 head_dim 2
  // CHECK-SAME: strides token 2 head 32 layer 32 layout 4294967295 window 8 scales @scales
  plan.state @cache kv_flat key i8 in @keys tokens 16 layers 2 heads 1 head_dim 2
      strides token 2 head 32 layer 32 layout 4294967295 window 8 scales @scales

  // CHECK: plan.entry @all name "everything" generic chunk 4 pos_max 15 row @row max 3 vocab 8 on [@machine] states [@cache]
  // CHECK-SAME: inputs [#plan.tensor<"ids" ids i32[4] in @ids>]
  // CHECK-SAME: outputs [#plan.tensor<"out" other i8[8, 8] in @out>]
  // CHECK-SAME: peak [#plan.peak<@io 128>] est_cycles 1000 max_cycles 2000 variant "slow" {
  plan.entry @all name "everything" generic chunk 4 pos_max 15 row @row max 3 vocab 8 on [@machine] states [@cache]
      inputs [#plan.tensor<"ids" ids i32[4] in @ids>] outputs [#plan.tensor<"out" other i8[8, 8] in @out>]
      peak [#plan.peak<@io 128>] est_cycles 1000 max_cycles 2000 variant "slow" {
    // CHECK-NEXT: plan.prefetch @some_rows to @out bytes 32
    plan.prefetch @some_rows to @out bytes 32
    // CHECK-NEXT: plan.wait outstanding 0
    plan.wait outstanding 0
    // CHECK-NEXT: plan.loop @layer times 2 {
    plan.loop @layer times 2 {
      // CHECK-NEXT: plan.copy @some_rows to @out by @shape on @q
      plan.copy @some_rows to @out by @shape on @q
      // CHECK-NEXT: plan.wait on @q outstanding 1
      plan.wait on @q outstanding 1
    // CHECK-NEXT: }
    }
    // CHECK-NEXT: plan.loop @layer times_param @row {
    plan.loop @layer times_param @row {
    }
    // CHECK: plan.gather @some_rows by @ids to @out row_bytes 8 bound 4
    plan.gather @some_rows by @ids to @out row_bytes 8 bound 4
    // CHECK-NEXT: plan.cache_clean @out on @q
    plan.cache_clean @out on @q
    // CHECK-NEXT: plan.dispatch @run on @q args [@some_rows, @out]
    plan.dispatch @run on @q args [@some_rows, @out]
    // CHECK-NEXT: plan.barrier
    plan.barrier
    // CHECK-NEXT: plan.cache_invalidate @out on @q
    plan.cache_invalidate @out on @q
    // CHECK-NEXT: plan.host_call 7 args [@out]
    plan.host_call 7 args [@out]
    // CHECK-NEXT: plan.yield
    plan.yield
    // CHECK-NEXT: plan.mark 42
    plan.mark 42
    // CHECK-NEXT: plan.kv_commit @cache
    plan.kv_commit @cache
    // CHECK-NEXT: plan.end
    plan.end
  }
}
}
