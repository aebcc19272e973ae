// RUN: llmc-opt --import-onnx=%data/scribe-6m/decomposed-torchscript.onnx --llmc-raise=context=512 --llmc-fingerprint-weights -o %t.torchscript
// RUN: llmc-opt --import-onnx=%data/scribe-6m/decomposed-dynamo.onnx --llmc-raise=context=512 --llmc-fingerprint-weights -o %t.dynamo
// RUN: llmc-opt --import-onnx=%data/scribe-6m/fused-genai.onnx "--llmc-raise=context=512 report-file=%t.json" --llmc-fingerprint-weights -o %t.genai
// RUN: diff %t.torchscript %t.dynamo
// RUN: diff %t.torchscript %t.genai
// RUN: FileCheck %s < %t.genai
// RUN: FileCheck %s --check-prefix=REPORT < %t.json

// Three exporters, one program, to the last character.
// CHECK-COUNT-56: lm.weight
// CHECK-NOT: lm.weight
// CHECK: lm.kv_state @kv layers 6 kv_heads 4 head_dim 32 capacity 512 of f32
// CHECK: func.func @main(%arg0: tensor<?xi32>, %arg1: i32) -> tensor<?x4096xf32>
// CHECK: return %{{.*}} : tensor<?x4096xf32>

// REPORT: "what": "rope table to base 10000, dimension 32, scaling 1"
// REPORT-NEXT: "count": 12
