// What the evaluator refuses, and how it says so.
#include "test/unit/compiler/EvaluatorFixture.h"

using namespace llmc::test;
using namespace llmc::evaluate;

TEST_CASE("misuse is an error that names its place") {
  Program program(llmc::test::program("q"));
  Evaluator evaluator = program.evaluator();
  EvaluatorState state(*program.module);
  std::vector<float> result;
  auto errorOf = [&](const Ids &ids, int64_t position) {
    program.errors.clear();
    CHECK(failed(evaluator.run(ids, position, state, result)));
    return program.errors;
  };
  CHECK_THAT(errorOf({1, 8}, 0), Catch::Contains("id 8 at index 1") && Catch::Contains("8 ids"));
  CHECK_THAT(errorOf({-1}, 0), Catch::Contains("id -1"));
  CHECK_THAT(errorOf({}, 0), Catch::Contains("empty chunk"));
  CHECK_THAT(errorOf({1}, 1), Catch::Contains("holds 0 positions"));
  CHECK_THAT(errorOf(Ids(7, 1), 0),
             Catch::Contains("context is full") && Catch::Contains("6 positions"));
  CHECK(state.length() == 0);
}

TEST_CASE("programs without meaning are refused before they run") {
  auto errorOf = [](const std::string &text, const char *function = "main") {
    Program program(text);
    CHECK(failed(Evaluator::create(*program.module, function, 1)));
    return program.errors;
  };
  CHECK_THAT(errorOf(weights), Catch::Contains("no function @main"));
  CHECK_THAT(errorOf(R"(func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    %y = lm.opaque "" "Foo" version 1 name "n"(%x) {} : (tensor<?x4xf32>) -> tensor<?x4xf32>
    return %y : tensor<?x4xf32> })"),
             Catch::Contains("no semantics for lm.opaque"));
  std::string nan = R"(
  lm.weight @w : tensor<2x4xf32> = dense<[[1.0, 1.0, 1.0, 1.0], [1.0, 0x7FC00000, 1.0, 1.0]]> : tensor<2x4xf32>
  func.func @main(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
    %w = lm.get @w : tensor<2x4xf32>
    %y = lm.linear %x, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32> })";
  CHECK_THAT(errorOf(nan), Catch::Contains("@w: stored element 5 is NaN"));
  CHECK_THAT(errorOf(R"(
  func.func @main(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) -> tensor<?x2xf32> {
    %y = lm.linear %x, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32> })"),
             Catch::Contains("operand 1 must be a weight"));
}

TEST_CASE("a result that is not finite stops the run at its operation") {
  Program program(R"(
  lm.weight @table : tensor<2x2xf32> = dense<[[1.0, 1.0], [3.0e38, 3.0e38]]> : tensor<2x2xf32>
  func.func @main(%ids: tensor<?xi32>, %pos: i32) -> tensor<?x2xf32> {
    %t = lm.get @table : tensor<2x2xf32>
    %x = lm.embed %ids, %t : (tensor<?xi32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    %y = lm.add %x, %x : tensor<?x2xf32>
    return %y : tensor<?x2xf32> })");
  Evaluator evaluator = program.evaluator();
  EvaluatorState state(*program.module);
  std::vector<float> result;
  REQUIRE(succeeded(evaluator.run(Ids{0, 0}, 0, state, result)));
  CHECK(failed(evaluator.run(Ids{0, 1}, 0, state, result)));
  CHECK_THAT(program.errors,
             Catch::Contains("'lm.add' op result 0 is NaN or infinite at channel 0, position 1"));
}
