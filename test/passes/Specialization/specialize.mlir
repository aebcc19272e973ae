// RUN: llmc-opt %s --llmc-specialize --split-input-file | FileCheck %s
// RUN: llmc-opt %s --llmc-specialize="chunks=16 head-rows=2" --split-input-file | FileCheck %s --check-prefix=OPTIONS

// Two equal layers become one function; entries share it, one for every number of rows.

// The capacity is rounded up to the largest chunk.
// CHECK: lm.kv_state @kv layers 2 kv_heads 1 head_dim 4 capacity 24 of f32
// OPTIONS: lm.kv_state @kv layers 2 kv_heads 1 head_dim 4 capacity 32 of f32
// CHECK-NOT: @main

// CHECK: func.func private @layer_0_rows_8(%[[H:.*]]: tensor<8x4xf32>, %[[POSITION:.*]]: i32, %[[LAYER:.*]]: index, %[[WEIGHT:.*]]: tensor<4x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[Q:.*]] = lm.linear %[[H]], %[[WEIGHT]] : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[A:.*]] = lm.attention %[[Q]], %[[Q]], %[[Q]] at %[[POSITION]] state @kv[%[[LAYER]]]
// CHECK-NEXT: %[[SUM:.*]] = lm.add %[[H]], %[[A]]
// CHECK-NEXT: return %[[SUM]]
// CHECK: func.func @prefill_8(%[[IDS:.*]]: tensor<8xi32>, %[[POSITION:.*]]: i32) -> tensor<8x4xf32> attributes {lm.entry = #lm.entry<prefill, rows = 8>}
// CHECK: %[[X:.*]] = lm.embed %[[IDS]]
// CHECK-NEXT: %[[Y:.*]] = lm.repeat @layer_0_rows_8(%[[X]], %[[POSITION]]) first 0 bindings {{\[\[}}@w0, @w1]]
// CHECK-NEXT: return %[[Y]] : tensor<8x4xf32>
// CHECK: func.func private @layer_0_rows_1(
// CHECK: func.func @decode(%{{.*}}: tensor<1xi32>, %{{.*}}: i32) -> tensor<1x4xf32> attributes {lm.entry = #lm.entry<decode, rows = 1>}
// CHECK: func.func @head_4(%[[H:.*]]: tensor<4x4xf32>) -> tensor<4x8xf32> attributes {lm.entry = #lm.entry<head, rows = 4>}
// CHECK: lm.linear %[[H]]
// CHECK: func.func @head_1(%{{.*}}: tensor<1x4xf32>) -> tensor<1x8xf32>

// OPTIONS: @prefill_16
// OPTIONS: @decode
// OPTIONS: @head_2
// OPTIONS: @head_1
module attributes {npu.target = #npu.target<"tiny", sram_bytes = 65536, alignment = 16, row_granule = 16, record_alignment = 16, chunks = [8, 1], head_rows = 4>} {
lm.weight @embed : tensor<8x4xf32> = dense<1.0> : tensor<8x4xf32>
lm.weight @w0 : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @w1 : tensor<4x4xf32> = dense<2.0> : tensor<4x4xf32>
lm.kv_state @kv layers 2 kv_heads 1 head_dim 4 capacity 20 of f32
func.func @main(%ids: tensor<?xi32>, %position: i32) -> tensor<?x8xf32> {
  %embed = lm.get @embed : tensor<8x4xf32>
  %x = lm.embed %ids, %embed : (tensor<?xi32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  %w0 = lm.get @w0 : tensor<4x4xf32>
  %q0 = lm.linear %x, %w0 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %c0 = arith.constant 0 : index
  %a0 = lm.attention %q0, %q0, %q0 at %position state @kv[%c0] heads 1 scale 0.5 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  %h0 = lm.add %x, %a0 : tensor<?x4xf32>
  %w1 = lm.get @w1 : tensor<4x4xf32>
  %q1 = lm.linear %h0, %w1 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %c1 = arith.constant 1 : index
  %a1 = lm.attention %q1, %q1, %q1 at %position state @kv[%c1] heads 1 scale 0.5 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  %h1 = lm.add %h0, %a1 : tensor<?x4xf32>
  %logits = lm.linear %h1, %embed : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  return %logits : tensor<?x8xf32>
}
}

// -----

// Layers that differ, here in the scale, are functions of their own; one weight read twice is one argument.

// CHECK: func.func private @layer_0_rows_1(%{{.*}}: tensor<1x4xf32>, %{{.*}}: i32, %{{.*}}: index, %{{[^,]*}}: tensor<4x4xf32>) ->
// CHECK: lm.attention {{.*}} scale 5.000000e-01
// CHECK: func.func private @layer_1_rows_1(
// CHECK: lm.attention {{.*}} scale 2.500000e-01
// CHECK: func.func @decode
// CHECK: lm.repeat @layer_0_rows_1({{.*}}) first 0 bindings {{\[\[}}@w]]
// CHECK-NEXT: lm.repeat @layer_1_rows_1({{.*}}) first 1 bindings {{\[\[}}@w]]
// CHECK: func.func @head_1
lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.kv_state @kv layers 2 kv_heads 1 head_dim 4 capacity 20 of f32
func.func @main(%ids: tensor<?xi32>, %position: i32) -> tensor<?x4xf32> {
  %w = lm.get @w : tensor<4x4xf32>
  %x = lm.embed %ids, %w : (tensor<?xi32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %again = lm.get @w : tensor<4x4xf32>
  %q0 = lm.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %k0 = lm.linear %x, %again : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %c0 = arith.constant 0 : index
  %a0 = lm.attention %q0, %k0, %k0 at %position state @kv[%c0] heads 1 scale 0.5 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  %h0 = lm.add %x, %a0 : tensor<?x4xf32>
  %q1 = lm.linear %h0, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %k1 = lm.linear %h0, %again : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %c1 = arith.constant 1 : index
  %a1 = lm.attention %q1, %k1, %k1 at %position state @kv[%c1] heads 1 scale 0.25 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  %h1 = lm.add %h0, %a1 : tensor<?x4xf32>
  %logits = lm.linear %h1, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %logits : tensor<?x4xf32>
}
