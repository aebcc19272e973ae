// RUN: llmc-opt %s --llmc-round-weights --split-input-file --verify-diagnostics

// expected-error@+1 {{@nan: the weight at row 1, column 0 is NaN; weights must be finite}}
lm.weight @nan : tensor<2x2xf32> = dense<[[1.0, 2.0], [0x7FC00000, 3.0]]> : tensor<2x2xf32> format <i8, group = 0, scale = f32>

// -----

// expected-error@+1 {{@infinite: the weight at row 0, column 1 is infinite; weights must be finite}}
lm.weight @infinite : tensor<1x2xf32> = dense<[[1.0, 0xFF800000]]> : tensor<1x2xf32> format <i4, group = 2, scale = multiplier>

// -----

// The first of two bad weights is named.
// expected-error@+1 {{@large: the scale max|w|/7 of the group at row 0, column 2 exceeds fp16 (65504); use a format with fp32 scales}}
lm.weight @large : tensor<1x4xf32> = dense<[[1.0, 1.0, 1.0, 1.0e6]]> : tensor<1x4xf32> format <i4, group = 2, scale = f16>
lm.weight @nan : tensor<1x1xf32> = dense<0x7FC00000> : tensor<1x1xf32> format <i8, group = 0, scale = f32>

// -----

// expected-error@+1 {{@two: rounding to w2-g32 is not defined; formats are w8, w4-gN and w4-mN}}
lm.weight @two : tensor<1x4xf32> = dense<1.0> : tensor<1x4xf32> format <i2, group = 32, scale = f16>

// -----

// expected-error@+1 {{@vector has a format, but is no matrix of f32}}
lm.weight @vector : tensor<4xf32> = dense<1.0> : tensor<4xf32> format <i8, group = 0, scale = f32>

// -----

lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32> format <i8, group = 0, scale = f32>
func.func @read_otherwise(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %w = lm.get @w : tensor<4x4xf32>
  // expected-error@+1 {{reads @w, which has a format; only lm.embed and lm.linear read quantized weights}}
  %y = lm.add %x, %w : tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// -----

lm.weight @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32> format <i8, group = 0, scale = f32>
func.func @its_own_input() -> tensor<4x4xf32> {
  %w = lm.get @w : tensor<4x4xf32>
  // expected-error@+1 {{reads @w, which has a format; only lm.embed and lm.linear read quantized weights}}
  %y = lm.linear %w, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}
