// RUN: llmc-opt %s --split-input-file --verify-diagnostics

// expected-error@below {{has element type 'f32', its bytes are 'i8'}}
lm.weight @w : tensor<4xf32> = dense<1> : tensor<4xi8>

// -----

// expected-error@below {{has element type 'f32', its bytes are 'f64'; only f16 and bf16 can be read as f32}}
lm.weight @w : tensor<4xf32> = dense<1.0> : tensor<4xf64>

// -----

// expected-error@below {{has element type 'f16', its bytes are 'f32'}}
lm.weight @w : tensor<4xf16> = dense<1.0> : tensor<4xf32>

// -----

// expected-error@below {{has shape 'tensor<4xf32>' and no view, its bytes are 'tensor<5xf32>'}}
lm.weight @w : tensor<4xf32> = dense<1.0> : tensor<5xf32>

// -----

// expected-error@below {{view has 1 strides for rank 2}}
lm.weight @w : tensor<2x2xf32> = dense<1.0> : tensor<4xf32> view offset 0 strides [1]

// -----

// expected-error@below {{view offset is negative}}
lm.weight @w : tensor<2xf32> = dense<1.0> : tensor<4xf32> view offset -1 strides [1]

// -----

// expected-error@below {{view has a negative stride or an empty dimension}}
lm.weight @w : tensor<2xf32> = dense<1.0> : tensor<4xf32> view offset 3 strides [-1]

// -----

// expected-error@below {{view has a negative stride or an empty dimension}}
lm.weight @w : tensor<0xf32> = dense<1.0> : tensor<4xf32> view offset 0 strides [1]

// -----

// expected-error@below {{view reaches element 4, its bytes hold 4}}
lm.weight @w : tensor<2x2xf32> = dense<1.0> : tensor<4xf32> view offset 1 strides [2, 1]

// -----

func.func @f() {
  // expected-error@below {{names @other, which is no lm.weight}}
  %w = lm.get @other : tensor<4xf32>
  return
}

// -----

lm.weight @w : tensor<5xf32> = dense<1.0> : tensor<5xf32>
func.func @f() {
  // expected-error@below {{has type 'tensor<4xf32>', @w is 'tensor<5xf32>'}}
  %w = lm.get @w : tensor<4xf32>
  return
}

// -----

// expected-error@below {{sizes must be positive}}
lm.kv_state @kv layers 1 kv_heads 0 head_dim 4 capacity 8 of f16

// -----

// expected-error@below {{element must be f32 or f16, is 'i8'}}
lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of i8

// -----

