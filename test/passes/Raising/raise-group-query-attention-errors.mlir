// RUN: llmc-opt %s --llmc-raise-group-query-attention=context=8 --split-input-file --verify-diagnostics
// RUN: llmc-opt %s --llmc-raise-group-query-attention=context=9 --split-input-file 2>&1 | FileCheck %s

// CHECK: is nearly attention: its cos cache has 8 positions, the context has 9

lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @qkv : tensor<16x4xf32> = dense<1.0> : tensor<4x16xf32> view offset 0 strides [1, 16]
lm.weight @cos : tensor<8x2xf32> = dense<1.0> : tensor<8x2xf32>
lm.weight @sin : tensor<8x2xf32> = dense<0.0> : tensor<8x2xf32>
lm.weight @one : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @two : tensor<1xi64> = dense<2> : tensor<1xi64>
lm.weight @index : tensor<i64> = dense<1> : tensor<i64>
func.func @window(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
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
  // expected-remark @+1 {{is nearly attention: it has a window}}
  %o:3 = lm.opaque "com.microsoft" "GroupQueryAttention" version 1 name "attn"(%packed, %none, %none, %past_k, %past_v, %lengths, %total, %cos, %sin)
      {do_rotary = 1 : i64, kv_num_heads = 1 : i64, num_heads = 2 : i64, scale = 0.5 : f32, local_window_size = 4 : i64}
      : (tensor<*xf32>, none, none, tensor<?x1x?x?xf32>, tensor<?x1x?x?xf32>, tensor<*xi32>, tensor<*xi32>, tensor<8x2xf32>, tensor<8x2xf32>)
      -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %o#0, %o#1, %o#2 : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @qkv : tensor<16x4xf32> = dense<1.0> : tensor<4x16xf32> view offset 0 strides [1, 16]
lm.weight @cos : tensor<8x2xf32> = dense<1.0> : tensor<8x2xf32>
lm.weight @sin : tensor<8x2xf32> = dense<0.0> : tensor<8x2xf32>
lm.weight @one : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @two : tensor<1xi64> = dense<2> : tensor<1xi64>
lm.weight @index : tensor<i64> = dense<1> : tensor<i64>
func.func @capped(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
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
  // expected-remark @+1 {{is nearly attention: it has a soft cap}}
  %o:3 = lm.opaque "com.microsoft" "GroupQueryAttention" version 1 name "attn"(%packed, %none, %none, %past_k, %past_v, %lengths, %total, %cos, %sin)
      {do_rotary = 1 : i64, kv_num_heads = 1 : i64, num_heads = 2 : i64, scale = 0.5 : f32, softcap = 30.0 : f32}
      : (tensor<*xf32>, none, none, tensor<?x1x?x?xf32>, tensor<?x1x?x?xf32>, tensor<*xi32>, tensor<*xi32>, tensor<8x2xf32>, tensor<8x2xf32>)
      -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %o#0, %o#1, %o#2 : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @qkv : tensor<16x4xf32> = dense<1.0> : tensor<4x16xf32> view offset 0 strides [1, 16]
lm.weight @cos : tensor<8x2xf32> = dense<1.0> : tensor<8x2xf32>
lm.weight @sin : tensor<8x2xf32> = dense<0.0> : tensor<8x2xf32>
lm.weight @one : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @two : tensor<1xi64> = dense<2> : tensor<1xi64>
lm.weight @index : tensor<i64> = dense<1> : tensor<i64>
func.func @unknown(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
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
  // expected-remark @+1 {{is nearly attention: attribute 'kv_cache_bit_width' is not understood}}
  %o:3 = lm.opaque "com.microsoft" "GroupQueryAttention" version 1 name "attn"(%packed, %none, %none, %past_k, %past_v, %lengths, %total, %cos, %sin)
      {do_rotary = 1 : i64, kv_num_heads = 1 : i64, num_heads = 2 : i64, scale = 0.5 : f32, kv_cache_bit_width = 8 : i64}
      : (tensor<*xf32>, none, none, tensor<?x1x?x?xf32>, tensor<?x1x?x?xf32>, tensor<*xi32>, tensor<*xi32>, tensor<8x2xf32>, tensor<8x2xf32>)
      -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %o#0, %o#1, %o#2 : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @qkv : tensor<16x4xf32> = dense<1.0> : tensor<4x16xf32> view offset 0 strides [1, 16]
lm.weight @cos : tensor<8x2xf32> = dense<1.0> : tensor<8x2xf32>
lm.weight @sin : tensor<8x2xf32> = dense<0.0> : tensor<8x2xf32>
lm.weight @one : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @two : tensor<1xi64> = dense<2> : tensor<1xi64>
lm.weight @index : tensor<i64> = dense<1> : tensor<i64>
func.func @sinks(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
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
  // expected-remark @+1 {{is nearly attention: input 11 (position ids, bias, sink, scale or norm) is given}}
  %o:3 = lm.opaque "com.microsoft" "GroupQueryAttention" version 1 name "attn"(%packed, %none, %none, %past_k, %past_v, %lengths, %total, %cos, %sin, %none, %none, %sin)
      {do_rotary = 1 : i64, kv_num_heads = 1 : i64, num_heads = 2 : i64, scale = 0.5 : f32}
      : (tensor<*xf32>, none, none, tensor<?x1x?x?xf32>, tensor<?x1x?x?xf32>, tensor<*xi32>, tensor<*xi32>, tensor<8x2xf32>, tensor<8x2xf32>, none, none, tensor<8x2xf32>)
      -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %o#0, %o#1, %o#2 : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @qkv : tensor<16x4xf32> = dense<1.0> : tensor<4x16xf32> view offset 0 strides [1, 16]
lm.weight @cos : tensor<8x2xf32> = dense<1.0> : tensor<8x2xf32>
lm.weight @sin : tensor<8x2xf32> = dense<0.0> : tensor<8x2xf32>
lm.weight @one : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @two : tensor<1xi64> = dense<2> : tensor<1xi64>
lm.weight @index : tensor<i64> = dense<1> : tensor<i64>
func.func @lengths(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
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
  %last = lm.opaque "" "Sub" version 22 name "last"(%sum, %two) {} : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %lengths = lm.opaque "" "Cast" version 22 name "lengths"(%last) {to = 6 : i64} : (tensor<*xi64>) -> tensor<*xi32>
  %shape = lm.opaque "" "Shape" version 22 name "shape"(%mask) {} : (tensor<?x?xi64>) -> tensor<*xi64>
  %columns = lm.opaque "" "Gather" version 22 name "columns"(%shape, %index) {axis = 0 : i64} : (tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %total = lm.opaque "" "Cast" version 22 name "total"(%columns) {to = 6 : i64} : (tensor<*xi64>) -> tensor<*xi32>
  // expected-remark @+1 {{is nearly attention: seqlens_k is not the number of positions - 1}}
  %o:3 = lm.opaque "com.microsoft" "GroupQueryAttention" version 1 name "attn"(%packed, %none, %none, %past_k, %past_v, %lengths, %total, %cos, %sin)
      {do_rotary = 1 : i64, kv_num_heads = 1 : i64, num_heads = 2 : i64, scale = 0.5 : f32}
      : (tensor<*xf32>, none, none, tensor<?x1x?x?xf32>, tensor<?x1x?x?xf32>, tensor<*xi32>, tensor<*xi32>, tensor<8x2xf32>, tensor<8x2xf32>)
      -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %o#0, %o#1, %o#2 : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @qkv : tensor<16x4xf32> = dense<1.0> : tensor<4x16xf32> view offset 0 strides [1, 16]
lm.weight @cos : tensor<8x2xf32> = dense<1.0> : tensor<8x2xf32>
lm.weight @sin : tensor<8x2xf32> = dense<0.0> : tensor<8x2xf32>
lm.weight @one : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @two : tensor<1xi64> = dense<2> : tensor<1xi64>
lm.weight @index : tensor<i64> = dense<1> : tensor<i64>
func.func @values(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
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
  // expected-remark @+1 {{is nearly attention: input 'past_key_values.0.key' comes back as 'present.0.value'}}
  %o:3 = lm.opaque "com.microsoft" "GroupQueryAttention" version 1 name "attn"(%packed, %none, %none, %past_k, %past_k, %lengths, %total, %cos, %sin)
      {do_rotary = 1 : i64, kv_num_heads = 1 : i64, num_heads = 2 : i64, scale = 0.5 : f32}
      : (tensor<*xf32>, none, none, tensor<?x1x?x?xf32>, tensor<?x1x?x?xf32>, tensor<*xi32>, tensor<*xi32>, tensor<8x2xf32>, tensor<8x2xf32>)
      -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %o#0, %o#1, %o#2 : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

lm.weight @table : tensor<3x4xf32> = dense<1.0> : tensor<3x4xf32>
lm.weight @qkv : tensor<16x4xf32> = dense<1.0> : tensor<4x16xf32> view offset 0 strides [1, 16]
lm.weight @cos : tensor<8x2xf32> = dense<1.0> : tensor<8x2xf32>
lm.weight @sin : tensor<8x2xf32> = dense<0.0> : tensor<8x2xf32>
lm.weight @one : tensor<1xi64> = dense<1> : tensor<1xi64>
lm.weight @two : tensor<1xi64> = dense<2> : tensor<1xi64>
lm.weight @index : tensor<i64> = dense<1> : tensor<i64>
func.func @long(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
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
