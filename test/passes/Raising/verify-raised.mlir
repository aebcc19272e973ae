// RUN: llmc-opt %s --llmc-verify-raised=report-file=%t.json | FileCheck %s
// RUN: FileCheck %s --check-prefix=JSON < %t.json

// What nothing uses is no obstacle.
// CHECK-NOT: lm.opaque
// JSON: "matched": []
// JSON: "nearly_matched": []
// JSON: "unmatched": []
// JSON: "snaps": []
// JSON: "notes": []
func.func @main(%x: tensor<*xf32>) -> tensor<*xf32> {
  %y = lm.opaque "" "Relu" version 18 name "dead"(%x) {} : (tensor<*xf32>) -> tensor<*xf32>
  return %x : tensor<*xf32>
}
