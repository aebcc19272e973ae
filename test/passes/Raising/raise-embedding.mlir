// RUN: llmc-opt %s --llmc-raise-embedding --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @plain(
// CHECK: %[[T:.*]] = lm.get @table
// CHECK: lm.embed %arg0, %[[T]] : (tensor<?xi32>, tensor<3x2xf32>) -> tensor<?x2xf32>
// CHECK-NOT: Gather
lm.weight @table : tensor<3x2xf32> = dense<1.0> : tensor<3x2xf32>
func.func @plain(%tokens: tensor<?xi32> {lm.role = "tokens"}, %ids: tensor<?x?xi64> {lm.role = "ids"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x2xf32>
  %e = lm.opaque "" "Gather" version 18 name "embed"(%t, %ids) {axis = 0 : i64} : (tensor<3x2xf32>, tensor<?x?xi64>) -> tensor<*xf32>
  return %e : tensor<*xf32>
}

// -----

// Low nibble first, minus 8.
// CHECK: lm.weight @packed_0 : tensor<1x16xi8> = dense<{{\[\[}}-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7]]> : tensor<1x16xi8>
// CHECK-LABEL: func.func @quantized(
// CHECK-DAG: %[[Q:.*]] = lm.get @packed_0
// CHECK-DAG: %[[S:.*]] = lm.get @scales : tensor<1x1xf32>
// CHECK: lm.quantized_embed %arg0, %[[Q]], %[[S]] <i4, group = 16, scale = f32>
lm.weight @packed : tensor<1x8xui8> = dense<[[16, 50, 84, 118, 152, 186, 220, 254]]> : tensor<1x8xui8>
lm.weight @scales : tensor<1x1xf32> = dense<-0.5> : tensor<1x1xf32>
func.func @quantized(%tokens: tensor<?xi32> {lm.role = "tokens"}, %ids: tensor<?x?xi64> {lm.role = "ids"}) -> tensor<*xf32> {
  %t = lm.get @packed : tensor<1x8xui8>
  %s = lm.get @scales : tensor<1x1xf32>
  %e = lm.opaque "com.microsoft" "GatherBlockQuantized" version 1 name "embed"(%t, %ids, %s)
      {bits = 4 : i64, block_size = 16 : i64, gather_axis = 0 : i64, quantize_axis = 1 : i64}
      : (tensor<1x8xui8>, tensor<?x?xi64>, tensor<1x1xf32>) -> tensor<*xf32>
  return %e : tensor<*xf32>
}
