// RUN: llmc-opt %s --llmc-raise-rope=context=64 --split-input-file --verify-diagnostics

// The first half is negated: the rotation goes the other way.
lm.weight @table : tensor<3x8xf32> = dense<1.0> : tensor<3x8xf32>
lm.weight @inv : tensor<2xf32> = dense<[1.0, 0.00999999978]> : tensor<2xf32>
lm.weight @heads : tensor<4xi64> = dense<[0, 0, 2, 4]> : tensor<4xi64>
lm.weight @zero : tensor<1xi64> = dense<0> : tensor<1xi64>
lm.weight @one : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @half : tensor<1xi64> = dense<2> : tensor<1xi64>
lm.weight @end : tensor<1xi64> = dense<9223372036854775807> : tensor<1xi64>
lm.weight @last : tensor<1xi64> = dense<3> : tensor<1xi64>
func.func @reversed(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
    %positions: tensor<?x?xi64> {lm.role = "positions"}) -> tensor<*xf32> {
  %table = lm.get @table : tensor<3x8xf32>
  %inv = lm.get @inv : tensor<2xf32>
  %heads = lm.get @heads : tensor<4xi64>
  %zero = lm.get @zero : tensor<1xi64>
  %one = lm.get @one : tensor<1xi64>
  %half = lm.get @half : tensor<1xi64>
  %end = lm.get @end : tensor<1xi64>
  %last = lm.get @last : tensor<1xi64>
  %end1 = lm.get @half : tensor<1xi64>
  %e = lm.embed %tokens, %table : (tensor<?xi32>, tensor<3x8xf32>) -> tensor<?x8xf32>
  %y = builtin.unrealized_conversion_cast %e : tensor<?x8xf32> to tensor<*xf32>
  %p1 = lm.opaque "" "Unsqueeze" version 18 name "p1"(%positions, %end1) {} : (tensor<?x?xi64>, tensor<1xi64>) -> tensor<*xi64>
  %p2 = lm.opaque "" "Cast" version 18 name "p2"(%p1) {to = 1 : i64} : (tensor<*xi64>) -> tensor<*xf32>
  %angles = lm.opaque "" "Mul" version 18 name "angles"(%p2, %inv) {} : (tensor<*xf32>, tensor<2xf32>) -> tensor<*xf32>
  %both = lm.opaque "" "Concat" version 18 name "both"(%angles, %angles) {axis = -1 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %cos = lm.opaque "" "Cos" version 18 name "cos"(%both) {} : (tensor<*xf32>) -> tensor<*xf32>
  %sin = lm.opaque "" "Sin" version 18 name "sin"(%both) {} : (tensor<*xf32>) -> tensor<*xf32>
  %c = lm.opaque "" "Unsqueeze" version 18 name "c"(%cos, %one) {} : (tensor<*xf32>, tensor<1xi64>) -> tensor<*xf32>
  %s = lm.opaque "" "Unsqueeze" version 18 name "s"(%sin, %one) {} : (tensor<*xf32>, tensor<1xi64>) -> tensor<*xf32>
  %r = lm.opaque "" "Reshape" version 18 name "r"(%y, %heads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %x = lm.opaque "" "Transpose" version 18 name "x"(%r) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %x1 = lm.opaque "" "Slice" version 18 name "x1"(%x, %zero, %half, %last, %one) {} : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %x2 = lm.opaque "" "Slice" version 18 name "x2"(%x, %half, %end, %last, %one) {} : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %n = lm.opaque "" "Neg" version 18 name "n"(%x1) {} : (tensor<*xf32>) -> tensor<*xf32>
  // expected-remark @+1 {{Concat 'rotated' is nearly rope: it is not (-second half, first half) of the last axis of Transpose 'x'}}
  %rotated = lm.opaque "" "Concat" version 18 name "rotated"(%n, %x2) {axis = -1 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %a = lm.opaque "" "Mul" version 18 name "a"(%x, %c) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %b = lm.opaque "" "Mul" version 18 name "b"(%rotated, %s) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %sum = lm.opaque "" "Add" version 18 name "sum"(%a, %b) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %sum : tensor<*xf32>
}

// -----

// The table depends on the tokens.
lm.weight @table : tensor<3x8xf32> = dense<1.0> : tensor<3x8xf32>
lm.weight @inv : tensor<2xf32> = dense<[1.0, 0.00999999978]> : tensor<2xf32>
lm.weight @heads : tensor<4xi64> = dense<[0, 0, 2, 4]> : tensor<4xi64>
lm.weight @zero : tensor<1xi64> = dense<0> : tensor<1xi64>
lm.weight @one : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @half : tensor<1xi64> = dense<2> : tensor<1xi64>
lm.weight @end : tensor<1xi64> = dense<9223372036854775807> : tensor<1xi64>
lm.weight @last : tensor<1xi64> = dense<3> : tensor<1xi64>
func.func @dependent(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
    %positions: tensor<?x?xi64> {lm.role = "ids"}) -> tensor<*xf32> {
  %table = lm.get @table : tensor<3x8xf32>
  %inv = lm.get @inv : tensor<2xf32>
  %heads = lm.get @heads : tensor<4xi64>
  %zero = lm.get @zero : tensor<1xi64>
  %one = lm.get @one : tensor<1xi64>
  %half = lm.get @half : tensor<1xi64>
  %end = lm.get @end : tensor<1xi64>
  %last = lm.get @last : tensor<1xi64>
  %end1 = lm.get @half : tensor<1xi64>
  %e = lm.embed %tokens, %table : (tensor<?xi32>, tensor<3x8xf32>) -> tensor<?x8xf32>
  %y = builtin.unrealized_conversion_cast %e : tensor<?x8xf32> to tensor<*xf32>
  %p1 = lm.opaque "" "Unsqueeze" version 18 name "p1"(%positions, %end1) {} : (tensor<?x?xi64>, tensor<1xi64>) -> tensor<*xi64>
  %p2 = lm.opaque "" "Cast" version 18 name "p2"(%p1) {to = 1 : i64} : (tensor<*xi64>) -> tensor<*xf32>
  %angles = lm.opaque "" "Mul" version 18 name "angles"(%p2, %inv) {} : (tensor<*xf32>, tensor<2xf32>) -> tensor<*xf32>
  %both = lm.opaque "" "Concat" version 18 name "both"(%angles, %angles) {axis = -1 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %cos = lm.opaque "" "Cos" version 18 name "cos"(%both) {} : (tensor<*xf32>) -> tensor<*xf32>
  %sin = lm.opaque "" "Sin" version 18 name "sin"(%both) {} : (tensor<*xf32>) -> tensor<*xf32>
  %c = lm.opaque "" "Unsqueeze" version 18 name "c"(%cos, %one) {} : (tensor<*xf32>, tensor<1xi64>) -> tensor<*xf32>
  %s = lm.opaque "" "Unsqueeze" version 18 name "s"(%sin, %one) {} : (tensor<*xf32>, tensor<1xi64>) -> tensor<*xf32>
  %r = lm.opaque "" "Reshape" version 18 name "r"(%y, %heads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %x = lm.opaque "" "Transpose" version 18 name "x"(%r) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %x1 = lm.opaque "" "Slice" version 18 name "x1"(%x, %zero, %half, %last, %one) {} : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %x2 = lm.opaque "" "Slice" version 18 name "x2"(%x, %half, %end, %last, %one) {} : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %n = lm.opaque "" "Neg" version 18 name "n"(%x2) {} : (tensor<*xf32>) -> tensor<*xf32>
  // expected-remark @+1 {{is nearly rope: its factor is no table that positions determine}}
  %rotated = lm.opaque "" "Concat" version 18 name "rotated"(%n, %x1) {axis = -1 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %a = lm.opaque "" "Mul" version 18 name "a"(%x, %c) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %b = lm.opaque "" "Mul" version 18 name "b"(%rotated, %s) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %sum = lm.opaque "" "Add" version 18 name "sum"(%a, %b) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %sum : tensor<*xf32>
}
