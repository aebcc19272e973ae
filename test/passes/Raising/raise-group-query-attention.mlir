// RUN: llmc-opt %s --llmc-raise-group-query-attention=context=8 | FileCheck %s

// The packed layer becomes three, on views of its rows; the tables follow no formula and stay.
// CHECK-DAG: lm.weight @[[Q:qkv_.*]] : tensor<8x4xf32> = dense<{{.*}}> : tensor<4x16xf32> view offset 0 strides [1, 16]
// CHECK-DAG: lm.weight @[[K:qkv_.*]] : tensor<4x4xf32> = dense<{{.*}}> : tensor<4x16xf32> view offset 8 strides [1, 16]
// CHECK-DAG: lm.weight @[[V:qkv_.*]] : tensor<4x4xf32> = dense<{{.*}}> : tensor<4x16xf32> view offset 12 strides [1, 16]
// CHECK: lm.kv_state @kv layers 1 kv_heads 1 head_dim 4 capacity 8 of f32
// CHECK: func.func @packed(
// CHECK: %[[X:.*]] = lm.embed
// CHECK: %[[WQ:.*]] = lm.get @[[Q]]
// CHECK: %[[LQ:.*]] = lm.linear %[[X]], %[[WQ]]
// CHECK: %[[WK:.*]] = lm.get @[[K]]
// CHECK: %[[LK:.*]] = lm.linear %[[X]], %[[WK]]
// CHECK: %[[WV:.*]] = lm.get @[[V]]
// CHECK: %[[LV:.*]] = lm.linear %[[X]], %[[WV]]
// CHECK: %[[RQ:.*]] = lm.rope %[[LQ]] at %arg1 table %{{.*}}, %{{.*}} heads 2
// CHECK: %[[RK:.*]] = lm.rope %[[LK]] at %arg1 table %{{.*}}, %{{.*}} heads 1
// CHECK: lm.attention %[[RQ]], %[[RK]], %[[LV]] at %arg1 state @kv[%{{.*}}] heads 2 scale 5.000000e-01
// CHECK-NOT: lm.opaque
lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @qkv : tensor<16x4xf32> = dense<1.0> : tensor<4x16xf32> view offset 0 strides [1, 16]
lm.weight @cos : tensor<8x2xf32> = dense<1.0> : tensor<8x2xf32>
lm.weight @sin : tensor<8x2xf32> = dense<0.0> : tensor<8x2xf32>
lm.weight @one : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @two : tensor<1xi64> = dense<2> : tensor<1xi64>
lm.weight @index : tensor<i64> = dense<1> : tensor<i64>
func.func @packed(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
    %mask: tensor<?x?xi64> {lm.role = "mask"}, %past_k: tensor<?x1x?x?xf32> {lm.role = "past", lm.name = "past_key_values.0.key"},
    %past_v: tensor<?x1x?x?xf32> {lm.role = "past", lm.name = "past_key_values.0.value"})
    -> (tensor<*xf32>, tensor<*xf32> {lm.name = "present.0.key"}, tensor<*xf32> {lm.name = "present.0.value"}) {
  %table = lm.get @table : tensor<3x4xf32>
  %qkv = lm.get @qkv : tensor<16x4xf32>
  %cos = lm.get @cos : tensor<8x2xf32>
  %sin = lm.get @sin : tensor<8x2xf32>
  %one = lm.get @one : tensor<1xi64>
  %two = lm.get @two : tensor<1xi64>
  %index = lm.get @index : tensor<i64>
  %none = lm.none
  %e = lm.embed %tokens, %table : (tensor<?xi32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  %l = lm.linear %e, %qkv : (tensor<?x4xf32>, tensor<16x4xf32>) -> tensor<?x16xf32>
  %packed = builtin.unrealized_conversion_cast %l : tensor<?x16xf32> to tensor<*xf32>
  %sum = lm.opaque "" "ReduceSum" version 22 name "sum"(%mask, %one) {keepdims = 0 : i64} : (tensor<?x?xi64>, tensor<1xi64>) -> tensor<*xi64>
  %last = lm.opaque "" "Sub" version 22 name "last"(%sum, %one) {} : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %lengths = lm.opaque "" "Cast" version 22 name "lengths"(%last) {to = 6 : i64} : (tensor<*xi64>) -> tensor<*xi32>
  %shape = lm.opaque "" "Shape" version 22 name "shape"(%mask) {} : (tensor<?x?xi64>) -> tensor<*xi64>
  %columns = lm.opaque "" "Gather" version 22 name "columns"(%shape, %index) {axis = 0 : i64} : (tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %total = lm.opaque "" "Cast" version 22 name "total"(%columns) {to = 6 : i64} : (tensor<*xi64>) -> tensor<*xi32>
  %o:3 = lm.opaque "com.microsoft" "GroupQueryAttention" version 1 name "attn"(%packed, %none, %none, %past_k, %past_v, %lengths, %total, %cos, %sin)
      {do_rotary = 1 : i64, kv_num_heads = 1 : i64, num_heads = 2 : i64, scale = 0.5 : f32}
      : (tensor<*xf32>, none, none, tensor<?x1x?x?xf32>, tensor<?x1x?x?xf32>, tensor<*xi32>, tensor<*xi32>, tensor<8x2xf32>, tensor<8x2xf32>)
      -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %o#0, %o#1, %o#2 : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}
