// RUN: not llmc-opt %s --llmc-verify-raised=report-file=%t.json 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=JSON < %t.json
// RUN: not llmc-opt %s --llmc-verify-raised=report-file=%t.missing/report.json 2>&1 | FileCheck %s --check-prefix=FILE

// CHECK: error: 4 ONNX nodes are not understood: unknown operators ai.onnx::Relu (version 18) x 2, first 'a'; com.acme::Relu (version 3) x 1, first 'b'; behind them or in no known pattern ai.onnx::Add (version 18) x 1, first 'sum'. Export the model with
// CHECK: note: cache input 'past.0.key' leaves its heads or head size open ('tensor<?x?x?x16xf32>'): export the model with
// CHECK-NOT: note:
// JSON: "unmatched": [
// JSON: "domain": "",
// JSON-NEXT: "type": "Relu",
// JSON-NEXT: "version": 18,
// JSON-NEXT: "node": "a"
// FILE: error: cannot write the match report:
func.func @main(%x: tensor<*xf32>, %key: tensor<?x?x?x16xf32> {lm.name = "past.0.key", lm.role = "past"},
                %value: tensor<?x2x?x16xf32> {lm.name = "past.0.value", lm.role = "past"}) -> tensor<*xf32> {
  %a = lm.opaque "" "Relu" version 18 name "a"(%x) {} : (tensor<*xf32>) -> tensor<*xf32>
  %b = lm.opaque "com.acme" "Relu" version 3 name "b"(%a) {} : (tensor<*xf32>) -> tensor<*xf32>
  %c = lm.opaque "" "Relu" version 18 name "c"(%b) {} : (tensor<*xf32>) -> tensor<*xf32>
  %sum = lm.opaque "" "Add" version 18 name "sum"(%c, %c) {} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %sum : tensor<*xf32>
}
