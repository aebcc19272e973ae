// RUN: llmc-opt %s --llmc-raise-rms-norm --split-input-file --verify-diagnostics

// LayerNorm without its mean is no RMSNorm: the mean here runs over the tokens.
lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @epsilon : tensor<f32> = dense<1.0e-5> : tensor<f32>
func.func @tokens(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x4xf32>
  %epsilon = lm.get @epsilon : tensor<f32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x4xf32> to tensor<*xf32>
  %a = lm.opaque "" "Mul" version 13 name "a"(%x, %x) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  // expected-remark @+1 {{ReduceMean 'b' is nearly rms_norm: the mean must be over the last axis and keep it}}
  %b = lm.opaque "" "ReduceMean" version 13 name "b"(%a) {axes = array<i64: 1>} : (tensor<*xf32>) -> tensor<*xf32>
  return %b : tensor<*xf32>
}

// -----

lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
func.func @bare(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x4xf32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x4xf32> to tensor<*xf32>
  %a = lm.opaque "" "Mul" version 13 name "a"(%x, %x) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  // expected-remark @+1 {{is nearly rms_norm: no constant epsilon is added to the mean}}
  %b = lm.opaque "" "ReduceMean" version 13 name "b"(%a) {axes = array<i64: -1>} : (tensor<*xf32>) -> tensor<*xf32>
  return %b : tensor<*xf32>
}

// -----

lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @norm : tensor<3xf32> = dense<1.0> : tensor<3xf32>
func.func @short(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x4xf32>
  %norm = lm.get @norm : tensor<3xf32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x4xf32> to tensor<*xf32>
  // expected-remark @+1 {{is nearly rms_norm: the scale must be a constant of 4 elements}}
  %a = lm.opaque "" "SimplifiedLayerNormalization" version 22 name "a"(%x, %norm) {} : (tensor<*xf32>, tensor<3xf32>) -> tensor<*xf32>
  return %a : tensor<*xf32>
}
