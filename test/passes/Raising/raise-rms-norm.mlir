// RUN: llmc-opt %s --llmc-raise-rms-norm --split-input-file | FileCheck %s

// Square root, then division of one; the weight on the left.
// CHECK-LABEL: func.func @divided(
// CHECK: %[[X:.*]] = lm.embed
// CHECK: lm.rms_norm %[[X]], %{{.*}} epsilon 9.99999974E-6 : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
// CHECK-NOT: lm.opaque
lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @norm : tensor<4xf32> = dense<1.0> : tensor<4xf32>
lm.weight @two : tensor<f32> = dense<2.0> : tensor<f32>
lm.weight @one : tensor<f32> = dense<1.0> : tensor<f32>
lm.weight @epsilon : tensor<f32> = dense<1.0e-5> : tensor<f32>
lm.weight @axes : tensor<1xi64> = dense<-1> : tensor<1xi64>
func.func @divided(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x4xf32>
  %norm = lm.get @norm : tensor<4xf32>
  %two = lm.get @two : tensor<f32>
  %one = lm.get @one : tensor<f32>
  %epsilon = lm.get @epsilon : tensor<f32>
  %axes = lm.get @axes : tensor<1xi64>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x4xf32> to tensor<*xf32>
  %a = lm.opaque "" "Pow" version 18 name "a"(%x, %two) {} : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %b = lm.opaque "" "ReduceMean" version 18 name "b"(%a, %axes) {keepdims = 1 : i64} : (tensor<*xf32>, tensor<1xi64>) -> tensor<*xf32>
  %c = lm.opaque "" "Add" version 18 name "c"(%b, %epsilon) {} : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %d = lm.opaque "" "Sqrt" version 18 name "d"(%c) {} : (tensor<*xf32>) -> tensor<*xf32>
  %f = lm.opaque "" "Div" version 18 name "f"(%one, %d) {} : (tensor<f32>, tensor<*xf32>) -> tensor<*xf32>
  %g = lm.opaque "" "Mul" version 18 name "g"(%x, %f) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %h = lm.opaque "" "Mul" version 18 name "h"(%norm, %g) {} : (tensor<4xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %h : tensor<*xf32>
}

// -----

// x * x, the axis as an attribute, x / root, the weight on the right.
// CHECK-LABEL: func.func @quotient(
// CHECK: lm.rms_norm
// CHECK-NOT: lm.opaque
lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @norm : tensor<4xf32> = dense<1.0> : tensor<4xf32>
lm.weight @epsilon : tensor<f32> = dense<1.0e-5> : tensor<f32>
func.func @quotient(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> tensor<*xf32> {
  %t = lm.get @table : tensor<3x4xf32>
  %norm = lm.get @norm : tensor<4xf32>
  %epsilon = lm.get @epsilon : tensor<f32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x4xf32> to tensor<*xf32>
  %a = lm.opaque "" "Mul" version 13 name "a"(%x, %x) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %b = lm.opaque "" "ReduceMean" version 13 name "b"(%a) {axes = array<i64: 2>} : (tensor<*xf32>) -> tensor<*xf32>
  %c = lm.opaque "" "Add" version 13 name "c"(%epsilon, %b) {} : (tensor<f32>, tensor<*xf32>) -> tensor<*xf32>
  %d = lm.opaque "" "Sqrt" version 13 name "d"(%c) {} : (tensor<*xf32>) -> tensor<*xf32>
  %g = lm.opaque "" "Div" version 13 name "g"(%x, %d) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %h = lm.opaque "" "Mul" version 13 name "h"(%g, %norm) {} : (tensor<*xf32>, tensor<4xf32>) -> tensor<*xf32>
  return %h : tensor<*xf32>
}

// -----

// The sum is the fourth result; the norm reads it.
// CHECK-LABEL: func.func @skip(
// CHECK: %[[X:.*]] = lm.embed
// CHECK: %[[N:.*]] = lm.rms_norm %[[X]]
// CHECK: %[[S:.*]] = lm.add %[[X]], %[[N]] : tensor<?x4xf32>
// CHECK: lm.rms_norm %[[S]]
lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @norm : tensor<4xf32> = dense<1.0> : tensor<4xf32>
func.func @skip(%tokens: tensor<?xi32> {lm.role = "tokens"}) -> (tensor<*xf32>, tensor<*xf32>) {
  %t = lm.get @table : tensor<3x4xf32>
  %norm = lm.get @norm : tensor<4xf32>
  %e = lm.embed %tokens, %t : (tensor<?xi32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  %x = builtin.unrealized_conversion_cast %e : tensor<?x4xf32> to tensor<*xf32>
  %a = lm.opaque "" "SimplifiedLayerNormalization" version 22 name "a"(%x, %norm) {axis = -1 : i64, epsilon = 1.0e-5 : f32}
      : (tensor<*xf32>, tensor<4xf32>) -> tensor<*xf32>
  %b:4 = lm.opaque "com.microsoft" "SkipSimplifiedLayerNormalization" version 1 name "b"(%x, %a, %norm) {epsilon = 1.0e-5 : f32}
      : (tensor<*xf32>, tensor<*xf32>, tensor<4xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %b#0, %b#3 : tensor<*xf32>, tensor<*xf32>
}
