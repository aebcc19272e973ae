// RUN: llmc-opt %s --llmc-finish-program | FileCheck %s

// Roles name the weights, in the order of first use; what nothing reads is gone; the head shares the
// table's bytes and so its symbol. The residual is the first operand of a sum; layers count from 0.
// CHECK-NOT: unused
// CHECK: lm.weight @embed
// CHECK-NEXT: lm.weight @layers.0.attn_norm
// CHECK-NEXT: lm.weight @layers.0.q
// CHECK-NEXT: lm.weight @layers.0.k
// CHECK-NEXT: lm.weight @layers.0.v
// CHECK-NEXT: lm.weight @layers.0.o
// CHECK-NEXT: lm.weight @final_norm
// CHECK-NEXT: lm.kv_state @kv layers 1
// CHECK-NEXT: func.func @main(%arg0: tensor<?xi32>, %arg1: i32) -> tensor<?x3xf32> {
// CHECK-NEXT: %[[T:.*]] = lm.get @embed
// CHECK-NEXT: %[[E:.*]] = lm.embed %arg0, %[[T]]
// CHECK-NEXT: lm.get @layers.0.attn_norm
// CHECK-NEXT: %[[N:.*]] = lm.rms_norm
// CHECK-NEXT: lm.get @layers.0.q
// CHECK-NEXT: %[[Q:.*]] = lm.linear %[[N]]
// CHECK-NEXT: lm.get @layers.0.k
// CHECK-NEXT: %[[K:.*]] = lm.linear %[[N]]
// CHECK-NEXT: lm.get @layers.0.v
// CHECK-NEXT: %[[V:.*]] = lm.linear %[[N]]
// CHECK-NEXT: %[[L:.*]] = arith.constant 0 : index
// CHECK-NEXT: %[[A:.*]] = lm.attention %[[Q]], %[[K]], %[[V]] at %arg1 state @kv[%[[L]]]
// CHECK-NEXT: lm.get @layers.0.o
// CHECK-NEXT: %[[O:.*]] = lm.linear %[[A]]
// CHECK-NEXT: %[[S:.*]] = lm.add %[[E]], %[[O]]
// CHECK-NEXT: lm.get @final_norm
// CHECK-NEXT: %[[F:.*]] = lm.rms_norm %[[S]]
// CHECK-NEXT: %[[H:.*]] = lm.linear %[[F]], %[[T]]
// CHECK-NEXT: return %[[H]]
lm.weight @d : tensor<2x2xf32> = dense<4.0> : tensor<2x2xf32>
lm.weight @a : tensor<3x2xf32> = dense_resource<table> : tensor<3x2xf32>
lm.weight @unused : tensor<2x2xf32> = dense<9.0> : tensor<2x2xf32>
lm.weight @n1 : tensor<2xf32> = dense<1.0> : tensor<2xf32>
lm.weight @n2 : tensor<2xf32> = dense<2.0> : tensor<2xf32>
lm.weight @b : tensor<2x2xf32> = dense<2.0> : tensor<2x2xf32>
lm.weight @c : tensor<2x2xf32> = dense<3.0> : tensor<2x2xf32>
lm.weight @o : tensor<2x2xf32> = dense<5.0> : tensor<2x2xf32>
lm.weight @h : tensor<3x2xf32> = dense_resource<table> : tensor<3x2xf32> view offset 0 strides [2, 1]
lm.kv_state @kv layers 1 kv_heads 1 head_dim 2 capacity 8 of f32
func.func @main(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
    %ids: tensor<?x?xi64> {lm.role = "ids", lm.name = "input_ids"}) -> (tensor<*xf32> {lm.name = "logits"}) {
  %layer = arith.constant 5 : index
  %head = lm.get @h : tensor<3x2xf32>
  %wv = lm.get @d : tensor<2x2xf32>
  %table = lm.get @a : tensor<3x2xf32>
  %n1 = lm.get @n1 : tensor<2xf32>
  %n2 = lm.get @n2 : tensor<2xf32>
  %wk = lm.get @c : tensor<2x2xf32>
  %wq = lm.get @b : tensor<2x2xf32>
  %wo = lm.get @o : tensor<2x2xf32>
  %e = lm.embed %tokens, %table : (tensor<?xi32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %n = lm.rms_norm %e, %n1 epsilon 1.0e-5 : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %v = lm.linear %n, %wv : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %k = lm.linear %n, %wk : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %q = lm.linear %n, %wq : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %a = lm.attention %q, %k, %v at %pos state @kv[%layer] heads 1 scale 1.0
      : (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, i32, index) -> tensor<?x2xf32>
  %o = lm.linear %a, %wo : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %s = lm.add %o, %e : tensor<?x2xf32>
  %f = lm.rms_norm %s, %n2 epsilon 1.0e-5 : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %logits = lm.linear %f, %head : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
  %r = builtin.unrealized_conversion_cast %logits : tensor<?x3xf32> to tensor<*xf32>
  return %r : tensor<*xf32>
}

{-#
  dialect_resources: {
    builtin: {
      table: "0x040000000000803F0000004000004040000080400000A0400000C040"
    }
  }
#-}
