// RUN: llmc-opt %s --llmc-fingerprint-weights --verify-diagnostics

// expected-error @+1 {{@a: the bytes of resource 'elsewhere' are not in this file}}
lm.weight @a : tensor<2x2xf32> = dense_resource<elsewhere> : tensor<2x2xf32>