func.func @f(%i: tensor<2xi32>, %t: tensor<4x4xf32>) {
  // expected-error@below {{number of result rows is 3, must be 2}}
  %x = lm.embed %i, %t : (tensor<2xi32>, tensor<4x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi32>, %t: tensor<4x4xf32>) {
  // expected-error@below {{number of result channels is 5, must be 4}}
  %x = lm.embed %i, %t : (tensor<2xi32>, tensor<4x4xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi32>, %t: tensor<4x4xi8>, %s: tensor<4xf32>) {
  // expected-error@below {{number of result rows is 3, must be 2}}
  %x = lm.quantized_embed %i, %t, %s <i8, group = 0, scale = f32> : (tensor<2xi32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi32>, %t: tensor<4x4xi8>, %s: tensor<4xf32>) {
  // expected-error@below {{number of result channels is 5, must be 4}}
  %x = lm.quantized_embed %i, %t, %s <i8, group = 0, scale = f32> : (tensor<2xi32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3xf32>, %w: tensor<4x4xf32>) {
  // expected-error@below {{number of input channels is 3, must be 4}}
  %y = lm.linear %x, %w : (tensor<2x3xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %w: tensor<5x4xf32>) {
  // expected-error@below {{number of result channels is 4, must be 5}}
  %y = lm.linear %x, %w : (tensor<2x4xf32>, tensor<5x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %w: tensor<4x4xf32>) {
  // expected-error@below {{number of result rows is 3, must be 2}}
  %y = lm.linear %x, %w : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %w: tensor<4x4xf32>, %b: tensor<5xf32>) {
  // expected-error@below {{length of the bias is 5, must be 4}}
  %y = lm.linear %x, %w, %b : (tensor<2x4xf32>, tensor<4x4xf32>, tensor<5xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>) {
  // expected-error@below {{number of result rows is 3, must be 2}}
  %q, %s = lm.quantize_rows %x : (tensor<2x4xf32>) -> (tensor<3x4xi8>, tensor<2xf32>)
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>) {
  // expected-error@below {{number of result channels is 5, must be 4}}
  %q, %s = lm.quantize_rows %x : (tensor<2x4xf32>) -> (tensor<2x5xi8>, tensor<2xf32>)
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>) {
  // expected-error@below {{number of scales is 3, must be 2}}
  %q, %s = lm.quantize_rows %x : (tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3xi8>, %qs: tensor<2xf32>, %w: tensor<4x4xi8>, %s: tensor<4xf32>) {
  // expected-error@below {{number of input channels is 3, must be 4}}
  %y = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<2x3xi8>, tensor<2xf32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%q: tensor<2x131073xi8>, %qs: tensor<2xf32>, %w: tensor<4x131073xi8>, %s: tensor<4xf32>) {
  // expected-error@below {{has 131073 input channels; int32 sums are exact up to 131072}}
  %y = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<2x131073xi8>, tensor<2xf32>, tensor<4x131073xi8>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4xi8>, %qs: tensor<3xf32>, %w: tensor<4x4xi8>, %s: tensor<4xf32>) {
  // expected-error@below {{number of row scales is 3, must be 2}}
  %y = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<2x4xi8>, tensor<3xf32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4xi8>, %qs: tensor<2xf32>, %w: tensor<4x4xi8>, %s: tensor<4xf32>) {
  // expected-error@below {{multipliers must be given exactly where the format's scale is 'multiplier'}}
  %y = lm.quantized_linear %q, %qs, %w, %s <i4, group = 2, scale = multiplier> : (tensor<2x4xi8>, tensor<2xf32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4xi8>, %qs: tensor<2xf32>, %w: tensor<4x4xi8>, %s: tensor<4xf32>, %m: tensor<4x2xi8>) {
  // expected-error@below {{multipliers must be given exactly where the format's scale is 'multiplier'}}
  %y = lm.quantized_linear %q, %qs, %w, %s multipliers %m <i8, group = 0, scale = f32> : (tensor<2x4xi8>, tensor<2xf32>, tensor<4x4xi8>, tensor<4xf32>, tensor<4x2xi8>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4xi8>, %qs: tensor<2xf32>, %w: tensor<4x4xi8>, %s: tensor<5xf32>) {
  // expected-error@below {{scales have the wrong shape 'tensor<5xf32>' for a weight of 4 rows and 1 groups a row}}
  %y = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<2x4xi8>, tensor<2xf32>, tensor<4x4xi8>, tensor<5xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4xi8>, %qs: tensor<2xf32>, %w: tensor<4x4xi8>, %s: tensor<4xf32>) {
  // expected-error@below {{scales have the wrong shape 'tensor<4xf32>' for a weight of 4 rows and 2 groups a row}}
  %y = lm.quantized_linear %q, %qs, %w, %s <i4, group = 2, scale = f32> : (tensor<2x4xi8>, tensor<2xf32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4xi8>, %qs: tensor<2xf32>, %w: tensor<4x4xi8>, %s: tensor<4xf16>) {
  // expected-error@below {{scales are 'f16', the format says f32}}
  %y = lm.quantized_linear %q, %qs, %w, %s <i8, group = 0, scale = f32> : (tensor<2x4xi8>, tensor<2xf32>, tensor<4x4xi8>, tensor<4xf16>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4xi8>, %qs: tensor<2xf32>, %w: tensor<4x4xi8>, %s: tensor<4x2xf32>) {
  // expected-error@below {{scales are 'f32', the format says f16}}
  %y = lm.quantized_linear %q, %qs, %w, %s <i4, group = 2, scale = f16> : (tensor<2x4xi8>, tensor<2xf32>, tensor<4x4xi8>, tensor<4x2xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4xi8>, %qs: tensor<2xf32>, %w: tensor<4x4xi8>, %s: tensor<4xf32>, %m: tensor<4x3xi8>) {
  // expected-error@below {{multipliers must be 4x2}}
  %y = lm.quantized_linear %q, %qs, %w, %s multipliers %m <i4, group = 2, scale = multiplier> : (tensor<2x4xi8>, tensor<2xf32>, tensor<4x4xi8>, tensor<4xf32>, tensor<4x3xi8>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %w: tensor<4xf32>) {
  // expected-error@below {{result type must be the input type}}
  %y = lm.rms_norm %x, %w epsilon 1.0e-5 : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %w: tensor<5xf32>) {
  // expected-error@below {{length of the weight is 5, must be 4}}
  %y = lm.rms_norm %x, %w epsilon 1.0e-5 : (tensor<2x4xf32>, tensor<5xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{result type must be the input type}}
  %y = lm.rope %x at %p heads 1 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<2x4xf32>, i32) -> tensor<3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{cannot split 4 channels into 3 heads}}
  %y = lm.rope %x at %p heads 3 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{cannot split 4 channels into 0 heads}}
  %y = lm.rope %x at %p heads 0 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{needs either a formula or both tables}}
  %y = lm.rope %x at %p heads 1  : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %p: i32, %t: tensor<8x2xf32>) {
  // expected-error@below {{needs either a formula or both tables}}
  %y = lm.rope %x at %p table %t, %t heads 1 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<2x4xf32>, i32, tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{rotates 6 of 4 elements; must be even and no more than the head has}}
  %y = lm.rope %x at %p heads 1 formula <base = 10000.0 : f64, dim = 6, scaling = 1.0 : f32> : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{rotates 3 of 4 elements; must be even and no more than the head has}}
  %y = lm.rope %x at %p heads 1 formula <base = 10000.0 : f64, dim = 3, scaling = 1.0 : f32> : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32
func.func @f(%q: tensor<2x4xf32>, %k: tensor<2x4xf32>, %v: tensor<2x4xf32>, %p: i32, %c: index) {
  // expected-error@below {{names @other, which is no lm.kv_state}}
  %y = lm.attention %q, %k, %v at %p state @other[%c] heads 1 scale 0.5 : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, i32, index) -> tensor<2x4xf32>
  return
}

// -----

lm.kv_state @kv layers 1 kv_heads 2 head_dim 4 capacity 8 of f32
func.func @f(%q: tensor<2x12xf32>, %k: tensor<2x4xf32>, %v: tensor<2x4xf32>, %p: i32, %c: index) {
  // expected-error@below {{has 3 heads, must be a multiple of the state's 2}}
  %y = lm.attention %q, %k, %v at %p state @kv[%c] heads 3 scale 0.5 : (tensor<2x12xf32>, tensor<2x4xf32>, tensor<2x4xf32>, i32, index) -> tensor<2x4xf32>
  return
}

// -----

lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32
func.func @f(%q: tensor<2x4xf32>, %k: tensor<2x4xf32>, %v: tensor<2x4xf32>, %p: i32, %c: index) {
  // expected-error@below {{has 0 heads, must be a multiple of the state's 1}}
  %y = lm.attention %q, %k, %v at %p state @kv[%c] heads 0 scale 0.5 : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, i32, index) -> tensor<2x4xf32>
  return
}

// -----

lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32
func.func @f(%q: tensor<2x4xf32>, %k: tensor<2x4xf32>, %v: tensor<2x4xf32>, %p: i32, %c: index) {
  // expected-error@below {{number of query channels is 4, must be 8}}
  %y = lm.attention %q, %k, %v at %p state @kv[%c] heads 2 scale 0.5 : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, i32, index) -> tensor<2x4xf32>
  return
}

// -----

lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32
func.func @f(%q: tensor<2x4xf32>, %k: tensor<2x8xf32>, %v: tensor<2x4xf32>, %p: i32, %c: index) {
  // expected-error@below {{number of key channels is 8, must be 4}}
  %y = lm.attention %q, %k, %v at %p state @kv[%c] heads 1 scale 0.5 : (tensor<2x4xf32>, tensor<2x8xf32>, tensor<2x4xf32>, i32, index) -> tensor<2x4xf32>
  return
}

// -----

lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32
func.func @f(%q: tensor<2x4xf32>, %k: tensor<2x4xf32>, %v: tensor<2x8xf32>, %p: i32, %c: index) {
  // expected-error@below {{number of value channels is 8, must be 4}}
  %y = lm.attention %q, %k, %v at %p state @kv[%c] heads 1 scale 0.5 : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x8xf32>, i32, index) -> tensor<2x4xf32>
  return
}

// -----

lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32
func.func @f(%q: tensor<2x4xf32>, %k: tensor<2x4xf16>, %v: tensor<2x4xf32>, %p: i32, %c: index) {
  // expected-error@below {{operands must have the state's element type 'f32'}}
  %y = lm.attention %q, %k, %v at %p state @kv[%c] heads 1 scale 0.5 : (tensor<2x4xf32>, tensor<2x4xf16>, tensor<2x4xf32>, i32, index) -> tensor<2x4xf32>
  return
}

// -----

lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32
func.func @f(%q: tensor<2x4xf32>, %k: tensor<3x4xf32>, %v: tensor<2x4xf32>, %p: i32, %c: index) {
  // expected-error@below {{number of key rows is 3, must be 2}}
  %y = lm.attention %q, %k, %v at %p state @kv[%c] heads 1 scale 0.5 : (tensor<2x4xf32>, tensor<3x4xf32>, tensor<2x4xf32>, i32, index) -> tensor<2x4xf32>
  return
}

// -----

lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32
func.func @f(%q: tensor<2x4xf32>, %k: tensor<2x4xf32>, %v: tensor<3x4xf32>, %p: i32, %c: index) {
  // expected-error@below {{number of value rows is 3, must be 2}}
  %y = lm.attention %q, %k, %v at %p state @kv[%c] heads 1 scale 0.5 : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<3x4xf32>, i32, index) -> tensor<2x4xf32>
  return
}

// -----

func.func private @layer(tensor<2x4xf32>, i32, index, tensor<4x4xf32>) -> tensor<2x4xf32>
lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @v : tensor<4xf32> = dense<1.0> : tensor<4xf32>
func.func @f(%h: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{names @other, which is no function}}
  %y = lm.repeat @other(%h, %p) first 0 bindings [[@w]] : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

func.func private @layer(tensor<2x4xf32>, i32, index, tensor<4x4xf32>) -> tensor<2x4xf32>
lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @v : tensor<4xf32> = dense<1.0> : tensor<4xf32>
func.func @f(%h: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{@layer must take hidden state, position, layer and 2 weights, and give one result}}
  %y = lm.repeat @layer(%h, %p) first 0 bindings [[@w], [@w]] : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

func.func private @layer(tensor<2x4xf32>, i32, index, tensor<4x4xf32>) -> tensor<2x4xf32>
lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @v : tensor<4xf32> = dense<1.0> : tensor<4xf32>
func.func @f(%h: tensor<3x4xf32>, %p: i32) {
  // expected-error@below {{hidden state, result and @layer must agree on one type}}
  %y = lm.repeat @layer(%h, %p) first 0 bindings [[@w]] : (tensor<3x4xf32>, i32) -> tensor<3x4xf32>
  return
}

// -----

func.func private @layer(tensor<2x4xf32>, i32, index, tensor<4x4xf32>) -> tensor<2x4xf32>
lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @v : tensor<4xf32> = dense<1.0> : tensor<4xf32>
func.func @f(%h: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{binding 0 must name one weight a layer}}
  %y = lm.repeat @layer(%h, %p) first 0 bindings [[]] : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

func.func private @layer(tensor<2x4xf32>, i32, index, tensor<4x4xf32>) -> tensor<2x4xf32>
lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @v : tensor<4xf32> = dense<1.0> : tensor<4xf32>
func.func @f(%h: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{binding 0 must name one weight a layer}}
  %y = lm.repeat @layer(%h, %p) first 0 bindings [@w] : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

func.func private @layer(tensor<2x4xf32>, i32, index, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @v : tensor<4xf32> = dense<1.0> : tensor<4xf32>
func.func @f(%h: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{binding 1 must name one weight a layer}}
  %y = lm.repeat @layer(%h, %p) first 0 bindings [[@w, @w], [@w]] : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

func.func private @layer(tensor<2x4xf32>, i32, index, tensor<4x4xf32>) -> tensor<2x4xf32>
lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @v : tensor<4xf32> = dense<1.0> : tensor<4xf32>
func.func @f(%h: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{binding 0: @v must be a weight of type 'tensor<4x4xf32>'}}
  %y = lm.repeat @layer(%h, %p) first 0 bindings [[@v]] : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

func.func private @layer(tensor<2x4xf32>, i32, index, tensor<4x4xf32>) -> tensor<2x4xf32>
lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @v : tensor<4xf32> = dense<1.0> : tensor<4xf32>
func.func @f(%h: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{binding 0: @other must be a weight of type 'tensor<4x4xf32>'}}
  %y = lm.repeat @layer(%h, %p) first 0 bindings [[@other]] : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

func.func private @layer(tensor<2x4xf32>, i32, index, tensor<4x4xf32>) -> tensor<2x4xf32>
lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @v : tensor<4xf32> = dense<1.0> : tensor<4xf32>
func.func @f(%h: tensor<2x4xf32>, %p: i32) {
  // expected-error@below {{binding 0: 1 : i64 must be a weight}}
  %y = lm.repeat @layer(%h, %p) first 0 bindings [[1]] : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  return
}

// -----

// expected-error@below {{format: integer multipliers need a group size}}
func.func private @f() attributes {f = #lm.format<i4, group = 0, scale = multiplier>}

// -----

// expected-error@below {{format: integer multipliers need elements narrower than i8, since multiplier times element must fit int8}}
func.func private @f() attributes {f = #lm.format<i8, group = 16, scale = multiplier>}

// -----

func.func @f(%x: tensor<2x4xf32>) {
  // expected-error@below {{result must have the shape of the input}}
  %y = lm.round_f16 %x : (tensor<2x4xf32>) -> tensor<3x4xf16>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %p: i32, %t: tensor<8x2xf32>, %u: tensor<9x2xf32>) {
  // expected-error@below {{tables must have one type}}
  %y = lm.rope %x at %p table %t, %u heads 1 : (tensor<2x4xf32>, i32, tensor<8x2xf32>, tensor<9x2xf32>) -> tensor<2x4xf32>
  return
}

// -----

lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32
func.func @f(%q: tensor<2x4xf32>, %p: i32, %c: index) {
  // expected-error@below {{number of result rows is 3, must be 2}}
  %y = lm.attention %q, %q, %q at %p state @kv[%c] heads 1 scale 0.5 : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, i32, index) -> tensor<3x4xf32>
  return
}

// -----

lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32
func.func @f(%q: tensor<2x4xf32>, %p: i32, %c: index) {
  // expected-error@below {{number of result channels is 8, must be 4}}
  %y = lm.attention %q, %q, %q at %p state @kv[%c] heads 1 scale 0.5 : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, i32, index) -> tensor<2x8xf32>
  return
}

// -----

// expected-error@below {{'lm.entry' must be a #lm.entry on a function}}
func.func private @entry_of_words() attributes {lm.entry = "prefill"}

// -----

// expected-error@below {{entry: 0 rows are not positive}}
func.func private @no_rows() attributes {lm.entry = #lm.entry<prefill, rows = 0>}

// -----

// expected-error@below {{entry: decode has one row, not 2}}
func.func private @two_rows() attributes {lm.entry = #lm.entry<decode, rows = 2>}
