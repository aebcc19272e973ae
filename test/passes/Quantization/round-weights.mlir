// RUN: llmc-opt %s --llmc-collect-weight-statistics --llmc-round-weights | FileCheck %s
// RUN: llmc-opt %s --llmc-round-weights --mlir-disable-threading | FileCheck %s --check-prefix=SERIAL

// One scale a row; embedding and head read one table.
// CHECK: lm.weight @tied : tensor<2x4xi8> = dense<{{\[}}[127, -127, 64, 0], [0, 0, 0, 0]]> : tensor<2x4xi8>
// CHECK-SAME: lm.rounding = {clamped_elements = 0 : i64, format = #lm.format<i8, group = 0, scale = f32>, squared_error = 2.500000e-01 : f64, subnormal_scales = 0 : i64, zero_groups = 1 : i64, zero_scales = 0 : i64}
// CHECK-SAME: lm.statistics = {abs_max = 1.270000e+02 : f64
// CHECK-NEXT: lm.weight @tied.scales : tensor<2xf32> = dense<1.000000e+00> : tensor<2xf32>{{$}}
lm.weight @tied : tensor<2x4xf32> = dense<[[127.0, -127.0, 63.5, 0.0], [0.0, 0.0, 0.0, 0.0]]> : tensor<2x4xf32> format <i8, group = 0, scale = f32>

// fp16 scales, the last group is short.
// CHECK-NEXT: lm.weight @grouped : tensor<2x3xi8> = dense<{{\[}}[7, -3, 7], [4, 7, -7]]>
// CHECK-SAME: squared_error = 0.000000e+00
// CHECK-NEXT: lm.weight @grouped.scales : tensor<2x2xf16> = dense<{{\[}}[1.000000e+00, 5.000000e-01], [2.000000e+00, 1.000000e+00]]>
lm.weight @grouped : tensor<2x3xf32> = dense<[[7.0, -3.0, 3.5], [8.0, 14.0, -7.0]]> : tensor<2x3xf32> format <i4, group = 2, scale = f16>

// Multipliers: r = 16/16, m = 16 and 4. The view is transposed.
// CHECK-NEXT: lm.weight @multiplied : tensor<2x4xi8> = dense<{{\[}}[7, -7, 7, 1], [7, 7, 7, 7]]>
// CHECK-NEXT: lm.weight @multiplied.scales : tensor<2xf32> = dense<[1.000000e+00, 6.250000e-02]>
// CHECK-NEXT: lm.weight @multiplied.multipliers : tensor<2x2xi8> = dense<{{\[}}[16, 4], [16, 16]]>
lm.weight @multiplied : tensor<2x4xf32> = dense<[[112.0, 7.0], [-112.0, 7.0], [28.0, 7.0], [4.0, 7.0]]> : tensor<4x2xf32> view offset 0 strides [1, 2] format <i4, group = 2, scale = multiplier>

// Halves are rounded as the numbers they are.
// CHECK-NEXT: lm.weight @halves : tensor<2x3xi8> = dense<{{\[}}[7, -3, 7], [4, 7, -7]]>
// CHECK-SAME: squared_error = 0.000000e+00
// CHECK-NEXT: lm.weight @halves.scales : tensor<2x2xf16> = dense<{{\[}}[1.000000e+00, 5.000000e-01], [2.000000e+00, 1.000000e+00]]>
lm.weight @halves : tensor<2x3xf32> = dense<[[7.0, 8.0], [-3.0, 14.0], [3.5, -7.0]]> : tensor<3x2xf16> view offset 0 strides [1, 2] format <i4, group = 2, scale = f16>
// CHECK-NEXT: lm.weight @brains : tensor<1x4xi8> = dense<{{\[\[}}127, -127, 64, 0]]> : tensor<1x4xi8>
// CHECK: lm.weight @brains.scales : tensor<1xf32> = dense<1.000000e+00>
lm.weight @brains : tensor<1x4xf32> = dense<[[127.0, -127.0, 63.5, 0.0]]> : tensor<1x4xbf16> format <i8, group = 0, scale = f32>

// A weight without a format stays.
// CHECK: lm.weight @norm : tensor<4xf32> = dense<1.000000e+00>
lm.weight @norm : tensor<4xf32> = dense<1.0> : tensor<4xf32>

