// RUN: llmc-opt %s --split-input-file --verify-diagnostics

npu.program @decode decode rows 1 arguments [#npu.argument<kind = position, maximum = 31>] scratch 0 {
  // expected-error @below {{is moved by an argument; the access of an operand is, a view is not}}
  %0 = npu.view "table" #npu.place<space = weights, offset = 0, argument = 0, argument_stride = 64> bytes 64
}

// -----

npu.program @decode decode rows 1 arguments [] scratch 0 {
  %ids = npu.view "ids" #npu.place<space = ids, offset = 0> bytes 16
  %table = npu.view "table" #npu.place<space = weights, offset = 0> bytes 1088
  // expected-error @below {{writes to weights, which is read only}}
  npu.embed_rows "embedding" %ids, %table, %table [#npu.access<element = i32, bytes = 4>, #npu.access<element = i8, bytes = 1088>, #npu.access<element = f32, bytes = 64>] tokens #npu.extent<1> columns 16 format #lm.format<i8, group = 0, scale = f32>
}

// -----

npu.program @decode decode rows 1 arguments [] scratch 0 {
  %rows = npu.buffer "rows" bytes 64
  %packed = npu.buffer "packed" bytes 64
  // expected-error @below {{touches bytes 0 to 512 of buffer 'packed', which has 64}}
  npu.pack_rows "pack" %rows, %packed [#npu.access<element = i8, bytes = 64>, #npu.access<element = u8, bytes = 512>] tokens #npu.extent<1> columns 16 group 0
}

// -----

npu.program @decode decode rows 1 arguments [] scratch 0 {
  %rows = npu.buffer "rows" bytes 64
  // expected-error @below {{has 2 operands, each with its access}}
  npu.pack_rows "pack" %rows [#npu.access<element = i8, bytes = 64>] tokens #npu.extent<1> columns 16 group 0
}

// -----

npu.program @decode decode rows 1 arguments [#npu.argument<kind = position, maximum = 31>] scratch 0 {
  %q = npu.buffer "q" bytes 64
  // expected-error @below {{has 3 heads, which must be a multiple of the 2 heads of the cache}}
  npu.attention "attention" %q, %q, %q, %q [#npu.access<element = f16, bytes = 64>, #npu.access<element = f16, bytes = 64>, #npu.access<element = f16, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens #npu.extent<1> heads 3 of 2 dim 8 capacity 32 scale 1.0 position 0
}

// -----

npu.program @decode decode rows 1 arguments [#npu.argument<kind = position, maximum = 31>] scratch 0 {
  %q = npu.buffer "q" bytes 64
  // expected-error @below {{needs a head size, a capacity and a position}}
  npu.attention "attention" %q, %q, %q, %q [#npu.access<element = f16, bytes = 64>, #npu.access<element = f16, bytes = 64>, #npu.access<element = f16, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens #npu.extent<1> heads 2 of 1 dim 8 capacity 32 scale 1.0 position -1
}

// -----

// expected-error @below {{must end with its command, which is no transfer}}
npu.kernel @k of @p {
  %rows = npu.view "rows" #npu.place<space = scratch, offset = 0> bytes 64
}

// -----

// expected-error @below {{must have one view for each operand of its command}}
npu.kernel @k of @p {
  %rows = npu.view "rows" #npu.place<space = scratch, offset = 0> bytes 512
  npu.pack_rows "pack" %rows, %rows [#npu.access<element = i8, bytes = 64>, #npu.access<element = u8, bytes = 512>] tokens #npu.extent<1> columns 16 group 0
}

// -----

npu.program @decode decode rows 1 arguments [] scratch 0 {
  %a = npu.buffer "a" bytes 64
  // expected-error @below {{has an epilogue, which belongs to 'linear' and to nothing else}}
  npu.matmul "scores" scores %a, %a, %a [#npu.access<element = f16, bytes = 32>, #npu.access<element = f16, bytes = 32>, #npu.access<element = f32, bytes = 4>] tokens #npu.extent<1> sub 1 n #npu.extent<1> k #npu.extent<16> scale 1.0 epilogue add
}

// -----

npu.program @decode decode rows 1 arguments [] scratch 0 {
  %a = npu.buffer "a" bytes 64
  %w = npu.buffer "w" bytes 2176
  // expected-error @below {{has 17 rows of weights, which must be as many gates as others}}
  npu.matmul "gated" linear %a, %a, %w, %a [#npu.access<element = i8, bytes = 16>, #npu.access<element = f32, bytes = 4>, #npu.access<element = i8, bytes = 2176>, #npu.access<element = f32, bytes = 32>] tokens #npu.extent<1> sub 1 n #npu.extent<17> k #npu.extent<16> format #lm.format<i8, group = 0, scale = f32> epilogue silu_mul
}
