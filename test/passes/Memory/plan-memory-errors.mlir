// RUN: llmc-opt %s --llmc-plan-memory --split-input-file --verify-diagnostics

// expected-error@below {{llmc-plan-memory needs the attribute npu.target on the module}}
module {}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 128, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
// expected-error-re@below {{entry @decode does not fit tiny: needs 256 bytes, the memory has 128{{.*[[:space:]].*}}the fullest step, 0, holds 256 live bytes in 2 buffers:{{[[:space:]]}}  128 bytes  x, steps 0 to 0}}
npu.program @decode decode rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 128
  %y = npu.buffer "y" bytes 128
  npu.chain "copy" %x, %y [#npu.access<element = f32, bytes = 128>, #npu.access<element = f32, bytes = 128>] tokens <1> sub 1 columns <32> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
}
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 128, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
// expected-error-re@below {{entry @head_1 does not fit tiny: needs 192 bytes, the memory has 128{{[[:space:]]}}no placement can fit: the fullest step, 1, holds 192 live bytes in 2 buffers:{{[[:space:]]}}  128 bytes  w, steps 0 to 1{{[[:space:]]}}  64 bytes  x, steps 1 to 2}}
npu.program @head_1 head rows 1 arguments [] scratch 0 {
  %x = npu.buffer "x" bytes 64
  %w = npu.buffer "w" bytes 128 stream
  npu.dma "w" %w[0] <space = weights, offset = 0> run <128> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
  npu.chain "copy" %w, %x [#npu.access<element = f32, bytes = 64>, #npu.access<element = f32, bytes = 64>] tokens <1> sub 1 columns <16> steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = store_matrix, a = 0, operand = 1>]
  npu.dma "out" store %x[0] <space = io, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}
}
