// RUN: llmc-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{'plan.placement' must be a #plan.placement on a module}}
module attributes {plan.placement = 1} {}

// -----

// expected-error @below {{unknown attribute 'plan.place'; the plan dialect knows 'plan.placement' on modules}}
module attributes {plan.place = 1} {}

// -----

plan.file producer "llmc" {
  // expected-error @below {{a plan.file holds plan operations only}}
  npu.program @p decode rows 1 arguments [] scratch 0 {}
}

// -----

// expected-error @below {{needs a plan.segment of kind 'debug' as @words}}
plan.file producer "llmc" debug @words {
  plan.segment @words tokenizer align 1
}

// -----

// expected-error @below {{has 2 operations plan.model, a runtime holds 1; one file has one model}}
plan.file producer "llmc" {
  plan.model "a" architecture "" quantization "" vocabulary 1 context 1 hidden 1 layers 1 heads 1 kv_heads 1 head_dim 1
  plan.model "b" architecture "" quantization "" vocabulary 1 context 1 hidden 1 layers 1 heads 1 kv_heads 1 head_dim 1
}

// -----

plan.file producer "llmc" {
  // expected-error @below {{config must be a SHA-256 in 64 hexadecimal digits, has 3 characters}}
  plan.target @t backend "b" device "d" config "abc"
}

// -----

plan.file producer "llmc" {
  plan.param @pos input max 1
  // expected-error @below {{number 1 must be 'input': position, tokens and KV length come first}}
  plan.param @length kv_len max 1
}

// -----

