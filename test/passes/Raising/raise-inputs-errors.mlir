// RUN: llmc-opt %s --llmc-raise-inputs --split-input-file --verify-diagnostics

// expected-error @+1 {{input 'input_ids' has batch 4; only batch 1 can be compiled, export with batch 1 or a dynamic batch}}
func.func @main(%ids: tensor<4x?xi64> {lm.name = "input_ids"}) {
  return
}

// -----

// expected-error @+1 {{input 'pixels' ('tensor<?x3x?xf32>') has no known role; known are token ids}}
func.func @main(%pixels: tensor<?x3x?xf32> {lm.name = "pixels"}) {
  return
}

// -----

// expected-error @+1 {{input 'past_key_values.0.key' ('tensor<?x2x?x16xf64>') has no known role; known are token ids}}
func.func @main(%keys: tensor<?x2x?x16xf64> {lm.name = "past_key_values.0.key"}) {
  return
}

// -----

// expected-error @+1 {{input 'token_type_ids' has the role of an earlier input}}
func.func @main(%ids: tensor<?x?xi64> {lm.name = "input_ids"}, %types: tensor<?x?xi64> {lm.name = "token_type_ids"}) {
  return
}

// -----

// expected-error @+1 {{no input holds token ids}}
func.func @main(%mask: tensor<?x?xi64> {lm.name = "attention_mask"}) {
  return
}

// -----

func.func @main(%ids: tensor<?x?xi64> {lm.name = "input_ids"}) {
  return
}
// expected-error @+1 {{a model has one function, this is a second one beside @main}}
func.func @other(%ids: tensor<?x?xi64> {lm.name = "input_ids"}) {
  return
}

// -----

// expected-error @+1 {{a model has one function, this module has none}}
module {
}
