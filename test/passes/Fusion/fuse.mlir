// RUN: llmc-opt %s --llmc-fuse --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @norm_and_quantize
func.func @norm_and_quantize(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> (tensor<2x4xi8>, tensor<2xf32>) {
  // CHECK-NEXT: %[[G:.*]]:2 = lm.group 0 -> tensor<2x4xi8>, tensor<2xf32> {
  // CHECK-NEXT: %[[N:.*]] = lm.rms_norm
  // CHECK-NEXT: %[[Q:.*]], %[[S:.*]] = lm.quantize_rows %[[N]]
  // CHECK-NEXT: lm.yield %[[Q]], %[[S]]
  // CHECK-NEXT: }
  // CHECK-NEXT: return %[[G]]#0, %[[G]]#1
  %n = lm.rms_norm %x, %w epsilon 1.0e-5 : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %q, %s = lm.quantize_rows %n : (tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2xf32>)
  return %q, %s : tensor<2x4xi8>, tensor<2xf32>
}

// A norm that others read stays outside.
// CHECK-LABEL: func.func @norm_read_twice
func.func @norm_read_twice(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> (tensor<2x4xi8>, tensor<2x4xf32>) {
  // CHECK-NOT: lm.group
  %n = lm.rms_norm %x, %w epsilon 1.0e-5 : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %q, %s = lm.quantize_rows %n : (tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2xf32>)
  return %q, %n : tensor<2x4xi8>, tensor<2x4xf32>
}

// CHECK-LABEL: func.func @rotation_and_rounding
func.func @rotation_and_rounding(%x: tensor<2x4xf32>, %position: i32) -> tensor<2x4xf16> {
  // CHECK: lm.group 0 -> tensor<2x4xf16> {
  // CHECK-NEXT: %[[R:.*]] = lm.rope
  // CHECK-NEXT: lm.round_f16 %[[R]]
  %r = lm.rope %x at %position heads 1 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  %h = lm.round_f16 %r : (tensor<2x4xf32>) -> tensor<2x4xf16>
  return %h : tensor<2x4xf16>
}

// The rotation has another reader.
// CHECK-LABEL: func.func @rotation_read_twice
func.func @rotation_read_twice(%x: tensor<2x4xf32>, %position: i32) -> (tensor<2x4xf16>, tensor<2x4xf32>) {
  // CHECK-NOT: lm.group
  %r = lm.rope %x at %position heads 1 formula <base = 10000.0 : f64, dim = 4, scaling = 1.0 : f32> : (tensor<2x4xf32>, i32) -> tensor<2x4xf32>
  %h = lm.round_f16 %r : (tensor<2x4xf32>) -> tensor<2x4xf16>
  return %h, %r : tensor<2x4xf16>, tensor<2x4xf32>
}

// Producers keep their order, here up before gate; groups are numbered.
// CHECK-LABEL: func.func @gated
func.func @gated(%x: tensor<2x4xf32>, %w: tensor<4x4xf32>, %v: tensor<4x4xf32>) -> (tensor<2x4xf16>, tensor<2x4xf32>) {
  // CHECK: lm.group 0 -> tensor<2x4xf32> {
  // CHECK-NEXT: %[[U:.*]] = lm.linear %{{.*}}, %[[V:.*]] :
  // CHECK-NEXT: %[[G:.*]] = lm.linear
  // CHECK-NEXT: lm.gated_act silu %[[G]], %[[U]]
  // CHECK-NOT: lm.group
  %up = lm.linear %x, %v : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  %gate = lm.linear %x, %w : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  %y = lm.gated_act silu %gate, %up : tensor<2x4xf32>
  %h = lm.round_f16 %y : (tensor<2x4xf32>) -> tensor<2x4xf16>
  return %h, %y : tensor<2x4xf16>, tensor<2x4xf32>
}

// One linear layer in both places is used twice.
// CHECK-LABEL: func.func @gate_is_up
func.func @gate_is_up(%x: tensor<2x4xf32>, %w: tensor<4x4xf32>) -> tensor<2x4xf32> {
  // CHECK-NOT: lm.group
  %g = lm.linear %x, %w : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  %y = lm.gated_act silu %g, %g : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// CHECK-LABEL: func.func @two_groups
func.func @two_groups(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> (tensor<2x4xi8>, tensor<2x4xi8>) {
  // CHECK: lm.group 0
  // CHECK: lm.group 1
  %n = lm.rms_norm %x, %w epsilon 1.0e-5 : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %q, %s = lm.quantize_rows %n : (tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2xf32>)
  %m = lm.rms_norm %x, %w epsilon 1.0e-6 : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %p, %t = lm.quantize_rows %m : (tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2xf32>)
  return %q, %p : tensor<2x4xi8>, tensor<2x4xi8>
}

// CHECK-LABEL: func.func private @declared
func.func private @declared(tensor<2x4xf32>)
