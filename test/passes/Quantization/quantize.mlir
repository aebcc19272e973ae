// RUN: llmc-opt %s --llmc-quantize=recipe=w4a8-m32 | FileCheck %s
// RUN: llmc-opt %s --llmc-quantize=recipe=w4a8-m32 | llmc-opt --llmc-quantize=recipe=keep | FileCheck %s
// RUN: not llmc-opt %s --llmc-quantize=recipe=w4 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// A quantized program passes `keep` unchanged.
// UNKNOWN: unknown recipe 'w4'; known are w8a8,

// CHECK-NOT: xf32> format
// CHECK: lm.kv_state @kv {{.*}} of f16
// CHECK-LABEL: func.func @main
// CHECK-NOT: lm.embed
// CHECK-NOT: lm.linear
// CHECK: %[[X:.*]] = lm.quantized_embed {{.*}} <i8, group = 0, scale = f32>
// CHECK-NEXT: %[[XQ:.*]], %[[XS:.*]] = lm.quantize_rows %[[X]]
// CHECK: %[[Q:.*]] = lm.quantized_linear %[[XQ]], %[[XS]], {{.*}} <i4, group = 32, scale = multiplier>
// CHECK: %[[K:.*]] = lm.quantized_linear %[[XQ]], %[[XS]],
// CHECK-NEXT: %[[KH:.*]] = lm.round_f16 %[[K]]
// CHECK: %[[V:.*]] = lm.quantized_linear %[[XQ]], %[[XS]],
// CHECK-NEXT: %[[VH:.*]] = lm.round_f16 %[[V]]
// CHECK: %[[R:.*]] = lm.rope %[[Q]]
// CHECK-NEXT: %[[QH:.*]] = lm.round_f16 %[[R]]
// CHECK: %[[A:.*]] = lm.attention %[[QH]], %[[KH]], %[[VH]]
// CHECK-NEXT: lm.quantize_rows %[[A]]
// CHECK: lm.add {{.*}} : tensor<?x4xf32>
// CHECK: lm.gated_act silu {{.*}} : tensor<?x6xf32>
// CHECK: lm.quantized_linear {{.*}} <i8, group = 0, scale = f32> {{.*}} -> tensor<?x8xf32>
// CHECK-NEXT: return

lm.weight @embed : tensor<8x4xf32> = dense<1.0> : tensor<8x4xf32>
lm.weight @q : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @k : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @v : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @o : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
lm.weight @gate : tensor<6x4xf32> = dense<1.0> : tensor<6x4xf32>
lm.weight @down : tensor<4x6xf32> = dense<1.0> : tensor<4x6xf32>
lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32

func.func @main(%ids: tensor<?xi32>, %position: i32) -> tensor<?x8xf32> {
  %embed = lm.get @embed : tensor<8x4xf32>
  %x = lm.embed %ids, %embed : (tensor<?xi32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  %wq = lm.get @q : tensor<4x4xf32>
  %wk = lm.get @k : tensor<4x4xf32>
  %wv = lm.get @v : tensor<4x4xf32>
  %wo = lm.get @o : tensor<4x4xf32>
  %wgate = lm.get @gate : tensor<6x4xf32>
  %wdown = lm.get @down : tensor<4x6xf32>
  %layer = arith.constant 0 : index
  %q = lm.linear %x, %wq : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %k = lm.linear %x, %wk : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %v = lm.linear %x, %wv : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %rotated = lm.rope %q at %position heads 1 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<?x4xf32>, i32) -> tensor<?x4xf32>
  %a = lm.attention %rotated, %k, %v at %position state @kv[%layer] heads 1 scale 0.5 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i32, index) -> tensor<?x4xf32>
  %o = lm.linear %a, %wo : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %h = lm.add %x, %o : tensor<?x4xf32>
  %g = lm.linear %h, %wgate : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
  %act = lm.gated_act silu %g, %g : tensor<?x6xf32>
  %d = lm.linear %act, %wdown : (tensor<?x6xf32>, tensor<4x6xf32>) -> tensor<?x4xf32>
  %sum = lm.add %h, %d : tensor<?x4xf32>
  %logits = lm.linear %sum, %embed : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  return %logits : tensor<?x8xf32>
}
