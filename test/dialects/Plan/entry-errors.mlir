// RUN: llmc-opt %s --split-input-file --verify-diagnostics

plan.file producer "llmc" {
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  // expected-error @below {{must end with plan.end}}
  plan.entry @e generic chunk 1 {
    plan.barrier
  }
}

// -----

plan.file producer "llmc" {
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  plan.entry @e generic chunk 1 {
    // expected-error @below {{must be the last step of its entry}}
    plan.end
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  // expected-error @below {{has chunks of 5 tokens, above the maximum of @tokens, 4}}
  plan.entry @e generic chunk 5 {
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  // expected-error @below {{starts at positions up to 1; the most is 0, since it has no states}}
  plan.entry @e generic chunk 1 pos_max 1 {
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  // expected-error @below {{takes its row from @length, which must be an input of its own with a maximum of at least 2}}
  plan.entry @e generic chunk 1 row @length max 2 {
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  plan.region @io dram call size 64 align 64 access <cpu_reads>
  plan.buffer @b in @io at 0 size 64
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  plan.operand @o of @b at 0 extent 64 <read, write>
  // expected-error @below {{tensor 'logits' has 32 bytes, its operand @o 64}}
  plan.entry @e generic chunk 1 outputs [#plan.tensor<"logits" logits f32[1, 8] in @o>] {
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  plan.region @io dram call size 64 align 64 access <cpu_reads>
  plan.buffer @b in @io at 0 size 64
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  plan.operand @o of @b at 0 extent 4 <read>
  // expected-error @below {{tensor 'ids' of role 'ids' cannot be an output}}
  plan.entry @e generic chunk 1 outputs [#plan.tensor<"ids" ids i32[1] in @o>] {
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  plan.region @io dram call size 64 align 64 access <cpu_reads>
  plan.buffer @b in @io at 0 size 64
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  // expected-error @below {{uses 65 bytes of region @io, which has 64}}
  plan.entry @e generic chunk 1 peak [#plan.peak<@io 65>] {
    plan.end
  }
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {}
plan.file producer "llmc" {
  plan.target @t backend "b" device "d"
  plan.region @code dram constant align 64 access <cpu_reads>
  plan.segment @s kernel in @code align 1
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  plan.kernel @k of @p parameters [] bounds [7, 4, 8] in @s on @t args 1
  plan.queue @q of @t index 0
  plan.entry @e generic chunk 1 on [@t] {
    // expected-error @below {{gives 0 operands to @k, which takes 1}}
    plan.dispatch @k on @q args []
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  plan.target @t backend "b" device "d"
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  plan.queue @q of @t index 0
  plan.entry @e generic chunk 1 {
    // expected-error @below {{uses queue @q of target @t, which is not among the entry's targets}}
    plan.wait on @q outstanding 0
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  plan.region @r dram session size 64 align 64 access <cpu_writes>
  plan.buffer @b in @r at 0 size 64
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  plan.state @s kv_flat none i8 in @b tokens 1 layers 1 heads 1 head_dim 1 strides token 1 head 1 layer 1 layout 0
  plan.entry @e generic chunk 1 {
    // expected-error @below {{commits @s, which is not among the entry's states}}
    plan.kv_commit @s
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  plan.param @i loop max 1
  plan.entry @e generic chunk 1 {
    // expected-error @below {{runs 3 times; @i counts to 1}}
    plan.loop @i times 3 {
    }
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  plan.param @i loop max 1
  plan.entry @e generic chunk 1 {
    plan.loop @i times 2 {
      // expected-error @below {{counts in @i, as a loop around it does}}
      plan.loop @i times 2 {
      }
    }
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  plan.region @io dram call size 64 align 64 access <cpu_reads>
  plan.buffer @b in @io at 0 size 64
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  plan.operand @table of @b at 0 extent 32 <read>
  plan.operand @ids of @b at 32 extent 8 <read>
  plan.operand @out of @b at 40 extent 16 <write>
  plan.entry @e generic chunk 1 {
    // expected-error @below {{touches 40 bytes of @table, which has 32}}
    plan.gather @table by @ids to @out row_bytes 8 bound 5
    plan.end
  }
}

// -----

plan.file producer "llmc" {
  plan.region @io dram call size 64 align 64 access <cpu_reads>
  plan.buffer @b in @io at 0 size 64
  plan.param @pos input max 7
  plan.param @tokens input max 4
  plan.param @length kv_len max 8
  plan.operand @o of @b at 0 extent 8 <write>
  plan.entry @e generic chunk 1 {
    // expected-error @below {{reads @o in @io, which is 'dram', not 'flash_paged'}}
    plan.prefetch @o to @o bytes 8
    plan.end
  }
}
