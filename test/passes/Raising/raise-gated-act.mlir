// RUN: llmc-opt %s --llmc-raise-gated-act | FileCheck %s

// CHECK: %[[E:.*]] = lm.embed
// CHECK: %[[F:.*]] = lm.add
// CHECK: lm.gated_act {{ *}}silu %[[E]], %[[F]] : tensor<?x2xf32>
// CHECK-NOT: lm.opaque
lm.weight @table : tensor<3x2xf32> = dense<1.0> : tensor<3x2xf32>
func.func @main(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x2xf32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %f = lm.add %e, %e : tensor<?x2xf32>
  %gate = builtin.unrealized_conversion_cast %e : tensor<?x2xf32> to tensor<*xf32>
  %up = builtin.unrealized_conversion_cast %f : tensor<?x2xf32> to tensor<*xf32>
  %a = lm.opaque "" "Sigmoid" version 18 name "a"(%gate) {} : (tensor<*xf32>) -> tensor<*xf32>
  %b = lm.opaque "" "Mul" version 18 name "b"(%a, %gate) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %c = lm.opaque "" "Mul" version 18 name "c"(%up, %b) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %c : tensor<*xf32>
}
