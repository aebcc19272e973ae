// RUN: llmc-opt %s --split-input-file --verify-diagnostics

// expected-error@below {{must have a place and a size}}
npu.constant @c at -64 bytes 16 from [@w]

// -----

// expected-error@below {{must have a place and a size}}
npu.constant @c at 0 bytes 0 from [@w]

// -----

// expected-error@below {{a packed matrix needs elements and scales}}
npu.constant @c at 0 bytes 16 from [@w] format <i8, group = 0, scale = f32>

// -----

// expected-error@below {{every element of sources must be of its own attribute kind, found "w"}}
npu.constant @c at 0 bytes 16 from ["w"]

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  // expected-error@below {{must run at least once}}
  npu.trips 0 {
  }
}

// -----

// expected-error@below {{expects parent op 'npu.program'}}
npu.trips 1 {
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{needs two outer counts and two strides on either side}}
  npu.dma "d" %x[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>] strides [0, 0], [0, 0]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{needs two outer counts and two strides on either side}}
  npu.dma "d" %x[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0], [0, 0]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{every element of counts must be of its own attribute kind, found 1 : i64}}
  npu.dma "d" %x[0] <space = io, offset = 0> run <64> unit 1 counts [1, 2] strides [0, 0], [0, 0]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{cannot scatter: gather reads only}}
  npu.dma "d" store %x[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0] gather <space = ids, offset = 0> bound 4
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{stores to weights, which is read only}}
  npu.dma "d" store %x[0] <space = weights, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{stores to ids, which is read only}}
  npu.dma "d" store %x[0] <space = ids, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{touches bytes 16 to 80 of buffer 'x', which has 64}}
  npu.dma "d" %x[16] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{touches bytes -16 to 48 of buffer 'x', which has 64}}
  npu.dma "d" %x[-16] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{touches bytes 0 to 96 of buffer 'x', which has 64}}
  npu.dma "d" %x[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<2>, #npu.extent<1>] strides [64, 0], [32, 0]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{linear has 4 operands, each with its access}}
  npu.matmul "m" linear %x, %x, %x [#npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>] tokens <1> sub 1 n <1> k <4> format <i8, group = 0, scale = f32>
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{scores has 3 operands, each with its access}}
  npu.matmul "m" scores %x, %x, %x, %x [#npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>] tokens <1> sub 1 n <1> k <4> 
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{values has 3 operands, each with its access}}
  npu.matmul "m" values %x, %x, %x [#npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>] tokens <1> sub 1 n <1> k <4> 
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{a weight format belongs to 'linear' and to nothing else}}
  npu.matmul "m" linear %x, %x, %x, %x [#npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>] tokens <1> sub 1 n <1> k <4> 
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{a weight format belongs to 'linear' and to nothing else}}
  npu.matmul "m" scores %x, %x, %x [#npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>] tokens <1> sub 1 n <1> k <4> format <i8, group = 0, scale = f32>
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{every element of accesses must be of its own attribute kind, found 1 : i64}}
  npu.matmul "m" scores %x, %x, %x [#npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>, 1] tokens <1> sub 1 n <1> k <4> 
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{touches bytes 56 to 72 of buffer 'x', which has 64}}
  npu.matmul "m" scores %x, %x, %x [#npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16>, #npu.access<element = f32, bytes = 16, offset = 56>] tokens <1> sub 1 n <1> k <4> 
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{needs one access for each operand}}
  npu.chain "c" %x, %x [#npu.access<element = f32, bytes = 16>] tokens <1> sub 1 columns <4> steps [#npu.step<kind = load_matrix, operand = 0>]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{every element of accesses must be of its own attribute kind, found 1 : i64}}
  npu.chain "c" %x [1] tokens <1> sub 1 columns <4> steps [#npu.step<kind = load_matrix, operand = 0>]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{every element of steps must be of its own attribute kind, found 1 : i64}}
  npu.chain "c" %x [#npu.access<element = f32, bytes = 16>] tokens <1> sub 1 columns <4> steps [1]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{step 1 (add) must read 2 earlier steps}}
  npu.chain "c" %x [#npu.access<element = f32, bytes = 16>] tokens <1> sub 1 columns <4> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = add, a = 0>]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{step 1 (exp) must read 1 earlier steps}}
  npu.chain "c" %x [#npu.access<element = f32, bytes = 16>] tokens <1> sub 1 columns <4> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = exp, a = 0, b = 0>]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{step 1 (exp) must read 1 earlier steps}}
  npu.chain "c" %x [#npu.access<element = f32, bytes = 16>] tokens <1> sub 1 columns <4> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = exp, a = 1>]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{step 1 (add) must read 2 earlier steps}}
  npu.chain "c" %x [#npu.access<element = f32, bytes = 16>] tokens <1> sub 1 columns <4> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = add, a = 0, b = 2>]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{step 0 (load_matrix) must read 0 earlier steps}}
  npu.chain "c" %x [#npu.access<element = f32, bytes = 16>] tokens <1> sub 1 columns <4> steps [#npu.step<kind = load_matrix, a = 0, operand = 0>]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{step 0 (load_matrix) names a wrong operand}}
  npu.chain "c" %x [#npu.access<element = f32, bytes = 16>] tokens <1> sub 1 columns <4> steps [#npu.step<kind = load_matrix>]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{step 0 (load_matrix) names a wrong operand}}
  npu.chain "c" %x [#npu.access<element = f32, bytes = 16>] tokens <1> sub 1 columns <4> steps [#npu.step<kind = load_matrix, operand = 1>]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{step 1 (exp) names a wrong operand}}
  npu.chain "c" %x [#npu.access<element = f32, bytes = 16>] tokens <1> sub 1 columns <4> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = exp, a = 0, operand = 0>]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{touches bytes 0 to 80 of buffer 'x', which has 64}}
  npu.chain "c" %x [#npu.access<element = f32, bytes = 80>] tokens <1> sub 1 columns <4> steps [#npu.step<kind = load_matrix, operand = 0>]
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{needs one access for each operand}}
  npu.chain "c" %x [] tokens <1> sub 1 columns <4> steps []
}

// -----

// expected-error@below {{every element of arguments must be of its own attribute kind, found 1 : i64}}
npu.program @p decode rows 1 arguments [1] scratch 0 {
}

// -----

// expected-error@below {{has more than one npu.trips; a machine's list has one loop}}
npu.program @p decode rows 1 arguments [] scratch 0 {
  npu.trips 2 {
  }
  npu.trips 2 {
  }
}

// -----

npu.program @p decode rows 1 arguments [#npu.argument<kind = position, maximum = 4>] scratch 0 {
  %x = npu.buffer "x" bytes 64
  npu.trips 2 {
    // expected-error@below {{names argument 1 of a program that has 1}}
    npu.dma "d" %x[0] <space = io, offset = 0, argument = 1, argument_stride = 16> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  }
}

// -----

npu.program @p decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  // expected-error@below {{names argument 0 of a program that has 0}}
  npu.chain "c" %x [#npu.access<element = f32, bytes = 16>] tokens <1> sub 1 columns <4> position 0 first 0 steps []
}

// -----

// expected-error@below {{expected ::llmc::lm::EntryKind to be one of: prefill, decode, head}}
// expected-error@below {{failed to parse Npu_EntryKindAttr}}
npu.program @p verify rows 1 arguments [] scratch 0 {}

// -----

// expected-error@below {{'npu.target' must be a #npu.target on a module}}
module attributes {npu.target = "rnpu-mcu"} {}

// -----

// expected-error@below {{'npu.packing' must be a #npu.packing on a module}}
module attributes {npu.packing = 4 : i64} {}

// -----

// expected-error@below {{'npu.chunk_rows' must be a positive i64 on a module}}
module attributes {npu.chunk_rows = 0 : i64} {}

// -----

// expected-error@below {{unknown attribute 'npu.chunks'; the npu dialect knows 'npu.target', 'npu.packing', 'npu.chunk_rows' and 'npu.left_out' on modules, and 'npu.fallback'}}
module attributes {npu.chunks = 4 : i64} {}

// -----

// expected-error@below {{'npu.left_out' must map names to texts on a module}}
module attributes {npu.left_out = {prefill_64 = 1 : i64}} {}

// -----

// expected-error@below {{'npu.fallback' must be a text on an operation with weights, a constant or a kernel}}
module attributes {npu.fallback = "why"} {}

// -----

// expected-error@below {{'npu.fallback' must be a text on an operation with weights, a constant or a kernel}}
npu.constant @table at 0 bytes 64 from [] {npu.fallback}
