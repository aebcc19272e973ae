// RUN: llmc-opt %s --llmc-choose-formats=recipe=%S/errors.json --split-input-file --verify-diagnostics
// RUN: not llmc-opt %s --llmc-choose-formats=recipe=w5a8 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not llmc-opt %s --llmc-choose-formats=recipe=%S/no-such.json 2>&1 | FileCheck %s --check-prefix=MISSING

// UNKNOWN: unknown recipe 'w5a8'; known are w8a8, w4a8, {{.*}}keep, and files ending in .json
// MISSING: recipe file {{.*}}no-such.json: No such file or directory

lm.weight @other : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
func.func @no_rule(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w = lm.get @other : tensor<4x4xf32>
  // expected-error@+1 {{reads @other (role none), which no rule of recipe 'errors' matches; end its rules with one for the weight "*"}}
  %y = lm.linear %x, %w : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  %z = lm.add %y, %y : tensor<2x4xf32>
  return %z : tensor<2x4xf32>
}

// -----

lm.weight @kept : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
func.func @keep_without_grid(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w = lm.get @kept : tensor<4x4xf32>
  // expected-error@+1 {{reads @kept in fp32, and recipe 'errors' keeps the graph's own grids; use a recipe that gives it a format}}
  %y = lm.linear %x, %w : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

lm.weight @rounded : tensor<4x4xi8> = dense<1> : tensor<4x4xi8>
lm.weight @scales : tensor<4xf32> = dense<1.0> : tensor<4xf32>
func.func @quantized_twice(%x: tensor<2x4xi8>, %s: tensor<2xf32>) -> tensor<2x4xf32> {
  %w = lm.get @rounded : tensor<4x4xi8>
  %scales = lm.get @scales : tensor<4xf32>
  // expected-error@+1 {{reads @rounded, which the graph brings quantized; recipe 'errors' says w4-g32, but no weight is quantized twice: use the recipe 'keep'}}
  %y = lm.quantized_linear %x, %s, %w, %scales <i8, group = 0, scale = f32> : (tensor<2x4xi8>, tensor<2xf32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

lm.weight @tied : tensor<8x4xf32> = dense<1.0> : tensor<8x4xf32>
func.func @tied_differently(%ids: tensor<2xi32>) -> tensor<2x8xf32> {
  %w = lm.get @tied : tensor<8x4xf32>
  %x = lm.embed %ids, %w : (tensor<2xi32>, tensor<8x4xf32>) -> tensor<2x4xf32>
  // expected-error@+1 {{reads @tied, for which recipe 'errors' says w4-g32 as head and w8 as embedding; a tied table is stored once, give both roles one format}}
  %y = lm.linear %x, %w : (tensor<2x4xf32>, tensor<8x4xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

func.func @specialized(%x: tensor<2x4xf32>, %w: tensor<4x4xf32>) -> tensor<2x4xf32> {
  // expected-error@+1 {{reads a weight that is no lm.get of an lm.weight; formats are chosen before llmc-specialize}}
  %y = lm.linear %x, %w : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
