// RUN: llmc-opt %s --llmc-raise-embedding --split-input-file --verify-diagnostics

lm.weight @table : tensor<3x2xf32> = dense<1.0> : tensor<3x2xf32>
func.func @columns(%tokens: tensor<?xi32> {lm.role = "tokens"}, %ids: tensor<?x?xi64> {lm.role = "ids"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x2xf32>
  // expected-remark @+1 {{Gather 'embed' is nearly embed: rows must be gathered along axis 0}}
  %e = lm.opaque "" "Gather" version 18 name "embed"(%t, %ids) {axis = 1 : i64} : (tensor<3x2xf32>, tensor<?x?xi64>) -> tensor<*xf32>
  return %e : tensor<*xf32>
}

// -----

lm.weight @packed : tensor<1x8xui8> = dense<[[16, 50, 84, 118, 152, 186, 220, 254]]> : tensor<1x8xui8>
lm.weight @scales : tensor<1x1xf32> = dense<-0.5> : tensor<1x1xf32>
lm.weight @zeros : tensor<1x1xui8> = dense<7> : tensor<1x1xui8>
func.func @asymmetric(%tokens: tensor<?xi32> {lm.role = "tokens"}, %ids: tensor<?x?xi64> {lm.role = "ids"}) -> tensor<*xf32> {
  %t = lm.get @packed : tensor<1x8xui8>
  %s = lm.get @scales : tensor<1x1xf32>
  %z = lm.get @zeros : tensor<1x1xui8>
  // expected-remark @+1 {{is nearly quantized_embed: a zero point is not 8; asymmetric grids have no format}}
  %e = lm.opaque "com.microsoft" "GatherBlockQuantized" version 1 name "embed"(%t, %ids, %s, %z)
      {bits = 4 : i64, block_size = 16 : i64, gather_axis = 0 : i64, quantize_axis = 1 : i64}
      : (tensor<1x8xui8>, tensor<?x?xi64>, tensor<1x1xf32>, tensor<1x1xui8>) -> tensor<*xf32>
  return %e : tensor<*xf32>
}
