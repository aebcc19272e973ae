// RUN: not llmc-opt %s --llmc-verify-raised=report-file=%t.json 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=JSON < %t.json
// RUN: not llmc-opt %s --llmc-verify-raised=report-file=%t.missing/report.json 2>&1 | FileCheck %s --check-prefix=FILE

// CHECK: error: 3 ONNX nodes are not understood: ai.onnx::Relu (version 18) x 2, first 'a'; com.acme::Relu (version 3) x 1, first 'b'
// JSON: "unmatched": [
// JSON: "domain": "",
// JSON-NEXT: "type": "Relu",
// JSON-NEXT: "version": 18,
// JSON-NEXT: "node": "a"
// FILE: error: cannot write the match report:
func.func @main(%x: tensor<*xf32>) -> tensor<*xf32> {
  %a = lm.opaque "" "Relu" version 18 name "a"(%x) {} : (tensor<*xf32>) -> tensor<*xf32>
  %b = lm.opaque "com.acme" "Relu" version 3 name "b"(%a) {} : (tensor<*xf32>) -> tensor<*xf32>
  %c = lm.opaque "" "Relu" version 18 name "c"(%b) {} : (tensor<*xf32>) -> tensor<*xf32>
  return %c : tensor<*xf32>
}
