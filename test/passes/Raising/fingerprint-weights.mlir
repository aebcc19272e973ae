// RUN: llmc-opt %s --llmc-fingerprint-weights | FileCheck %s

// The same elements in the same order have the same digest, however they are stored, widened or not; it is the SHA-256
// of 1.0, 2.0, 3.0, 4.0 as little-endian fp32.
// CHECK: lm.weight @a : tensor<2x2xf32> = dense<0.000000e+00> : tensor<2x2xf32> {lm.digest = "ad73b9acd6e4a74b2f5bb5386658ce3bb146cd040a1867646ab3b973fb6632b1"}
// CHECK: lm.weight @b : tensor<2x2xf32> = dense<0.000000e+00> : tensor<2x2xf32> {lm.digest = "ad73b9acd6e4a74b2f5bb5386658ce3bb146cd040a1867646ab3b973fb6632b1"}
// CHECK: lm.weight @c : tensor<2x2xf32> = dense<0.000000e+00> : tensor<2x2xf32> {lm.digest = "ad73b9acd6e4a74b2f5bb5386658ce3bb146cd040a1867646ab3b973fb6632b1"}
// CHECK: lm.weight @h : tensor<2x2xf32> = dense<0.000000e+00> : tensor<2x2xf32> {lm.digest = "ad73b9acd6e4a74b2f5bb5386658ce3bb146cd040a1867646ab3b973fb6632b1"}
// CHECK: lm.weight @bh : tensor<2x2xf32> = dense<0.000000e+00> : tensor<2x2xf32> {lm.digest = "ad73b9acd6e4a74b2f5bb5386658ce3bb146cd040a1867646ab3b973fb6632b1"}
// CHECK-NOT: ad73b9acd6e4a74b2f5bb5386658ce3bb146cd040a1867646ab3b973fb6632b1
// CHECK: lm.weight @d
lm.weight @a : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
lm.weight @b : tensor<2x2xf32> = dense<[[1.0, 3.0], [2.0, 4.0]]> : tensor<2x2xf32> view offset 0 strides [1, 2]
lm.weight @c : tensor<2x2xf32> = dense<[9.0, 1.0, 2.0, 3.0, 4.0]> : tensor<5xf32> view offset 1 strides [2, 1]
lm.weight @h : tensor<2x2xf32> = dense<[[1.0, 3.0], [2.0, 4.0]]> : tensor<2x2xf16> view offset 0 strides [1, 2]
lm.weight @bh : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xbf16>
lm.weight @d : tensor<2x2xf32> = dense<[[1.0, 3.0], [2.0, 4.0]]> : tensor<2x2xf32>
