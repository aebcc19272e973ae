// RUN: llmc-opt %s --llmc-raise-residual | FileCheck %s

// Two activations of one shape, and nothing else.
// CHECK: %[[E:.*]] = lm.embed
// CHECK: lm.add %[[E]], %[[E]] : tensor<?x2xf32>
// CHECK: lm.opaque "" "Add" version 18 name "scalar"
lm.weight @table : tensor<3x2xf32> = dense<1.0> : tensor<3x2xf32>
lm.weight @scalar : tensor<f32> = dense<1.0> : tensor<f32>
func.func @main(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x2xf32>
  %s = lm.get @scalar : tensor<f32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x2xf32> to tensor<*xf32>
  %a = lm.opaque "" "Add" version 18 name "sum"(%x, %x) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %b = lm.opaque "" "Add" version 18 name "scalar"(%a, %s) {} : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  return %b : tensor<*xf32>
}
