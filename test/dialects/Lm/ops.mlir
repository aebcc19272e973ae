// RUN: llmc-opt %s | llmc-opt | FileCheck %s

// Every operation and attribute of the dialect, printed and read again.

// CHECK: lm.weight @plain : tensor<4x4xf32> = dense<1.000000e+00> : tensor<4x4xf32>{{$}}
lm.weight @plain : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
// CHECK: lm.weight @view : tensor<4x2xf32> = dense<1.000000e+00> : tensor<2x4xf32> view offset 0 strides [1, 4]
lm.weight @view : tensor<4x2xf32> = dense<1.0> : tensor<2x4xf32> view offset 0 strides [1, 4]
// CHECK: lm.weight @widened : tensor<4x2xf32> = dense<1.000000e+00> : tensor<2x4xf16> view offset 0 strides [1, 4]
lm.weight @widened : tensor<4x2xf32> = dense<1.0> : tensor<2x4xf16> view offset 0 strides [1, 4]
// CHECK: lm.weight @chosen : tensor<4x4xf32> = dense<1.000000e+00> : tensor<4x4xf32> format <i4, group = 32, scale = multiplier>
lm.weight @chosen : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32> format <i4, group = 32, scale = multiplier>
// CHECK: lm.kv_state @kv layers 2 kv_heads 1 head_dim 4 capacity 8 of f16
lm.kv_state @kv layers 2 kv_heads 1 head_dim 4 capacity 8 of f16

