// RUN: llmc-opt %s --llmc-collect-weight-statistics --split-input-file --verify-diagnostics

// expected-error@+1 {{@nan holds a NaN or infinity at row 1, column 0; the model file is damaged: fetch or export it again}}
lm.weight @nan : tensor<2x2xf32> = dense<[[1.0, 2.0], [0x7FC00000, 3.0]]> : tensor<2x2xf32>

// -----

// expected-error@+1 {{@infinite holds a NaN or infinity at row 0, column 2; the model file is damaged: fetch or export it again}}
lm.weight @infinite : tensor<3xf32> = dense<[1.0, 2.0, 0xFF800000]> : tensor<3xf32>

// -----

// expected-error@+1 {{the bytes of resource 'gone' are not in this file; print the module without eliding resources}}
lm.weight @elided : tensor<4xf32> = dense_resource<gone> : tensor<4xf32>
