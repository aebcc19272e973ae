// RUN: llmc-opt %s --llmc-simplify-nodes | FileCheck %s

// A transposed weight is a view of the same bytes, and so is a reshaped one.
// CHECK: lm.weight @w : tensor<2x3xf32> = dense<{{.*}}> : tensor<2x3xf32>
// CHECK: lm.weight @[[T:w_0]] : tensor<3x2xf32> = dense<{{.*}}> : tensor<2x3xf32> view offset 0 strides [1, 3]
// CHECK: lm.weight @[[R:w_1]] : tensor<6xf32> = dense<{{.*}}> : tensor<2x3xf32> view offset 0 strides [1]
lm.weight @w : tensor<2x3xf32> = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
lm.weight @shape : tensor<1xi64> = dense<-1> : tensor<1xi64>

// CHECK: func.func @main(%[[X:.*]]: tensor<*xf32>, %[[I:.*]]: tensor<*xi64>)
func.func @main(%x: tensor<*xf32>, %i: tensor<*xi64>)
    -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) {
  %w = lm.get @w : tensor<2x3xf32>
  %shape = lm.get @shape : tensor<1xi64>
  %a = lm.opaque "" "Identity" version 18 name "a"(%x) {} : (tensor<*xf32>) -> tensor<*xf32>
  %b = lm.opaque "" "Cast" version 18 name "b"(%a) {to = 1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  // CHECK: %[[C:.*]] = lm.opaque "" "Cast" version 18 name "c"(%[[I]])
  %c = lm.opaque "" "Cast" version 18 name "c"(%i) {to = 1 : i64} : (tensor<*xi64>) -> tensor<*xf32>
  // CHECK: %[[T1:.*]] = lm.get @[[T]] : tensor<3x2xf32>
  %d = lm.opaque "" "Transpose" version 18 name "d"(%w) {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<*xf32>
  // CHECK: %[[R1:.*]] = lm.get @[[R]] : tensor<6xf32>
  %e = lm.opaque "" "Reshape" version 18 name "e"(%w, %shape) {} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: "use" version 18 name "f"(%[[X]], %[[C]], %[[T1]], %[[R1]])
  %f = lm.opaque "" "use" version 18 name "f"(%b, %c, %d, %e) {}
      : (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %f, %f, %f, %f, %f : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}