// expected-error @below {{has entries and needs plan.param for position, tokens and KV length; it has 0}}
plan.file producer "llmc" {
  plan.entry @e generic chunk 1 {
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  // expected-error @below {{has size 128, but its last buffer or segment ends at 64; both must be equal}}
  plan.region @io dram call size 128 align 64 access <cpu_reads>
  plan.buffer @b in @io at 0 size 64
}

// -----

plan.file producer "llmc" {
  // expected-error @below {{is constant and cannot be written; its access is <device_reads, device_writes>}}
  plan.region @r dram constant align 64 access <device_reads, device_writes>
}

// -----

plan.file producer "llmc" {
  // expected-error @below {{is flash, which is constant, but has lifetime 'call'}}
  plan.region @r flash_xip call align 64 access <device_reads>
}

// -----

plan.file producer "llmc" {
  // expected-error @below {{attribute 'align' failed to satisfy constraint}}
  plan.region @r dram call align 48 access <device_reads>
}

// -----

plan.file producer "llmc" {
  plan.region @r dram constant align 64 access <device_reads>
  // expected-error @below {{stands at 32, which is not a multiple of its 64 byte alignment}}
  plan.segment @s weights in @r at 32 align 64
}

// -----

plan.file producer "llmc" {
  plan.region @r dram constant align 64 access <device_reads>
  // expected-error @below {{is aligned to 4096 bytes, its region @r only to 64}}
  plan.segment @s weights in @r at 0 align 4096
}

// -----

plan.file producer "llmc" {
  plan.region @r dram constant size 64 align 64 access <device_reads>
  // expected-error @below {{takes bytes 0 to 65 of region @r, which has 64}}
  plan.segment @s weights in @r at 0 size 65 align 64
}

// -----

plan.file producer "llmc" {
  plan.region @r dram call align 64 access <device_reads>
  // expected-error @below {{needs a constant region, @r is call}}
  plan.segment @s weights in @r at 0 align 64
}

// -----

plan.file producer "llmc" {
  // expected-error @below {{needs a plan.region as @nowhere, which the file does not have}}
  plan.buffer @b in @nowhere at 0 size 1
}

// -----

plan.file producer "llmc" {
  plan.segment @s debug align 1
  // expected-error @below {{needs a plan.region as @s, which is a plan.segment}}
  plan.buffer @b in @s at 0 size 1
}

// -----

plan.file producer "llmc" {
  plan.region @r dram constant align 64 access <device_reads>
  // expected-error @below {{lies in the constant region @r and must say which segment fills it}}
  plan.buffer @b in @r at 0 size 1
}

// -----

plan.file producer "llmc" {
  plan.region @r dram constant size 64 align 64 access <device_reads>
  plan.segment @s weights in @r at 0 size 32 align 64
  // expected-error @below {{does not lie in the bytes of its segment @s}}
  plan.buffer @b in @r at 0 size 64 from @s
}

// -----

plan.file producer "llmc" {
  // expected-error @below {{'add' needs a parameter as 'of'}}
  plan.param @p add max 1 imm 1
}

// -----

plan.file producer "llmc" {
  plan.param @pos input max 1
  plan.param @tokens input max 1
  plan.param @length kv_len max 1
  // expected-error @below {{is derived from @later, which must stand before it: one pass computes them all}}
  plan.param @p add max 2 of @later imm 1
  plan.param @later input max 1
}

// -----

plan.file producer "llmc" {
  // expected-error @below {{divides by 'imm', which is 0}}
  plan.param @p mod max 1 of @p imm 0
}

// -----

plan.file producer "llmc" {
  plan.region @io dram call size 64 align 64 access <device_reads>
  plan.buffer @b in @io at 0 size 64
  // expected-error @below {{takes bytes 32 to 96 of buffer @b, which has 64}}
  plan.operand @o of @b at 32 extent 64 <read>
}

// -----

plan.file producer "llmc" {
  plan.region @io dram call size 64 align 64 access <device_reads>
  plan.buffer @b in @io at 0 size 64
  // expected-error @below {{needs a plan.param as @missing, which the file does not have}}
  plan.operand @o of @b at 0 extent 4 <read> strides [#plan.stride<@missing by 4>]
}

// -----

plan.file producer "llmc" {
  // expected-error @below {{encodes @absent, which the module around the file does not have}}
  plan.kernel @k of @absent parameters [] bounds [] in @s on @t args 0
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {}
plan.file producer "llmc" {
  plan.target @t backend "b" device "d"
  plan.segment @s kernel align 1
  plan.param @pos input max 7
  // expected-error @below {{bounds @pos by 8, outside 0 to its maximum 7}}
  plan.kernel @k of @p parameters [@pos] bounds [8] in @s on @t args 0
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {}
plan.file producer "llmc" {
  plan.target @t backend "b" device "d"
  plan.segment @s kernel size 64 align 1
  // expected-error @below {{takes bytes 32 to 96 of segment @s, which has 64}}
  plan.kernel @k of @p parameters [] bounds [] in @s on @t args 0 blob <offset = 32, size = 64>
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {}
plan.file producer "llmc" {
  plan.target @t backend "b" device "d"
  plan.segment @s kernel size 64 align 1
  // expected-error @below {{lies in @s, which is in no region: it would never be loaded}}
  plan.kernel @k of @p parameters [] bounds [] in @s on @t args 0
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {}
plan.file producer "llmc" {
  plan.target @t backend "b" device "d"
  plan.region @r dram constant size 64 align 64 access <device_reads>
  plan.segment @s kernel in @r size 64 align 64
  // expected-error @below {{lies in region @r, which must have an address that the CPU reads}}
  plan.kernel @k of @p parameters [] bounds [] in @s on @t args 0
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {}
plan.file producer "llmc" {
  plan.target @t backend "b" device "d"
  plan.segment @s kernel size 64 align 1
  // expected-error @below {{starts at byte 32 of its 32}}
  plan.kernel @k of @p parameters [] bounds [] in @s on @t args 0 blob <offset = 0, size = 32, entry = 32>
}

// -----

plan.file producer "llmc" {
  plan.region @r dram session size 64 align 64 access <cpu_writes>
  plan.buffer @b in @r at 0 size 64
  // expected-error @below {{ends at byte 128 of buffer @b, which has 64}}
  plan.state @s kv_flat key f16 in @b tokens 8 layers 1 heads 1 head_dim 8 strides token 16 head 0 layer 0 layout 0
}

// -----

plan.file producer "llmc" {
  plan.region @r dram call size 64 align 64 access <cpu_writes>
  plan.buffer @b in @r at 0 size 64
  // expected-error @below {{must lie in a session region, @r is call}}
  plan.state @s kv_flat none i8 in @b tokens 1 layers 1 heads 1 head_dim 1 strides token 1 head 1 layer 1 layout 0
}

// -----

plan.file producer "llmc" {
  // expected-error @below {{has a pitch below its 8 bytes a row}}
  plan.dma @d rows 2 of 8 pitches 8, 4
}