// CHECK-LABEL: func.func @opaque
func.func @opaque(%x: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK: %[[NONE:.*]] = lm.none
  %none = lm.none
  // CHECK: lm.opaque "com.microsoft" "Gelu" version 1 name "act"(%{{.*}}, %[[NONE]]) {alpha = 1.000000e+00 : f32} : (tensor<2xf32>, none) -> tensor<2xf32>
  %y = lm.opaque "com.microsoft" "Gelu" version 1 name "act" (%x, %none) {alpha = 1.0 : f32} : (tensor<2xf32>, none) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// CHECK-LABEL: func.func @float
func.func @float(%ids: tensor<?xi32>, %position: i32, %bias: tensor<4xf32>, %table: tensor<8x2xf32>) -> tensor<?x4xf32> {
  // CHECK: lm.get @plain : tensor<4x4xf32>
  %w = lm.get @plain : tensor<4x4xf32>
  // CHECK: lm.embed %{{.*}}, %{{.*}} : (tensor<?xi32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %x = lm.embed %ids, %w : (tensor<?xi32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  // CHECK: lm.linear %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %y = lm.linear %x, %w, %bias : (tensor<?x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: lm.rms_norm %{{.*}}, %{{.*}} epsilon 9.99999974E-6
  %n = lm.rms_norm %y, %bias epsilon 1.0e-5 : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: lm.rope %{{.*}} at %{{.*}} heads 1 formula <base = 1.000000e+04 : f64, dim = 4, scaling = 1.000000e+00 : f32>
  %r = lm.rope %n at %position heads 1 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<?x4xf32>, i32) -> tensor<?x4xf32>
  // CHECK: lm.rope %{{.*}} at %{{.*}} table %{{.*}}, %{{.*}} heads 1 :
  %t = lm.rope %r at %position table %table, %table heads 1 : (tensor<?x4xf32>, i32, tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<?x4xf32>
  // CHECK: lm.round_f16 %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf16>
  %h = lm.round_f16 %t : (tensor<?x4xf32>) -> tensor<?x4xf16>
  %c = arith.constant 0 : index
  // CHECK: lm.attention %{{.*}}, %{{.*}}, %{{.*}} at %{{.*}} state @kv[%{{.*}}] heads 1 scale 5.000000e-01
  %a = lm.attention %h, %h, %h at %position state @kv[%c] heads 1 scale 0.5 : (tensor<?x4xf16>, tensor<?x4xf16>, tensor<?x4xf16>, i32, index) -> tensor<?x4xf32>
  // CHECK: lm.gated_act silu %{{.*}}, %{{.*}} : tensor<?x4xf32>
  %g = lm.gated_act silu %a, %x : tensor<?x4xf32>
  // CHECK: lm.add %{{.*}}, %{{.*}} : tensor<?x4xf32>
  %s = lm.add %g, %x : tensor<?x4xf32>
  return %s : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @quantized
func.func @quantized(%ids: tensor<2xi32>, %w: tensor<4x4xi8>, %s: tensor<4xf32>, %m: tensor<4x2xi8>) -> tensor<2x4xf32> {
  // CHECK: lm.quantized_embed %{{.*}}, %{{.*}}, %{{.*}} <i8, group = 0, scale = f32>
  %x = lm.quantized_embed %ids, %w, %s <i8, group = 0, scale = f32> : (tensor<2xi32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<2x4xf32>
  // CHECK: lm.quantized_embed %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} <i4, group = 2, scale = multiplier>
  %y = lm.quantized_embed %ids, %w, %s, %m <i4, group = 2, scale = multiplier> : (tensor<2xi32>, tensor<4x4xi8>, tensor<4xf32>, tensor<4x2xi8>) -> tensor<2x4xf32>
  // CHECK: lm.quantize_rows %{{.*}} : (tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2xf32>)
  %q, %qs = lm.quantize_rows %y : (tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2xf32>)
  // CHECK: lm.quantized_linear %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} multipliers %{{.*}} bias %{{.*}} <i4, group = 2, scale = multiplier>
  %z = lm.quantized_linear %q, %qs, %w, %s multipliers %m bias %s <i4, group = 2, scale = multiplier> : (tensor<2x4xi8>, tensor<2xf32>, tensor<4x4xi8>, tensor<4xf32>, tensor<4x2xi8>, tensor<4xf32>) -> tensor<2x4xf32>
  return %z : tensor<2x4xf32>
}

func.func private @layer(%h: tensor<2x4xf32>, %position: i32, %layer: index, %w: tensor<4x4xf32>) -> tensor<2x4xf32> {
  return %h : tensor<2x4xf32>
}

// CHECK-LABEL: func.func @structure
func.func @structure(%x: tensor<2x4xf32>, %position: i32) -> tensor<2x4xf32> {
  // CHECK: lm.repeat @layer(%{{.*}}, %{{.*}}) first 1 bindings {{\[\[}}@plain, @chosen]] : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  %y = lm.repeat @layer(%x, %position) first 1 bindings [[@plain, @chosen]] : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  // CHECK: lm.group 3 -> tensor<2x4xf32> {
  // CHECK: lm.yield %{{.*}} : tensor<2x4xf32>
  %z = lm.group 3 -> tensor<2x4xf32> {
    %a = lm.add %y, %y : tensor<2x4xf32>
    lm.yield %a : tensor<2x4xf32>
  }
  // CHECK: lm.group 4 {
  // CHECK-NEXT: }
  lm.group 4 {
  }
  return %z : tensor<2x4xf32>
}

// CHECK-LABEL: func.func private @formats
// CHECK-SAME: [#lm.format<i8, group = 0, scale = f32>, #lm.format<i3, group = 16, scale = f16>, #lm.format<i2, group = 16, scale = e8m0>, #lm.format<ternary, group = 16, scale = f16>
// CHECK-SAME: #lm.format<table16, group = 16, scale = f16>, #lm.format<e2m1, group = 16, scale = e8m0>, #lm.format<e4m3, group = 16, scale = f32>, #lm.format<e5m2, group = 16, scale = f32>]
func.func private @formats() attributes {all = [#lm.format<i8, group = 0, scale = f32>, #lm.format<i3, group = 16, scale = f16>, #lm.format<i2, group = 16, scale = e8m0>, #lm.format<ternary, group = 16, scale = f16>, #lm.format<table16, group = 16, scale = f16>, #lm.format<e2m1, group = 16, scale = e8m0>, #lm.format<e4m3, group = 16, scale = f32>, #lm.format<e5m2, group = 16, scale = f32>]}
