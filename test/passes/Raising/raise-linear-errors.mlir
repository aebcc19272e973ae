// RUN: llmc-opt %s --llmc-raise-linear --split-input-file --verify-diagnostics

lm.weight @table : tensor<3x2xf32> = dense<1.0> : tensor<3x2xf32>
lm.weight @w : tensor<1x2x3xf32> = dense<1.0> : tensor<1x2x3xf32>
func.func @batched(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x2xf32>
  %w = lm.get @w : tensor<1x2x3xf32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x2xf32> to tensor<*xf32>
  // expected-remark @+1 {{MatMul 'y' is nearly linear: the weight must be f32 of shape 2 x outputs}}
  %y = lm.opaque "" "MatMul" version 18 name "y"(%x, %w) {} : (tensor<*xf32>, tensor<1x2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

lm.weight @table : tensor<3x16xf32> = dense<1.0> : tensor<3x16xf32>
lm.weight @packed : tensor<1x1x8xui8> = dense<[[[16, 50, 84, 118, 152, 186, 220, 254]]]> : tensor<1x1x8xui8>
lm.weight @scales : tensor<1xf32> = dense<-0.5> : tensor<1xf32>
lm.weight @order : tensor<16xi32> = dense<0> : tensor<16xi32>
func.func @permuted(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x16xf32>
  %w = lm.get @packed : tensor<1x1x8xui8>
  %s = lm.get @scales : tensor<1xf32>
  %order = lm.get @order : tensor<16xi32>
  %none = lm.none
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x16xf32>) -> tensor<?x16xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x16xf32> to tensor<*xf32>
  // expected-remark @+1 {{is nearly quantized_linear: it permutes columns (g_idx)}}
  %y = lm.opaque "com.microsoft" "MatMulNBits" version 1 name "y"(%x, %w, %s, %none, %order)
      {K = 16 : i64, N = 1 : i64, bits = 4 : i64, block_size = 16 : i64}
      : (tensor<*xf32>, tensor<1x1x8xui8>, tensor<1xf32>, none, tensor<16xi32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// A corrupt file: more rows than the bytes hold.
lm.weight @table : tensor<3x16xf32> = dense<1.0> : tensor<3x16xf32>
lm.weight @packed : tensor<1x1x8xui8> = dense<[[[16, 50, 84, 118, 152, 186, 220, 254]]]> : tensor<1x1x8xui8>
lm.weight @scales : tensor<1xf32> = dense<-0.5> : tensor<1xf32>
func.func @truncated(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x16xf32>
  %w = lm.get @packed : tensor<1x1x8xui8>
  %s = lm.get @scales : tensor<1xf32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x16xf32>) -> tensor<?x16xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x16xf32> to tensor<*xf32>
  // expected-remark @+1 {{the packed weight has 8 bytes, 2 rows of 1 blocks need 16}}
  %y = lm.opaque "com.microsoft" "MatMulNBits" version 1 name "y"(%x, %w, %s)
      {K = 16 : i64, N = 2 : i64, bits = 4 : i64, block_size = 16 : i64}
      : (tensor<*xf32>, tensor<1x1x8xui8>, tensor<1xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
