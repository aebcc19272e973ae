// RUN: llmc-opt %s --llmc-raise-linear --split-input-file | FileCheck %s

// [in, out] becomes an [out, in] view; the sum with a constant of `out` elements is the bias.
// CHECK: lm.weight @w_0 : tensor<3x2xf32> = dense<{{.*}}> : tensor<2x3xf32> view offset 0 strides [1, 3]
// CHECK-LABEL: func.func @plain(
// CHECK: %[[X:.*]] = lm.embed
// CHECK: %[[W:.*]] = lm.get @w_0 : tensor<3x2xf32>
// CHECK: lm.linear %[[X]], %[[W]], %{{.*}} : (tensor<?x2xf32>, tensor<3x2xf32>, tensor<3xf32>) -> tensor<?x3xf32>
// CHECK-NOT: lm.opaque
lm.weight @table : tensor<3x2xf32> = dense<1.0> : tensor<3x2xf32>
lm.weight @w : tensor<2x3xf32> = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
lm.weight @b : tensor<3xf32> = dense<1.0> : tensor<3xf32>
func.func @plain(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x2xf32>
  %w = lm.get @w : tensor<2x3xf32>
  %b = lm.get @b : tensor<3xf32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x2xf32> to tensor<*xf32>
  %y = lm.opaque "" "MatMul" version 18 name "y"(%x, %w) {} : (tensor<*xf32>, tensor<2x3xf32>) -> tensor<*xf32>
  %z = lm.opaque "" "Add" version 18 name "z"(%b, %y) {} : (tensor<3xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %z : tensor<*xf32>
}

// -----

// CHECK: lm.weight @packed_0 : tensor<1x16xi8> = dense<{{\[\[}}-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7]]>
// CHECK: lm.weight @scales_0 : tensor<1x1xf32> = dense<-5.000000e-01> : tensor<1xf32> view offset 0 strides [1, 1]
// CHECK-LABEL: func.func @quantized(
// CHECK: %[[Q:.*]], %[[S:.*]] = lm.quantize_rows
// CHECK: lm.quantized_linear %[[Q]], %[[S]], %{{.*}}, %{{.*}} <i4, group = 16, scale = f32>
lm.weight @table : tensor<3x16xf32> = dense<1.0> : tensor<3x16xf32>
lm.weight @packed : tensor<1x1x8xui8> = dense<[[[16, 50, 84, 118, 152, 186, 220, 254]]]> : tensor<1x1x8xui8>
lm.weight @scales : tensor<1xf32> = dense<-0.5> : tensor<1xf32>
func.func @quantized(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x16xf32>
  %w = lm.get @packed : tensor<1x1x8xui8>
  %s = lm.get @scales : tensor<1xf32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x16xf32>) -> tensor<?x16xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x16xf32> to tensor<*xf32>
  %y = lm.opaque "com.microsoft" "MatMulNBits" version 1 name "y"(%x, %w, %s)
      {K = 16 : i64, N = 1 : i64, accuracy_level = 4 : i64, bits = 4 : i64, block_size = 16 : i64}
      : (tensor<*xf32>, tensor<1x1x8xui8>, tensor<1xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
