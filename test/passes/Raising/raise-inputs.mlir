// RUN: llmc-opt %s --llmc-raise-inputs | FileCheck %s

// Token ids and position come first; every input has a role.
// CHECK: func.func @main(%{{.*}}: tensor<?xi32> {lm.role = "tokens"}, %{{.*}}: i32 {lm.role = "position"},
// CHECK-SAME: tensor<?x?xi64> {lm.name = "input_ids", lm.role = "ids"}
// CHECK-SAME: tensor<?x?xi64> {lm.name = "attention_mask", lm.role = "mask"}
// CHECK-SAME: tensor<1x?xi64> {lm.name = "position_ids", lm.role = "positions"}
// CHECK-SAME: tensor<?x2x?x4xf32> {lm.name = "past_key_values.0.key", lm.role = "past"}
func.func @main(%ids: tensor<?x?xi64> {lm.name = "input_ids"}, %mask: tensor<?x?xi64> {lm.name = "attention_mask"},
                %positions: tensor<1x?xi64> {lm.name = "position_ids"},
                %past: tensor<?x2x?x4xf32> {lm.name = "past_key_values.0.key"}) -> tensor<?x?xi64> {
  return %ids : tensor<?x?xi64>
}
