// RUN: llmc-opt %s --llmc-lower-npu-to-plan --split-input-file --verify-diagnostics

// expected-error @below {{llmc-lower-npu-to-plan needs 'plan.placement' on the module}}
module attributes {npu.chunk_rows = 4 : i64} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 128 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

// expected-error @below {{llmc-lower-npu-to-plan needs 'npu.chunk_rows' on the module; run llmc-tile first}}
module attributes {plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 128 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

// expected-error @below {{llmc-lower-npu-to-plan needs npu programs; run llmc-tile first}}
module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
// expected-error @below {{llmc-lower-npu-to-plan needs addresses; run llmc-plan-memory first}}
npu.program @decode decode rows 1 arguments [] scratch 0 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
// expected-error @below {{entry 'prefill' has 5 rows, 'npu.chunk_rows' says 4 at most}}
npu.program @prefill prefill rows 5 arguments [] scratch 0 sram 128 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
// expected-error @below {{argument 0 is derived from argument 0, which does not stand before it}}
npu.program @decode decode rows 1 arguments [#npu.argument<kind = add, maximum = 2, of = 0, immediate = 1>] scratch 0 sram 128 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
// expected-error @below {{entry 'decode' needs more than 32 run-time parameters, which is all that a runtime holds; use a shorter context or larger stream buffers}}
npu.program @decode decode rows 1 arguments [#npu.argument<kind = position, maximum = 15>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 1>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 2>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 3>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 4>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 5>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 6>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 7>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 8>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 9>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 10>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 11>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 12>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 13>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 14>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 15>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 16>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 17>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 18>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 19>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 20>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 21>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 22>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 23>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 24>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 25>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 26>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 27>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 28>, #npu.argument<kind = add, maximum = 90, of = 0, immediate = 29>] scratch 0 sram 128 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

// expected-error @below {{llmc-lower-npu-to-plan needs one lm.kv_state}}
module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 128 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
// expected-error @below {{holds 'f32', a plan's KV cache holds f16}}
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f32
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 128 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
// expected-error @below {{holds 8 positions, the context is 12}}
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 8 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 128 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
// expected-error @below {{takes more than 4294967295 bytes a layer, a state's strides have 32 bits; use a shorter context}}
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 536870912 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 128 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

// expected-error @below {{llmc-lower-npu-to-plan needs npu.constant; run llmc-layout-weights first}}
module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.program @decode decode rows 1 arguments [] scratch 0 sram 128 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 128 {}
// expected-error @below {{llmc-lower-npu-to-plan needs one plan.model in the plan.file}}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
}
}

// -----

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 128 {}
// expected-error @below {{llmc-lower-npu-to-plan needs one plan.target in the plan.file}}
plan.file producer "llmc" {
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 128 {}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  // expected-error @below {{llmc-lower-npu-to-plan needs a context, a vocabulary and a hidden size}}
plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 0 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
}
}

// -----

// expected-error @below {{llmc-lower-npu-to-plan needs one plan.file}}
module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 128 {}
}

// -----

module attributes {npu.chunk_rows = 4 : i64, plan.placement = #plan.placement<weights = dram, state = dram, io = dram, scratch = dram>} {
lm.kv_state @cache layers 2 kv_heads 1 head_dim 4 capacity 16 of f16
npu.constant @table at 0 bytes 32 from []
npu.program @decode decode rows 1 arguments [] scratch 0 sram 128 {}
// expected-error @below {{llmc-lower-npu-to-plan needs a plan.file without entries: this one is lowered already}}
plan.file producer "llmc" {
  plan.target @machine backend "rnpu" device "tiny"
  plan.model "tiny" architecture "a" quantization "q" vocabulary 8 context 12 hidden 4 layers 2 heads 2 kv_heads 1 head_dim 4
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  plan.entry @e generic chunk 1 {
    plan.end
  }
}
}