// What is stored as a resource becomes resources.
// CHECK: lm.weight @resource : tensor<1x2xi8> = dense_resource<resource> : tensor<1x2xi8>
// CHECK-NEXT: lm.weight @resource.scales : tensor<1xf32> = dense_resource<resource.scales> : tensor<1xf32>
lm.weight @resource : tensor<1x2xf32> = dense_resource<file> : tensor<1x2xf32> format <i8, group = 0, scale = f32>

// CHECK-LABEL: func.func @tied_table
// CHECK-DAG: %[[TABLE:.*]] = lm.get @tied : tensor<2x4xi8>
// CHECK-DAG: %[[SCALES:.*]] = lm.get @tied.scales : tensor<2xf32>
// CHECK: %[[X:.*]] = lm.quantized_embed %{{.*}}, %[[TABLE]], %[[SCALES]] <i8, group = 0, scale = f32> : (tensor<?xi32>, tensor<2x4xi8>, tensor<2xf32>) -> tensor<?x4xf32>
// CHECK-NEXT: %[[Q:.*]], %[[S:.*]] = lm.quantize_rows %[[X]] : (tensor<?x4xf32>) -> (tensor<?x4xi8>, tensor<?xf32>)
// CHECK-NEXT: %[[Y:.*]] = lm.quantized_linear %[[Q]], %[[S]], %[[TABLE]], %[[SCALES]] <i8, group = 0, scale = f32> : (tensor<?x4xi8>, tensor<?xf32>, tensor<2x4xi8>, tensor<2xf32>) -> tensor<?x2xf32>
// CHECK-NEXT: return %[[Y]]
// SERIAL-LABEL: func.func @tied_table
// SERIAL: lm.quantized_linear
func.func @tied_table(%ids: tensor<?xi32>) -> tensor<?x2xf32> {
  %table = lm.get @tied : tensor<2x4xf32>
  %x = lm.embed %ids, %table : (tensor<?xi32>, tensor<2x4xf32>) -> tensor<?x4xf32>
  %y = lm.linear %x, %table : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// Two layers on one value: it is quantized once, right after it is computed. The bias stays.
// CHECK-LABEL: func.func @shared_rows
// CHECK: %[[X:.*]] = lm.rms_norm
// CHECK-NEXT: %[[Q:.*]], %[[S:.*]] = lm.quantize_rows %[[X]]
// CHECK-NOT: lm.quantize_rows
// CHECK: lm.quantized_linear %[[Q]], %[[S]], %{{.*}}, %{{.*}} multipliers %{{.*}} bias %{{.*}} <i4, group = 2, scale = multiplier> : (tensor<2x4xi8>, tensor<2xf32>, tensor<2x4xi8>, tensor<2xf32>, tensor<2x2xi8>, tensor<2xf32>) -> tensor<2x2xf32>
// CHECK: lm.quantized_linear %[[Q]], %[[S]], %{{.*}}, %{{.*}} multipliers
func.func @shared_rows(%x: tensor<2x4xf32>, %bias: tensor<2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %norm = lm.get @norm : tensor<4xf32>
  %normed = lm.rms_norm %x, %norm epsilon 1.0e-5 : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %w = lm.get @multiplied : tensor<2x4xf32>
  %y = lm.linear %normed, %w, %bias : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %again = lm.get @multiplied : tensor<2x4xf32>
  %z = lm.linear %normed, %again : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x2xf32>
  return %y, %z : tensor<2x2xf32>, tensor<2x2xf32>
}

// Quantizations that the graph brings are merged.
// CHECK-LABEL: func.func @merged_rows
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>
// CHECK-NEXT: %[[Q:.*]], %[[S:.*]] = lm.quantize_rows %[[X]]
// CHECK-NEXT: return %[[Q]], %[[Q]], %[[S]]
func.func @merged_rows(%x: tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2x4xi8>, tensor<2xf32>) {
  %q0, %s0 = lm.quantize_rows %x : (tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2xf32>)
  %q1, %s1 = lm.quantize_rows %x : (tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2xf32>)
  return %q0, %q1, %s1 : tensor<2x4xi8>, tensor<2x4xi8>, tensor<2xf32>
}

// The alignment in four bytes, then the data.
// CHECK: resource: "0x010000007F81"
// CHECK-NEXT: resource.scales: "0x0400000000000040"
{-#
  dialect_resources: {
    builtin: {
      file: "0x0400000000007E4300007EC3"
    }
  }
#-}
