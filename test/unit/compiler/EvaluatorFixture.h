// A tiny model as lm text, and running it.
#pragma once

#include "compiler/Evaluate/Evaluator.h"

#include "catch2/catch.hpp"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

namespace llmc::test {

using namespace mlir;
using namespace llmc::evaluate;

/// Weights of a tiny model: vocabulary 8, width 4, two heads of 2 on one kv head.
inline const std::string weights = R"(
  lm.weight @table : tensor<8x4xf32> = dense<[[1.0, 2.0, 3.0, 4.0], [0.5, -1.0, 2.0, -0.25], [4.0, 3.0, 2.0, 1.0],
    [-1.0, 1.0, -1.0, 1.0], [0.125, 8.0, -2.0, 0.5], [3.0, 3.0, -3.0, 1.0], [1.0, 0.0, 0.0, -1.0], [2.0, -2.0, 0.5, 5.0]]>
    : tensor<8x4xf32>
  lm.weight @norm : tensor<4xf32> = dense<[1.0, 0.5, 2.0, 1.5]> : tensor<4xf32>
  lm.weight @q : tensor<4x4xf32> = dense<[[1.0, 0.0, 0.5, 0.0], [0.0, -1.0, 0.0, 0.25], [0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]>
    : tensor<4x4xf32>
  lm.weight @k : tensor<2x4xf32> = dense<[[0.5, 0.25, 0.0, 1.0], [0.0, 1.0, -0.5, 0.0]]> : tensor<2x4xf32>
  lm.weight @v : tensor<2x4xf32> = dense<[[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]> : tensor<2x4xf32>
  lm.weight @qT : tensor<4x4xf32> = dense<[[1.0, 0.0, 0.5, 0.0], [0.0, -1.0, 0.5, 0.0], [0.5, 0.0, 0.0, 1.0], [0.0, 0.25, 0.0, 1.0]]>
    : tensor<4x4xf32> view offset 0 strides [1, 4]
  lm.kv_state @cache layers 2 kv_heads 1 head_dim 2 capacity 6 of f32
)";

/// One layer as text: from %h<in> to %h<out>, with the query weight `q`.
inline std::string layerText(const std::string &q, int index) {
  std::string n = std::to_string(index);
  return "%n" + n + " = lm.rms_norm %h" + n +
         ", %norm epsilon 1.0e-5 : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>\n" + "%wq" +
         n + " = lm.get @" + q + " : tensor<4x4xf32>\n" + "%q" + n + " = lm.linear %n" + n +
         ", %wq" + n + " : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>\n" + "%k" + n +
         " = lm.linear %n" + n + ", %k : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>\n" +
         "%v" + n + " = lm.linear %n" + n +
         ", %v : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>\n" + "%qr" + n +
         " = lm.rope %q" + n +
         " at %pos heads 2 formula <base = 10000.0 : f32, dim = 2, scaling = 1.0 : f32> : "
         "(tensor<?x4xf32>, i32) -> tensor<?x4xf32>\n" +
         "%kr" + n + " = lm.rope %k" + n +
         " at %pos heads 1 formula <base = 10000.0 : f32, dim = 2, scaling = 1.0 : f32> : "
         "(tensor<?x2xf32>, i32) -> tensor<?x2xf32>\n" +
         "%l" + n + " = arith.constant " + n + " : index\n" + "%a" + n + " = lm.attention %qr" + n +
         ", %kr" + n + ", %v" + n + " at %pos state @cache[%l" + n +
         "] heads 2 scale 7.071068e-01 : (tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xf32>, i32, "
         "index) -> tensor<?x4xf32>\n" +
         "%g" + n + " = lm.gated_act silu %a" + n + ", %n" + n + " : tensor<?x4xf32>\n" + "%h" +
         std::to_string(index + 1) + " = lm.add %h" + n + ", %g" + n + " : tensor<?x4xf32>\n";
}

inline std::string program(const std::string &q) {
  return weights + R"(
  func.func @main(%ids: tensor<?xi32>, %pos: i32) -> tensor<?x8xf32> {
    %table = lm.get @table : tensor<8x4xf32>
    %norm = lm.get @norm : tensor<4xf32>
    %k = lm.get @k : tensor<2x4xf32>
    %v = lm.get @v : tensor<2x4xf32>
    %h0 = lm.embed %ids, %table : (tensor<?xi32>, tensor<8x4xf32>) -> tensor<?x4xf32>
)" + layerText(q, 0) +
         layerText(q, 1) + R"(
    %y = lm.linear %h2, %table : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
)";
}

struct Program {
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::string errors;
  ScopedDiagnosticHandler handler;

  explicit Program(const std::string &text)
      : handler(&context, [this](Diagnostic &diagnostic) {
          errors += diagnostic.str() + "\n";
          return success();
        }) {
    context.loadDialect<llmc::lm::LmDialect, func::FuncDialect, arith::ArithDialect>();
    module = parseSourceString<ModuleOp>(text, &context);
    INFO(errors);
    REQUIRE(module);
  }
  Evaluator evaluator(const char *function = "main") {
    auto result = Evaluator::create(*module, function, 1);
    INFO(errors);
    REQUIRE(succeeded(result));
    return std::move(*result);
  }
};

using Ids = std::vector<int32_t>;

/// All logits of `ids`, fed in chunks.
inline std::vector<float> logits(Program &program, Evaluator &evaluator, const Ids &ids,
                                 size_t chunk) {
  EvaluatorState state(*program.module);
  std::vector<float> all, part;
  for (size_t first = 0; first < ids.size(); first += chunk) {
    size_t count = std::min(chunk, ids.size() - first);
    INFO(program.errors);
    REQUIRE(succeeded(
        evaluator.run(std::span(ids).subspan(first, count), int64_t(first), state, part)));
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

inline const Ids sentence = {0, 7, 3, 4, 2, 5};

} // namespace llmc::test
