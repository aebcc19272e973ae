// RUN: llmc-opt %s --pass-pipeline='builtin.module(npu.program(llmc-synchronize))' --split-input-file --verify-diagnostics

// expected-error@below {{llmc-synchronize needs addresses; run llmc-plan-memory first}}
npu.program @unplanned decode rows 1 arguments [] scratch 0 {
}

// -----

// expected-error@below {{llmc-synchronize needs addresses; run llmc-plan-memory first}}
npu.program @one_unplanned decode rows 1 arguments [] scratch 0 sram 4096 {
  %a = npu.buffer "a" bytes 64
  npu.dma "w" %a[0] <space = weights, offset = 0> run <64> unit 1 counts [#npu.extent<1>, #npu.extent<1>] strides [0, 0], [0, 0]
}
