// RUN: llmc-opt %s --llmc-raise-gated-act --split-input-file --verify-diagnostics

// A gate of 1.702 x is another activation.
lm.weight @table : tensor<3x2xf32> = dense<1.0> : tensor<3x2xf32>
lm.weight @factor : tensor<f32> = dense<1.702> : tensor<f32>
func.func @quick(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x2xf32>
  %factor = lm.get @factor : tensor<f32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x2xf32> to tensor<*xf32>
  %s = lm.opaque "" "Mul" version 18 name "s"(%x, %factor) {} : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  // expected-remark @+1 {{Sigmoid 'a' is nearly gated_act silu: the sigmoid is not multiplied by its argument alone}}
  %a = lm.opaque "" "Sigmoid" version 18 name "a"(%s) {} : (tensor<*xf32>) -> tensor<*xf32>
  %b = lm.opaque "" "Mul" version 18 name "b"(%a, %x) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %b : tensor<*xf32>
}

// -----

lm.weight @table : tensor<3x2xf32> = dense<1.0> : tensor<3x2xf32>
func.func @ungated(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x2xf32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x2xf32> to tensor<*xf32>
  // expected-remark @+1 {{x * sigmoid(x) is not multiplied by an activation of 2 channels alone}}
  %a = lm.opaque "" "Sigmoid" version 18 name "a"(%x) {} : (tensor<*xf32>) -> tensor<*xf32>
  %b = lm.opaque "" "Mul" version 18 name "b"(%a, %x) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %b : tensor<*xf32>
}
