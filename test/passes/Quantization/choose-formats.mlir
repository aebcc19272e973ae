// RUN: llmc-opt %s --llmc-choose-formats=recipe=w4a8 | FileCheck %s
// RUN: llmc-opt %s --llmc-choose-formats=recipe=w4a8-g32-all | FileCheck %s --check-prefix=ALL
// RUN: llmc-opt %s --llmc-choose-formats=recipe=%S/roles.json | FileCheck %s --check-prefix=FILE

// The embedding is tied to the head.
// CHECK: lm.weight @embed {{.*}} format <i8, group = 0, scale = f32>
// ALL: lm.weight @embed {{.*}} format <i4, group = 32, scale = f16>
// FILE: lm.weight @embed {{.*}} format <i8, group = 0, scale = f32>
lm.weight @embed : tensor<8x4xf32> = dense<1.0> : tensor<8x4xf32>

// CHECK: lm.weight @norm : tensor<4xf32> = dense<1.000000e+00> : tensor<4xf32>{{$}}
lm.weight @norm : tensor<4xf32> = dense<1.0> : tensor<4xf32>

// CHECK: lm.weight @q {{.*}} format <i4, group = 16, scale = multiplier>
// ALL: lm.weight @q {{.*}} format <i4, group = 32, scale = f16>
// FILE: lm.weight @q {{.*}} format <i4, group = 64, scale = f16>
lm.weight @q : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
// FILE: lm.weight @k {{.*}} format <i4, group = 64, scale = f16>
lm.weight @k : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
// FILE: lm.weight @v {{.*}} format <i8, group = 0, scale = f32>
lm.weight @v : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
// FILE: lm.weight @o {{.*}} format <i4, group = 64, scale = f16>
lm.weight @o : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
// CHECK: lm.weight @gate {{.*}} format <i4, group = 16, scale = multiplier>
// FILE: lm.weight @gate {{.*}} format <i4, group = 32, scale = multiplier>
lm.weight @gate : tensor<6x4xf32> = dense<1.0> : tensor<6x4xf32>
// FILE: lm.weight @down {{.*}} format <i4, group = 32, scale = multiplier>
lm.weight @down : tensor<4x6xf32> = dense<1.0> : tensor<4x6xf32>

lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32

// CHECK-LABEL: func.func @main
// CHECK: lm.embed
// CHECK: lm.linear
// CHECK: lm.attention
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
