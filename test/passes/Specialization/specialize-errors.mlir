// RUN: llmc-opt %s --llmc-specialize --split-input-file --verify-diagnostics
// RUN: not llmc-opt %S/one-layer.mlir.in --llmc-specialize="chunks=0" 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not llmc-opt %S/one-layer.mlir.in --llmc-specialize="chunks=8,8" 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not llmc-opt %S/one-layer.mlir.in --llmc-specialize="head-rows=-1" 2>&1 | FileCheck %s --check-prefix=HEAD

// ZERO: error: chunk size 0 is not positive
// TWICE: error: chunk size 8 is given twice
// HEAD: error: -1 head rows are not positive

// expected-error@below {{llmc-specialize needs a function @main(tensor<?xi32>, i32) with one result of two dimensions, the logits; run llmc-raise first}}
module {
  func.func @other() { return }
}

// -----

// expected-error@below {{llmc-specialize needs a function @main(tensor<?xi32>, i32)}}
module {
  func.func private @main(tensor<?xi32>, i32) -> tensor<?x4xf32>
}

// -----

// expected-error@below {{llmc-specialize needs a function @main(tensor<?xi32>, i32)}}
module {
  func.func @main(%ids: tensor<?xi32>, %position: i64) -> tensor<?xi32> { return %ids : tensor<?xi32> }
}

// -----

lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
// expected-error@below {{found no lm.attention, so no layer to outline}}
func.func @main(%ids: tensor<?xi32>, %position: i32) -> tensor<?x4xf32> {
  %w = lm.get @w : tensor<4x4xf32>
  %x = lm.embed %ids, %w : (tensor<?xi32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %x : tensor<?x4xf32>
}

// -----

lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 20 of f32
func.func @main(%ids: tensor<?xi32>, %position: i32) -> tensor<?x4xf32> {
  %w = lm.get @w : tensor<4x4xf32>
  %x = lm.embed %ids, %w : (tensor<?xi32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %c = arith.constant 0 : index
  %a = lm.attention %x, %x, %x at %position state @kv[%c] heads 1 scale 0.5 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  // expected-error@below {{is not preceded by a place where the hidden state alone is live}}
  %b = lm.attention %a, %x, %x at %position state @kv[%c] heads 1 scale 0.5 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  %h = lm.add %x, %b : tensor<?x4xf32>
  return %h : tensor<?x4xf32>
}

// -----

lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 20 of f32
func.func @main(%ids: tensor<?xi32>, %position: i32) -> tensor<?x4xf32> {
  %w = lm.get @w : tensor<4x4xf32>
  %x = lm.embed %ids, %w : (tensor<?xi32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %c = arith.constant 0 : index
  // expected-error@below {{is followed by no residual addition that ends its layer}}
  %a = lm.attention %x, %x, %x at %position state @kv[%c] heads 1 scale 0.5 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  return %a : tensor<?x4xf32>
}

// -----

lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 20 of f32
func.func @main(%ids: tensor<?xi32>, %position: i32) -> tensor<?x4xf32> {
  %w = lm.get @w : tensor<4x4xf32>
  %x = lm.embed %ids, %w : (tensor<?xi32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %c = arith.index_cast %position : i32 to index
  // expected-error@below {{layer index must be a constant}}
  %a = lm.attention %x, %x, %x at %position state @kv[%c] heads 1 scale 0.5 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  %h = lm.add %x, %a : tensor<?x4xf32>
  return %h : tensor<?x4xf32>
}

// -----

lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 20 of f32
func.func @main(%ids: tensor<?xi32>, %position: i32) -> tensor<?x4xf32> {
  %w = lm.get @w : tensor<4x4xf32>
  %x = lm.embed %ids, %w : (tensor<?xi32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %c = arith.constant 0 : index
  %a = lm.attention %x, %x, %x at %position state @kv[%c] heads 1 scale 0.5 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  // expected-error@below {{reads argument 0 of @main in a layer, which knows only the hidden state and the position}}
  %e = lm.embed %ids, %w : (tensor<?xi32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %s = lm.add %a, %e : tensor<?x4xf32>
  %h = lm.add %x, %s : tensor<?x4xf32>
  return %h : tensor<?x4xf32>
}

// -----

lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 20 of f32
func.func @main(%ids: tensor<?xi32>, %position: i32) -> tensor<?x4xf32> {
  %w = lm.get @w : tensor<4x4xf32>
  %x = lm.embed %ids, %w : (tensor<?xi32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %c = arith.constant 0 : index
  %a = lm.attention %x, %x, %x at %position state @kv[%c] heads 1 scale 0.5 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  %h = lm.add %x, %a : tensor<?x4xf32>
  // expected-error@below {{reads argument 1 of @main in the head, which knows only the hidden state}}
  %r = lm.rope %h at %position heads 1 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<?x4xf32>, i32) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// -----

module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8], head_rows = 4>} {
lm.weight @w : tensor<5x4xf32> = dense<1.0> : tensor<5x4xf32>
lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 20 of f32
// expected-warning@below {{the vocabulary of 5 gives rows of logits that are no multiple of 16 bytes: the head computes one row at a time}}
func.func @main(%ids: tensor<?xi32>, %position: i32) -> tensor<?x5xf32> {
  %w = lm.get @w : tensor<5x4xf32>
  %x = lm.embed %ids, %w : (tensor<?xi32>, tensor<5x4xf32>) -> tensor<?x4xf32>
  %c = arith.constant 0 : index
  %a = lm.attention %x, %x, %x at %position state @kv[%c] heads 1 scale 0.5 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  %h = lm.add %x, %a : tensor<?x4xf32>
  %l = lm.linear %h, %w : (tensor<?x4xf32>, tensor<5x4xf32>) -> tensor<?x5xf32>
  return %l : tensor<?x5xf32>
}
}
