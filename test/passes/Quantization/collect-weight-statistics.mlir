// RUN: llmc-opt %s --llmc-collect-weight-statistics | FileCheck %s

// CHECK: lm.weight @matrix {{.*}} {lm.statistics = {abs_max = 7.000000e+00 : f64, rms = 5.000000e+00 : f64}}
lm.weight @matrix : tensor<2x2xf32> = dense<[[7.0, -1.0], [5.0, -5.0]]> : tensor<2x2xf32>
// The view takes the first column.
// CHECK: lm.weight @view {{.*}} {lm.statistics = {abs_max = 3.000000e+00 : f64, rms = 3.000000e+00 : f64}}
lm.weight @view : tensor<1x2xf32> = dense<[[3.0, 100.0], [-3.0, 100.0]]> : tensor<2x2xf32> view offset 0 strides [1, 2]
// CHECK: lm.weight @vector {{.*}} {lm.statistics = {abs_max = 2.000000e+00 : f64, rms = 2.000000e+00 : f64}}
lm.weight @vector : tensor<3xf32> = dense<2.0> : tensor<3xf32>
// CHECK: lm.weight @integers : tensor<2xi32> = dense<1> : tensor<2xi32>{{$}}
lm.weight @integers : tensor<2xi32> = dense<1> : tensor<2xi32>
