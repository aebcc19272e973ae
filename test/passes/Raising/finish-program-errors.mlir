// RUN: llmc-opt %s --llmc-finish-program --split-input-file --verify-diagnostics

// expected-error @+1 {{the model has 2 results besides its caches, there must be one, the logits: 'logits' 'hidden'}}
func.func @results(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"}, %x: tensor<*xf32>)
    -> (tensor<*xf32> {lm.name = "logits"}, tensor<*xf32> {lm.name = "hidden"}) {
  return %x, %x : tensor<*xf32>, tensor<*xf32>
}

// -----

// expected-error @+1 {{the model's result 'logits' is not computed by a raised layer but by input 2}}
func.func @passed(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"}, %x: tensor<*xf32>)
    -> (tensor<*xf32> {lm.name = "logits"}) {
  return %x : tensor<*xf32>
}

// -----

// expected-error @+1 {{input 'other' is still read, by builtin.unrealized_conversion_cast}}
func.func @read(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"},
    %x: tensor<?x?x2xf32> {lm.name = "other"}) -> (tensor<*xf32> {lm.name = "logits"}) {
  %rows = builtin.unrealized_conversion_cast %x : tensor<?x?x2xf32> to tensor<?x2xf32>
  %sum = lm.add %rows, %rows : tensor<?x2xf32>
  %r = builtin.unrealized_conversion_cast %sum : tensor<?x2xf32> to tensor<*xf32>
  return %r : tensor<*xf32>
}
