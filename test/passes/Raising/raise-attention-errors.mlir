// RUN: llmc-opt %s --llmc-raise-attention=context=16 --split-input-file --verify-diagnostics

// The mask also hides the token itself.
lm.weight @table : tensor<3x8xf32> = dense<1.0> : tensor<3x8xf32>
lm.weight @wk : tensor<4x8xf32> = dense<1.0> : tensor<4x8xf32>
lm.weight @wv : tensor<4x8xf32> = dense<2.0> : tensor<4x8xf32>
lm.weight @qheads : tensor<4xi64> = dense<[0, 0, 2, 4]> : tensor<4xi64>
lm.weight @kheads : tensor<4xi64> = dense<[0, 0, 1, 4]> : tensor<4xi64>
lm.weight @joined : tensor<3xi64> = dense<[0, 0, 8]> : tensor<3xi64>
lm.weight @zero : tensor<i64> = dense<0> : tensor<i64>
lm.weight @one : tensor<i64> = dense<1> : tensor<i64>
lm.weight @axis1 : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @axis3 : tensor<1xi64> = dense<3> : tensor<1xi64>
lm.weight @nothing : tensor<f32> = dense<0.0> : tensor<f32>
lm.weight @minus : tensor<f32> = dense<0xFF800000> : tensor<f32>
lm.weight @scale : tensor<f32> = dense<0.5> : tensor<f32>
func.func @strict(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
    %past_k: tensor<?x1x?x4xf32> {lm.role = "past", lm.name = "past_key_values.0.key"},
    %past_v: tensor<?x1x?x4xf32> {lm.role = "past", lm.name = "past_key_values.0.value"})
    -> (tensor<*xf32>, tensor<*xf32> {lm.name = "present.0.key"}, tensor<*xf32> {lm.name = "present.0.value"}) {
  %table = lm.get @table : tensor<3x8xf32>
  %wk = lm.get @wk : tensor<4x8xf32>
  %wv = lm.get @wv : tensor<4x8xf32>
  %qheads = lm.get @qheads : tensor<4xi64>
  %kheads = lm.get @kheads : tensor<4xi64>
  %joined = lm.get @joined : tensor<3xi64>
  %zero = lm.get @zero : tensor<i64>
  %one = lm.get @one : tensor<i64>
  %axis1 = lm.get @axis1 : tensor<1xi64>
  %axis3 = lm.get @axis3 : tensor<1xi64>
  %nothing = lm.get @nothing : tensor<f32>
  %minus = lm.get @minus : tensor<f32>
  %scale = lm.get @scale : tensor<f32>
  %q2 = lm.embed %tokens, %table : (tensor<?xi32>, tensor<3x8xf32>) -> tensor<?x8xf32>
  %k2 = lm.linear %q2, %wk : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %v2 = lm.linear %q2, %wv : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %q3 = builtin.unrealized_conversion_cast %q2 : tensor<?x8xf32> to tensor<*xf32>
  %k3 = builtin.unrealized_conversion_cast %k2 : tensor<?x4xf32> to tensor<*xf32>
  %v3 = builtin.unrealized_conversion_cast %v2 : tensor<?x4xf32> to tensor<*xf32>
  %q4 = lm.opaque "" "Reshape" version 18 name "q4"(%q3, %qheads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %q = lm.opaque "" "Transpose" version 18 name "q"(%q4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %k4 = lm.opaque "" "Reshape" version 18 name "k4"(%k3, %kheads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = lm.opaque "" "Transpose" version 18 name "k"(%k4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %v4 = lm.opaque "" "Reshape" version 18 name "v4"(%v3, %kheads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %v = lm.opaque "" "Transpose" version 18 name "v"(%v4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %present_k = lm.opaque "" "Concat" version 18 name "present_k"(%past_k, %k) {axis = -2 : i64} : (tensor<?x1x?x4xf32>, tensor<*xf32>) -> tensor<*xf32>
  %present_v = lm.opaque "" "Concat" version 18 name "present_v"(%past_v, %v) {axis = 2 : i64} : (tensor<?x1x?x4xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kt = lm.opaque "" "Transpose" version 18 name "kt"(%present_k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<*xf32>) -> tensor<*xf32>
  %kshape = lm.opaque "" "Shape" version 18 name "kshape"(%past_k) {start = 2 : i64, end = 3 : i64} : (tensor<?x1x?x4xf32>) -> tensor<*xi64>
  %past = lm.opaque "" "Squeeze" version 18 name "past"(%kshape) {} : (tensor<*xi64>) -> tensor<*xi64>
  %qshape = lm.opaque "" "Shape" version 18 name "qshape"(%q) {start = 2 : i64, end = 3 : i64} : (tensor<*xf32>) -> tensor<*xi64>
  %tokencount = lm.opaque "" "Squeeze" version 18 name "tokencount"(%qshape) {} : (tensor<*xi64>) -> tensor<*xi64>
  %total = lm.opaque "" "Add" version 18 name "total"(%past, %tokencount) {} : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi64>
  %columns = lm.opaque "" "Range" version 18 name "columns"(%zero, %total, %one) {} : (tensor<i64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %rows0 = lm.opaque "" "Range" version 18 name "rows0"(%past, %total, %one) {} : (tensor<*xi64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %rows = lm.opaque "" "Unsqueeze" version 18 name "rows"(%rows0, %axis1) {} : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %hidden = lm.opaque "" "GreaterOrEqual" version 18 name "hidden"(%columns, %rows) {} : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  %mask = lm.opaque "" "Where" version 18 name "mask"(%hidden, %minus, %nothing) {} : (tensor<*xi1>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %qk = lm.opaque "" "MatMul" version 18 name "qk"(%q, %kt) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %scaled = lm.opaque "" "Mul" version 18 name "scaled"(%qk, %scale) {} : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %masked = lm.opaque "" "Add" version 18 name "masked"(%scaled, %mask) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  // expected-remark @+1 {{Softmax 'p' is nearly attention: the mask is not causal: with 0 cached positions, token 0 sees position 0 with -inf}}
  %p = lm.opaque "" "Softmax" version 18 name "p"(%masked) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = lm.opaque "" "MatMul" version 18 name "o"(%p, %present_v) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %o4 = lm.opaque "" "Transpose" version 18 name "o4"(%o) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %o3 = lm.opaque "" "Reshape" version 18 name "o3"(%o4, %joined) {} : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %o3, %present_k, %present_v : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

// Keys and values are exchanged between the results.
lm.weight @table : tensor<3x8xf32> = dense<1.0> : tensor<3x8xf32>
lm.weight @wk : tensor<4x8xf32> = dense<1.0> : tensor<4x8xf32>
lm.weight @wv : tensor<4x8xf32> = dense<2.0> : tensor<4x8xf32>
lm.weight @qheads : tensor<4xi64> = dense<[0, 0, 2, 4]> : tensor<4xi64>
lm.weight @kheads : tensor<4xi64> = dense<[0, 0, 1, 4]> : tensor<4xi64>
lm.weight @joined : tensor<3xi64> = dense<[0, 0, 8]> : tensor<3xi64>
lm.weight @zero : tensor<i64> = dense<0> : tensor<i64>
lm.weight @one : tensor<i64> = dense<1> : tensor<i64>
lm.weight @axis1 : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @axis3 : tensor<1xi64> = dense<3> : tensor<1xi64>
lm.weight @nothing : tensor<f32> = dense<0.0> : tensor<f32>
lm.weight @minus : tensor<f32> = dense<0xFF800000> : tensor<f32>
lm.weight @scale : tensor<f32> = dense<0.5> : tensor<f32>
func.func @exchanged(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
    %past_k: tensor<?x1x?x4xf32> {lm.role = "past", lm.name = "past_key_values.0.key"},
    %past_v: tensor<?x1x?x4xf32> {lm.role = "past", lm.name = "past_key_values.0.value"})
    -> (tensor<*xf32>, tensor<*xf32> {lm.name = "present.0.key"}, tensor<*xf32> {lm.name = "present.0.value"}) {
  %table = lm.get @table : tensor<3x8xf32>
  %wk = lm.get @wk : tensor<4x8xf32>
  %wv = lm.get @wv : tensor<4x8xf32>
  %qheads = lm.get @qheads : tensor<4xi64>
  %kheads = lm.get @kheads : tensor<4xi64>
  %joined = lm.get @joined : tensor<3xi64>
  %zero = lm.get @zero : tensor<i64>
  %one = lm.get @one : tensor<i64>
  %axis1 = lm.get @axis1 : tensor<1xi64>
  %axis3 = lm.get @axis3 : tensor<1xi64>
  %nothing = lm.get @nothing : tensor<f32>
  %minus = lm.get @minus : tensor<f32>
  %scale = lm.get @scale : tensor<f32>
  %q2 = lm.embed %tokens, %table : (tensor<?xi32>, tensor<3x8xf32>) -> tensor<?x8xf32>
  %k2 = lm.linear %q2, %wk : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %v2 = lm.linear %q2, %wv : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %q3 = builtin.unrealized_conversion_cast %q2 : tensor<?x8xf32> to tensor<*xf32>
  %k3 = builtin.unrealized_conversion_cast %k2 : tensor<?x4xf32> to tensor<*xf32>
  %v3 = builtin.unrealized_conversion_cast %v2 : tensor<?x4xf32> to tensor<*xf32>
  %q4 = lm.opaque "" "Reshape" version 18 name "q4"(%q3, %qheads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %q = lm.opaque "" "Transpose" version 18 name "q"(%q4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %k4 = lm.opaque "" "Reshape" version 18 name "k4"(%k3, %kheads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = lm.opaque "" "Transpose" version 18 name "k"(%k4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %v4 = lm.opaque "" "Reshape" version 18 name "v4"(%v3, %kheads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %v = lm.opaque "" "Transpose" version 18 name "v"(%v4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %present_k = lm.opaque "" "Concat" version 18 name "present_k"(%past_k, %k) {axis = -2 : i64} : (tensor<?x1x?x4xf32>, tensor<*xf32>) -> tensor<*xf32>
  %present_v = lm.opaque "" "Concat" version 18 name "present_v"(%past_v, %v) {axis = 2 : i64} : (tensor<?x1x?x4xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kt = lm.opaque "" "Transpose" version 18 name "kt"(%present_k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<*xf32>) -> tensor<*xf32>
  %kshape = lm.opaque "" "Shape" version 18 name "kshape"(%past_k) {start = 2 : i64, end = 3 : i64} : (tensor<?x1x?x4xf32>) -> tensor<*xi64>
  %past = lm.opaque "" "Squeeze" version 18 name "past"(%kshape) {} : (tensor<*xi64>) -> tensor<*xi64>
  %qshape = lm.opaque "" "Shape" version 18 name "qshape"(%q) {start = 2 : i64, end = 3 : i64} : (tensor<*xf32>) -> tensor<*xi64>
  %tokencount = lm.opaque "" "Squeeze" version 18 name "tokencount"(%qshape) {} : (tensor<*xi64>) -> tensor<*xi64>
  %total = lm.opaque "" "Add" version 18 name "total"(%past, %tokencount) {} : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi64>
  %columns = lm.opaque "" "Range" version 18 name "columns"(%zero, %total, %one) {} : (tensor<i64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %rows0 = lm.opaque "" "Range" version 18 name "rows0"(%past, %total, %one) {} : (tensor<*xi64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %rows = lm.opaque "" "Unsqueeze" version 18 name "rows"(%rows0, %axis1) {} : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %hidden = lm.opaque "" "Greater" version 18 name "hidden"(%columns, %rows) {} : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  %mask = lm.opaque "" "Where" version 18 name "mask"(%hidden, %minus, %nothing) {} : (tensor<*xi1>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %qk = lm.opaque "" "MatMul" version 18 name "qk"(%q, %kt) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %scaled = lm.opaque "" "Mul" version 18 name "scaled"(%qk, %scale) {} : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %masked = lm.opaque "" "Add" version 18 name "masked"(%scaled, %mask) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  // expected-remark @+1 {{is nearly attention: input 'past_key_values.0.key' comes back as 'present.0.value'}}
  %p = lm.opaque "" "Softmax" version 18 name "p"(%masked) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = lm.opaque "" "MatMul" version 18 name "o"(%p, %present_v) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %o4 = lm.opaque "" "Transpose" version 18 name "o4"(%o) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %o3 = lm.opaque "" "Reshape" version 18 name "o3"(%o4, %joined) {} : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %o3, %present_v, %present_k : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

// The extended cache stays inside.
lm.weight @table : tensor<3x8xf32> = dense<1.0> : tensor<3x8xf32>
lm.weight @wk : tensor<4x8xf32> = dense<1.0> : tensor<4x8xf32>
lm.weight @wv : tensor<4x8xf32> = dense<2.0> : tensor<4x8xf32>
lm.weight @qheads : tensor<4xi64> = dense<[0, 0, 2, 4]> : tensor<4xi64>
lm.weight @kheads : tensor<4xi64> = dense<[0, 0, 1, 4]> : tensor<4xi64>
lm.weight @joined : tensor<3xi64> = dense<[0, 0, 8]> : tensor<3xi64>
lm.weight @zero : tensor<i64> = dense<0> : tensor<i64>
lm.weight @one : tensor<i64> = dense<1> : tensor<i64>
lm.weight @axis1 : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @axis3 : tensor<1xi64> = dense<3> : tensor<1xi64>
lm.weight @nothing : tensor<f32> = dense<0.0> : tensor<f32>
lm.weight @minus : tensor<f32> = dense<0xFF800000> : tensor<f32>
lm.weight @scale : tensor<f32> = dense<0.5> : tensor<f32>
func.func @forgotten(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
    %past_k: tensor<?x1x?x4xf32> {lm.role = "past", lm.name = "past_key_values.0.key"},
    %past_v: tensor<?x1x?x4xf32> {lm.role = "past", lm.name = "past_key_values.0.value"})
    -> (tensor<*xf32>) {
  %table = lm.get @table : tensor<3x8xf32>
  %wk = lm.get @wk : tensor<4x8xf32>
  %wv = lm.get @wv : tensor<4x8xf32>
  %qheads = lm.get @qheads : tensor<4xi64>
  %kheads = lm.get @kheads : tensor<4xi64>
  %joined = lm.get @joined : tensor<3xi64>
  %zero = lm.get @zero : tensor<i64>
  %one = lm.get @one : tensor<i64>
  %axis1 = lm.get @axis1 : tensor<1xi64>
  %axis3 = lm.get @axis3 : tensor<1xi64>
  %nothing = lm.get @nothing : tensor<f32>
  %minus = lm.get @minus : tensor<f32>
  %scale = lm.get @scale : tensor<f32>
  %q2 = lm.embed %tokens, %table : (tensor<?xi32>, tensor<3x8xf32>) -> tensor<?x8xf32>
  %k2 = lm.linear %q2, %wk : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %v2 = lm.linear %q2, %wv : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %q3 = builtin.unrealized_conversion_cast %q2 : tensor<?x8xf32> to tensor<*xf32>
  %k3 = builtin.unrealized_conversion_cast %k2 : tensor<?x4xf32> to tensor<*xf32>
  %v3 = builtin.unrealized_conversion_cast %v2 : tensor<?x4xf32> to tensor<*xf32>
  %q4 = lm.opaque "" "Reshape" version 18 name "q4"(%q3, %qheads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %q = lm.opaque "" "Transpose" version 18 name "q"(%q4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %k4 = lm.opaque "" "Reshape" version 18 name "k4"(%k3, %kheads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = lm.opaque "" "Transpose" version 18 name "k"(%k4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %v4 = lm.opaque "" "Reshape" version 18 name "v4"(%v3, %kheads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %v = lm.opaque "" "Transpose" version 18 name "v"(%v4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %present_k = lm.opaque "" "Concat" version 18 name "present_k"(%past_k, %k) {axis = -2 : i64} : (tensor<?x1x?x4xf32>, tensor<*xf32>) -> tensor<*xf32>
  %present_v = lm.opaque "" "Concat" version 18 name "present_v"(%past_v, %v) {axis = 2 : i64} : (tensor<?x1x?x4xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kt = lm.opaque "" "Transpose" version 18 name "kt"(%present_k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<*xf32>) -> tensor<*xf32>
  %kshape = lm.opaque "" "Shape" version 18 name "kshape"(%past_k) {start = 2 : i64, end = 3 : i64} : (tensor<?x1x?x4xf32>) -> tensor<*xi64>
  %past = lm.opaque "" "Squeeze" version 18 name "past"(%kshape) {} : (tensor<*xi64>) -> tensor<*xi64>
  %qshape = lm.opaque "" "Shape" version 18 name "qshape"(%q) {start = 2 : i64, end = 3 : i64} : (tensor<*xf32>) -> tensor<*xi64>
  %tokencount = lm.opaque "" "Squeeze" version 18 name "tokencount"(%qshape) {} : (tensor<*xi64>) -> tensor<*xi64>
  %total = lm.opaque "" "Add" version 18 name "total"(%past, %tokencount) {} : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi64>
  %columns = lm.opaque "" "Range" version 18 name "columns"(%zero, %total, %one) {} : (tensor<i64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %rows0 = lm.opaque "" "Range" version 18 name "rows0"(%past, %total, %one) {} : (tensor<*xi64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %rows = lm.opaque "" "Unsqueeze" version 18 name "rows"(%rows0, %axis1) {} : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %hidden = lm.opaque "" "Greater" version 18 name "hidden"(%columns, %rows) {} : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  %mask = lm.opaque "" "Where" version 18 name "mask"(%hidden, %minus, %nothing) {} : (tensor<*xi1>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %qk = lm.opaque "" "MatMul" version 18 name "qk"(%q, %kt) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %scaled = lm.opaque "" "Mul" version 18 name "scaled"(%qk, %scale) {} : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %masked = lm.opaque "" "Add" version 18 name "masked"(%scaled, %mask) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  // expected-remark @+1 {{is nearly attention: the extended cache is no result of the model}}
  %p = lm.opaque "" "Softmax" version 18 name "p"(%masked) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = lm.opaque "" "MatMul" version 18 name "o"(%p, %present_v) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %o4 = lm.opaque "" "Transpose" version 18 name "o4"(%o) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %o3 = lm.opaque "" "Reshape" version 18 name "o3"(%o4, %joined) {} : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %o3 : tensor<*xf32>
}

// -----

// The heads come back in the wrong order.
lm.weight @table : tensor<3x8xf32> = dense<1.0> : tensor<3x8xf32>
lm.weight @wk : tensor<4x8xf32> = dense<1.0> : tensor<4x8xf32>
lm.weight @wv : tensor<4x8xf32> = dense<2.0> : tensor<4x8xf32>
lm.weight @qheads : tensor<4xi64> = dense<[0, 0, 2, 4]> : tensor<4xi64>
lm.weight @kheads : tensor<4xi64> = dense<[0, 0, 1, 4]> : tensor<4xi64>
lm.weight @joined : tensor<3xi64> = dense<[0, 0, 8]> : tensor<3xi64>
lm.weight @zero : tensor<i64> = dense<0> : tensor<i64>
lm.weight @one : tensor<i64> = dense<1> : tensor<i64>
lm.weight @axis1 : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @axis3 : tensor<1xi64> = dense<3> : tensor<1xi64>
lm.weight @nothing : tensor<f32> = dense<0.0> : tensor<f32>
lm.weight @minus : tensor<f32> = dense<0xFF800000> : tensor<f32>
lm.weight @scale : tensor<f32> = dense<0.5> : tensor<f32>
func.func @jumbled(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
    %past_k: tensor<?x1x?x4xf32> {lm.role = "past", lm.name = "past_key_values.0.key"},
    %past_v: tensor<?x1x?x4xf32> {lm.role = "past", lm.name = "past_key_values.0.value"})
    -> (tensor<*xf32>, tensor<*xf32> {lm.name = "present.0.key"}, tensor<*xf32> {lm.name = "present.0.value"}) {
  %table = lm.get @table : tensor<3x8xf32>
  %wk = lm.get @wk : tensor<4x8xf32>
  %wv = lm.get @wv : tensor<4x8xf32>
  %qheads = lm.get @qheads : tensor<4xi64>
  %kheads = lm.get @kheads : tensor<4xi64>
  %joined = lm.get @joined : tensor<3xi64>
  %zero = lm.get @zero : tensor<i64>
  %one = lm.get @one : tensor<i64>
  %axis1 = lm.get @axis1 : tensor<1xi64>
  %axis3 = lm.get @axis3 : tensor<1xi64>
  %nothing = lm.get @nothing : tensor<f32>
  %minus = lm.get @minus : tensor<f32>
  %scale = lm.get @scale : tensor<f32>
  %q2 = lm.embed %tokens, %table : (tensor<?xi32>, tensor<3x8xf32>) -> tensor<?x8xf32>
  %k2 = lm.linear %q2, %wk : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %v2 = lm.linear %q2, %wv : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %q3 = builtin.unrealized_conversion_cast %q2 : tensor<?x8xf32> to tensor<*xf32>
  %k3 = builtin.unrealized_conversion_cast %k2 : tensor<?x4xf32> to tensor<*xf32>
  %v3 = builtin.unrealized_conversion_cast %v2 : tensor<?x4xf32> to tensor<*xf32>
  %q4 = lm.opaque "" "Reshape" version 18 name "q4"(%q3, %qheads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %q = lm.opaque "" "Transpose" version 18 name "q"(%q4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %k4 = lm.opaque "" "Reshape" version 18 name "k4"(%k3, %kheads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %k = lm.opaque "" "Transpose" version 18 name "k"(%k4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %v4 = lm.opaque "" "Reshape" version 18 name "v4"(%v3, %kheads) {} : (tensor<*xf32>, tensor<4xi64>) -> tensor<*xf32>
  %v = lm.opaque "" "Transpose" version 18 name "v"(%v4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<*xf32>) -> tensor<*xf32>
  %present_k = lm.opaque "" "Concat" version 18 name "present_k"(%past_k, %k) {axis = -2 : i64} : (tensor<?x1x?x4xf32>, tensor<*xf32>) -> tensor<*xf32>
  %present_v = lm.opaque "" "Concat" version 18 name "present_v"(%past_v, %v) {axis = 2 : i64} : (tensor<?x1x?x4xf32>, tensor<*xf32>) -> tensor<*xf32>
  %kt = lm.opaque "" "Transpose" version 18 name "kt"(%present_k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<*xf32>) -> tensor<*xf32>
  %kshape = lm.opaque "" "Shape" version 18 name "kshape"(%past_k) {start = 2 : i64, end = 3 : i64} : (tensor<?x1x?x4xf32>) -> tensor<*xi64>
  %past = lm.opaque "" "Squeeze" version 18 name "past"(%kshape) {} : (tensor<*xi64>) -> tensor<*xi64>
  %qshape = lm.opaque "" "Shape" version 18 name "qshape"(%q) {start = 2 : i64, end = 3 : i64} : (tensor<*xf32>) -> tensor<*xi64>
  %tokencount = lm.opaque "" "Squeeze" version 18 name "tokencount"(%qshape) {} : (tensor<*xi64>) -> tensor<*xi64>
  %total = lm.opaque "" "Add" version 18 name "total"(%past, %tokencount) {} : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi64>
  %columns = lm.opaque "" "Range" version 18 name "columns"(%zero, %total, %one) {} : (tensor<i64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %rows0 = lm.opaque "" "Range" version 18 name "rows0"(%past, %total, %one) {} : (tensor<*xi64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %rows = lm.opaque "" "Unsqueeze" version 18 name "rows"(%rows0, %axis1) {} : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %hidden = lm.opaque "" "Greater" version 18 name "hidden"(%columns, %rows) {} : (tensor<*xi64>, tensor<*xi64>) -> tensor<*xi1>
  %mask = lm.opaque "" "Where" version 18 name "mask"(%hidden, %minus, %nothing) {} : (tensor<*xi1>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %qk = lm.opaque "" "MatMul" version 18 name "qk"(%q, %kt) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %scaled = lm.opaque "" "Mul" version 18 name "scaled"(%qk, %scale) {} : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
  %masked = lm.opaque "" "Add" version 18 name "masked"(%scaled, %mask) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  // expected-remark @+1 {{its result is not put together as [1, tokens, heads * dim]}}
  %p = lm.opaque "" "Softmax" version 18 name "p"(%masked) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  %o = lm.opaque "" "MatMul" version 18 name "o"(%p, %present_v) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %o4 = lm.opaque "" "Transpose" version 18 name "o4"(%o) {perm = array<i64: 0, 2, 3, 1>} : (tensor<*xf32>) -> tensor<*xf32>
  %o3 = lm.opaque "" "Reshape" version 18 name "o3"(%o4, %joined) {} : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %o3, %present_k, %present_v : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}
