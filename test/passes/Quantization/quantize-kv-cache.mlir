// RUN: llmc-opt %s --llmc-quantize-kv-cache | FileCheck %s

// CHECK: lm.kv_state @kv layers 2 kv_heads 1 head_dim 4 capacity 8 of f16
lm.kv_state @kv layers 2 kv_heads 1 head_dim 4 capacity 8 of f32

// The rotation is rounded, not what is rotated; a value that serves twice is rounded once.
// CHECK-LABEL: func.func @round
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>, %[[POSITION:.*]]: i32)
func.func @round(%x: tensor<?x4xf32>, %position: i32) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[V:.*]] = lm.round_f16 %[[X]] : (tensor<?x4xf32>) -> tensor<?x4xf16>
  // CHECK: %[[ROTATED:.*]] = lm.rope %[[X]]
  // CHECK-NEXT: %[[Q:.*]] = lm.round_f16 %[[ROTATED]]
  // CHECK-NOT: lm.round_f16
  // CHECK: lm.attention %[[Q]], %[[Q]], %[[V]] {{.*}} : (tensor<?x4xf16>, tensor<?x4xf16>, tensor<?x4xf16>, i32, index) -> tensor<?x4xf32>
  %layer = arith.constant 0 : index
  %q = lm.rope %x at %position heads 1 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<?x4xf32>, i32) -> tensor<?x4xf32>
  %a = lm.attention %q, %q, %x at %position state @kv[%layer] heads 1 scale 0.5 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  return %a : tensor<?x4xf32>
}
