// RUN: llmc-opt %s --llmc-raise-rope --split-input-file --verify-diagnostics

// expected-error @+1 {{the context length is not known: the module has no attribute 'lm.context'; give the option 'context'}}
module {
  func.func @main(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"}) {
    return
  }
}

// -----

module attributes {lm.context = 8 : i64} {
  func.func @main(%tokens: tensor<?xi32> {lm.role = "tokens"}, %pos: i32 {lm.role = "position"}) {
    return
  }
}
