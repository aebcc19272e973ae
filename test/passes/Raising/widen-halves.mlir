// RUN: llmc-opt %s --llmc-widen-halves --split-input-file | FileCheck %s
// RUN: llmc-opt %s --llmc-widen-halves --llmc-simplify-nodes --split-input-file | FileCheck %s --check-prefix=SIMPLE

// Values become f32, weights keep their bytes, and casts cast to what the value is already.
// CHECK: module attributes {lm.widened_from = f16}
// CHECK: lm.weight @w : tensor<2x3xf32> = dense<1.000000e+00> : tensor<2x3xf16>
// CHECK: lm.weight @view : tensor<3x2xf32> = dense<1.000000e+00> : tensor<2x3xf16> view offset 0 strides [1, 3]
// CHECK: lm.weight @ints : tensor<2xi8> = dense<1> : tensor<2xi8>
lm.weight @w : tensor<2x3xf16> = dense<1.0> : tensor<2x3xf16>
lm.weight @view : tensor<3x2xf16> = dense<1.0> : tensor<2x3xf16> view offset 0 strides [1, 3]
lm.weight @ints : tensor<2xi8> = dense<1> : tensor<2xi8>

// CHECK: func.func @main(%[[X:.*]]: tensor<?x3xf32>, %[[I:.*]]: tensor<?xi64>) -> tensor<*xf32>
// SIMPLE: func.func @main(%[[X:.*]]: tensor<?x3xf32>, %[[I:.*]]: tensor<?xi64>)
func.func @main(%x: tensor<?x3xf16>, %i: tensor<?xi64>) -> tensor<*xf16> {
  // CHECK: lm.get @w : tensor<2x3xf32>
  %w = lm.get @w : tensor<2x3xf16>
  // CHECK: "Cast" version 18 name "up"(%[[X]]) {to = 1 : i64} : (tensor<?x3xf32>) -> tensor<*xf32>
  %up = lm.opaque "" "Cast" version 18 name "up"(%x) {to = 1 : i64} : (tensor<?x3xf16>) -> tensor<*xf32>
  // CHECK: "Cast" version 18 name "down"(%{{.*}}) {to = 1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %down = lm.opaque "" "Cast" version 18 name "down"(%up) {to = 10 : i64} : (tensor<*xf32>) -> tensor<*xf16>
  // Integers are still converted.
  // SIMPLE: %[[P:.*]] = lm.opaque "" "Cast" version 18 name "positions"(%[[I]]) {to = 1 : i64} : (tensor<?xi64>) -> tensor<*xf32>
  %positions = lm.opaque "" "Cast" version 18 name "positions"(%i) {to = 10 : i64} : (tensor<?xi64>) -> tensor<*xf16>
  // A view of widened bytes is widened as well: here it is one that the module has.
  // SIMPLE: %[[T:.*]] = lm.get @view : tensor<3x2xf32>
  %turned = lm.opaque "" "Transpose" version 18 name "turned"(%w) {perm = array<i64: 1, 0>} : (tensor<2x3xf16>) -> tensor<*xf16>
  // The largest f16, a subnormal and an infinity.
  // CHECK: "Constant" version 18 name "constant"() {value = dense<[6.550400e+04, 5.96046448E-8, 0xFF800000]> : tensor<3xf32>} : () -> tensor<*xf32>
  %constant = lm.opaque "" "Constant" version 18 name "constant"() {value = dense<[65504.0, 0x0001, 0xFC00]> : tensor<3xf16>} : () -> tensor<*xf16>
  // CHECK: "ConstantOfShape" version 18 name "fill"(%[[I]]) {value = dense<5.000000e-01> : tensor<1xf32>} : (tensor<?xi64>) -> tensor<*xf32>
  %fill = lm.opaque "" "ConstantOfShape" version 18 name "fill"(%i) {value = dense<0.5> : tensor<1xf16>} : (tensor<?xi64>) -> tensor<*xf16>
  // SIMPLE: "use" version 18 name "use"(%[[X]], %[[T]], %[[P]],
  %use = lm.opaque "" "use" version 18 name "use"(%down, %turned, %positions, %constant, %fill) {}
      : (tensor<*xf16>, tensor<*xf16>, tensor<*xf16>, tensor<*xf16>, tensor<*xf16>) -> tensor<*xf16>
  return %use : tensor<*xf16>
}

// -----

// bf16 is a half as well, and the coarser one.
// CHECK: module attributes {lm.widened_from = bf16}
// CHECK: lm.weight @w : tensor<2xf32> = dense<{{.*}}> : tensor<2xbf16>
lm.weight @w : tensor<2xbf16> = dense<[1.0, 2.0]> : tensor<2xbf16>
// CHECK: func.func @main(%{{.*}}: tensor<2xf32>) -> tensor<*xf32>
func.func @main(%x: tensor<2xf16>) -> tensor<*xbf16> {
  %w = lm.get @w : tensor<2xbf16>
  // CHECK: {to = 1 : i64} : (tensor<2xf32>) -> tensor<*xf32>
  %c = lm.opaque "" "Cast" version 18 name "c"(%x) {to = 16 : i64} : (tensor<2xf16>) -> tensor<*xbf16>
  %y = lm.opaque "" "Add" version 18 name "y"(%w, %c) {} : (tensor<2xbf16>, tensor<*xbf16>) -> tensor<*xbf16>
  return %y : tensor<*xbf16>
}

// -----

// A graph in fp32 stays as it is.
// CHECK: module {
// CHECK: func.func @main(%{{.*}}: tensor<2xf32>, %{{.*}}: tensor<2xf64>)
func.func @main(%x: tensor<2xf32>, %y: tensor<2xf64>) {
  return
}
