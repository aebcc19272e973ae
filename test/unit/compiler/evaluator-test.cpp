// The evaluator's structure: operands reach their kernels, the cache grows, layers repeat.
#include "test/unit/compiler/EvaluatorFixture.h"

#include <cmath>
#include <map>
#include <regex>
#include <set>

using namespace llmc::test;
using namespace llmc::evaluate;

TEST_CASE("embedding and head compute what they say") {
  Program program(weights + R"(
  lm.weight @bias : tensor<2xf32> = dense<[0.5, -1.0]> : tensor<2xf32>
  lm.weight @head : tensor<2x4xf32> = dense<[[1.0, 1.0], [2.0, 0.0], [0.0, 3.0], [0.0, 1.0]]> : tensor<4x2xf32>
    view offset 0 strides [1, 2]
  func.func @main(%ids: tensor<?xi32>, %pos: i32) -> tensor<?x2xf32> {
    %table = lm.get @table : tensor<8x4xf32>
    %head = lm.get @head : tensor<2x4xf32>
    %bias = lm.get @bias : tensor<2xf32>
    %x = lm.embed %ids, %table : (tensor<?xi32>, tensor<8x4xf32>) -> tensor<?x4xf32>
    %y = lm.linear %x, %head, %bias : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  })");
  Evaluator evaluator = program.evaluator();
  CHECK(evaluator.resultChannels() == 2);
  // Row 0: 1 + 2*2 + 0.5 and 1 + 3*3 + 4 - 1; row 6: 1 + 0.5 and 1 - 1 - 1.
  CHECK(logits(program, evaluator, {0, 6}, 2) == std::vector<float>{5.5f, 13.0f, 1.5f, -1.0f});
}

TEST_CASE("the cache makes chunks equal to the whole") {
  Program program(llmc::test::program("q"));
  Evaluator evaluator = program.evaluator();
  std::vector<float> whole = logits(program, evaluator, sentence, 6);
  REQUIRE(whole.size() == 48);
  for (size_t chunk : {1, 2, 4, 5})
    CHECK(logits(program, evaluator, sentence, chunk) == whole);
  // Later ids do not reach earlier positions, earlier ones reach later positions.
  Ids other = sentence;
  other[5] = 1;
  std::vector<float> changed = logits(program, evaluator, other, 3);
  CHECK(std::equal(whole.begin(), whole.begin() + 40, changed.begin()));
  other = sentence;
  other[0] = 1;
  changed = logits(program, evaluator, other, 3);
  for (size_t row = 0; row < 6; ++row)
    CHECK_FALSE(std::equal(&whole[8 * row], &whole[8 * row] + 8, &changed[8 * row]));
}

TEST_CASE("going back forgets later positions") {
  Program program(llmc::test::program("q"));
  Evaluator evaluator = program.evaluator();
  EvaluatorState state(*program.module);
  std::vector<float> result, again;
  REQUIRE(succeeded(evaluator.run(Ids{0, 7, 3}, 0, state, result)));
  REQUIRE(succeeded(evaluator.run(Ids{4, 4, 4}, 3, state, result)));
  REQUIRE(succeeded(evaluator.run(Ids{4}, 3, state, again)));
  CHECK(state.length() == 4);
  CHECK(std::equal(again.begin(), again.end(), result.begin()));
  state.truncate(1);
  CHECK(state.length() == 1);
  CHECK(failed(evaluator.run(Ids{4}, 3, state, again)));
  CHECK_THAT(program.errors,
             Catch::Contains("cannot start at position 3") && Catch::Contains("holds 1"));
}

TEST_CASE("a weight stored the other way round is the same weight") {
  Program straight(llmc::test::program("q")), turned(llmc::test::program("qT"));
  Evaluator first = straight.evaluator(), second = turned.evaluator();
  CHECK(logits(straight, first, sentence, 4) == logits(turned, second, sentence, 4));
}

TEST_CASE("weights stored in half precision are the numbers they are") {
  // All weights of the tiny model are exact in both halves.
  const std::regex stored("\\]>(\\s*): tensor<([0-9x]+)xf32>");
  for (const char *query : {"q", "qT"}) {
    const std::string text = llmc::test::program(query);
    Program single(text);
    Evaluator reference = single.evaluator();
    for (const char *half : {"f16", "bf16"}) {
      const std::string halves =
          std::regex_replace(text, stored, std::string("]>$1: tensor<$2x") + half + ">");
      REQUIRE(halves != text);
      Program program(halves);
      Evaluator evaluator = program.evaluator();
      CHECK(logits(program, evaluator, sentence, 4) == logits(single, reference, sentence, 4));
    }
  }
}

TEST_CASE("attention with equal scores is the mean of the values") {
  Program program(weights + R"(
  lm.weight @zero : tensor<4x4xf32> = dense<0.0> : tensor<4x4xf32>
  func.func @main(%ids: tensor<?xi32>, %pos: i32) -> tensor<?x4xf32> {
    %table = lm.get @table : tensor<8x4xf32>
    %zero = lm.get @zero : tensor<4x4xf32>
    %wk = lm.get @k : tensor<2x4xf32>
    %wv = lm.get @v : tensor<2x4xf32>
    %x = lm.embed %ids, %table : (tensor<?xi32>, tensor<8x4xf32>) -> tensor<?x4xf32>
    %q = lm.linear %x, %zero : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %k = lm.linear %x, %wk : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    %v = lm.linear %x, %wv : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    %layer = arith.constant 1 : index
    %y = lm.attention %q, %k, %v at %pos state @cache[%layer] heads 2 scale 1.0
      : (tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xf32>, i32, index) -> tensor<?x4xf32>
    return %y : tensor<?x4xf32>
  })");
  Evaluator evaluator = program.evaluator();
  // Values are channels 0 and 2 of the table: (1, 3), (4, 2), (-1, -1).
  std::vector<float> result = logits(program, evaluator, {0, 2, 3}, 2);
  const float expected[] = {1,    3,    1,        3,        2.5f,     2.5f,
                            2.5f, 2.5f, 4.0f / 3, 4.0f / 3, 4.0f / 3, 4.0f / 3};
  REQUIRE(result.size() == 12);
  for (size_t index = 0; index < 12; ++index)
    CHECK(result[index] == Approx(expected[index]).epsilon(1e-6));
}

TEST_CASE("repeated layers equal the layers written out, groups change nothing") {
  std::string body = layerText("q", 0);
  auto replace = [&](const std::string &from, const std::string &to) {
    for (size_t at = body.find(from); at != std::string::npos; at = body.find(from, at + to.size()))
      body.replace(at, from.size(), to);
  };
  replace("%wq0 = lm.get @q : tensor<4x4xf32>\n", "");
  replace("%l0 = arith.constant 0 : index\n", "");
  replace("%l0", "%layer");
  Program outlined(weights + R"(
  func.func private @layer(%h0: tensor<?x4xf32>, %pos: i32, %layer: index, %norm: tensor<4xf32>, %wq0: tensor<4x4xf32>,
      %k: tensor<2x4xf32>, %v: tensor<2x4xf32>) -> tensor<?x4xf32> {
    %h1 = lm.group 0 -> tensor<?x4xf32> {
)" + [&] {
    std::string inner = body;
    size_t at = inner.rfind("%h1 = ");
    inner.replace(at, 6, "%sum = ");
    return inner;
  }() + R"(
      lm.yield %sum : tensor<?x4xf32>
    }
    return %h1 : tensor<?x4xf32>
  }
  func.func @main(%ids: tensor<?xi32>, %pos: i32) -> tensor<?x8xf32> {
    %table = lm.get @table : tensor<8x4xf32>
    %h = lm.embed %ids, %table : (tensor<?xi32>, tensor<8x4xf32>) -> tensor<?x4xf32>
    %e = lm.repeat @layer(%h, %pos) first 0 bindings [[@norm, @norm], [@q, @qT], [@k, @k], [@v, @v]]
      : (tensor<?x4xf32>, i32) -> tensor<?x4xf32>
    %y = lm.linear %e, %table : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  })");
  Program flat(llmc::test::program("q"));
  Evaluator first = flat.evaluator(), second = outlined.evaluator();
  std::multiset<int64_t> layers;
  second.setTap([&](const TapValue &value) {
    if (isa<llmc::lm::AttentionOp>(value.op))
      layers.insert(value.layer);
  });
  CHECK(logits(flat, first, sentence, 4) == logits(outlined, second, sentence, 4));
  CHECK(layers == std::multiset<int64_t>{0, 0, 1, 1});
}

TEST_CASE("the tap sees every result with its rows") {
  Program program(llmc::test::program("q"));
  Evaluator evaluator = program.evaluator();
  std::map<std::string, int> seen;
  std::vector<float> last;
  evaluator.setTap([&](const TapValue &value) {
    ++seen[value.op->getName().getStringRef().str()];
    CHECK(value.shape[0] == 5);
    CHECK(value.data.size() == size_t(5 * value.shape[1] * 4));
    last.assign(reinterpret_cast<const float *>(value.data.data()),
                reinterpret_cast<const float *>(value.data.data() + value.data.size()));
  });
  EvaluatorState state(*program.module);
  std::vector<float> result;
  REQUIRE(succeeded(evaluator.run(std::span(sentence).first(5), 0, state, result)));
  CHECK(last == result);
  CHECK(seen == std::map<std::string, int>{{"lm.embed", 1},
                                           {"lm.rms_norm", 2},
                                           {"lm.linear", 7},
                                           {"lm.rope", 4},
                                           {"lm.attention", 2},
                                           {"lm.gated_act", 2},
                                           {"lm.add", 2}});
}

TEST_CASE("quantized layers use scales, groups and multipliers") {
  Program program(R"(
  lm.weight @e : tensor<4x4xi8> = dense<[[1, 2, 3, 4], [-4, 0, 0, 8], [100, -100, 50, 25], [0, 0, 0, 0]]> : tensor<4x4xi8>
  lm.weight @es : tensor<4xf32> = dense<[1.0, 0.5, 0.01, 1.0]> : tensor<4xf16>
  lm.weight @w : tensor<2x4xi8> = dense<[[1, 2, 3, 4], [-7, 7, 1, 0]]> : tensor<2x4xi8>
  lm.weight @g : tensor<2x2xf16> = dense<[[1.0, 0.5], [0.25, -2.0]]> : tensor<2x2xf16>
  lm.weight @r : tensor<2xf32> = dense<[0.5, 0.125]> : tensor<2xbf16>
  lm.weight @m : tensor<2x2xi8> = dense<[[1, 16], [3, 2]]> : tensor<2x2xi8>
  func.func @groups(%ids: tensor<?xi32>, %pos: i32) -> tensor<?x2xf32> {
    %e = lm.get @e : tensor<4x4xi8>
    %es = lm.get @es : tensor<4xf32>
    %w = lm.get @w : tensor<2x4xi8>
    %g = lm.get @g : tensor<2x2xf16>
    %x = lm.quantized_embed %ids, %e, %es <i8, group = 0, scale = f32>
      : (tensor<?xi32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<?x4xf32>
    %v, %s = lm.quantize_rows %x : (tensor<?x4xf32>) -> (tensor<?x4xi8>, tensor<?xf32>)
    %y = lm.quantized_linear %v, %s, %w, %g <i4, group = 2, scale = f16>
      : (tensor<?x4xi8>, tensor<?xf32>, tensor<2x4xi8>, tensor<2x2xf16>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
  func.func @multipliers(%ids: tensor<?xi32>, %pos: i32) -> tensor<?x2xf32> {
    %e = lm.get @e : tensor<4x4xi8>
    %es = lm.get @es : tensor<4xf32>
    %w = lm.get @w : tensor<2x4xi8>
    %r = lm.get @r : tensor<2xf32>
    %m = lm.get @m : tensor<2x2xi8>
    %x = lm.quantized_embed %ids, %e, %es <i8, group = 0, scale = f32>
      : (tensor<?xi32>, tensor<4x4xi8>, tensor<4xf32>) -> tensor<?x4xf32>
    %v, %s = lm.quantize_rows %x : (tensor<?x4xf32>) -> (tensor<?x4xi8>, tensor<?xf32>)
    %y = lm.quantized_linear %v, %s, %w, %r multipliers %m <i4, group = 2, scale = multiplier>
      : (tensor<?x4xi8>, tensor<?xf32>, tensor<2x4xi8>, tensor<2xf32>, tensor<2x2xi8>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  })");
  // Row 0 is (1, 2, 3, 4), as int8 (32, 64, 95, 127) with scale 4/127.
  Evaluator groups = program.evaluator("groups"), multipliers = program.evaluator("multipliers");
  double s = 4.0 / 127;
  std::vector<float> result = logits(program, groups, {0, 3}, 2);
  REQUIRE(result.size() == 4);
  CHECK(result[0] == Approx(s * ((32 + 128) * 1.0 + (285 + 508) * 0.5)).epsilon(1e-6));
  CHECK(result[1] == Approx(s * ((-224 + 448) * 0.25 + 95 * -2.0)).epsilon(1e-6));
  CHECK(result[2] == 0);
  result = logits(program, multipliers, {0, 3}, 1);
  CHECK(result[0] == Approx(s * 0.5 * (160 + 16 * 793)).epsilon(1e-6));
  CHECK(result[1] == Approx(s * 0.125 * (3 * 224 + 2 * 95)).epsilon(1e-6));
}

TEST_CASE("half precision keys and values live in the cache") {
  std::string text = llmc::test::program("q");
  auto replace = [&](const std::string &from, const std::string &to) {
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  };
  replace("capacity 6 of f32", "capacity 6 of f16");
  for (const char *n : {"0", "1"}) {
    std::string i = n;
    replace("%a" + i + " = lm.attention %qr" + i + ", %kr" + i + ", %v" + i,
            "%qh" + i + " = lm.round_f16 %qr" + i + " : (tensor<?x4xf32>) -> tensor<?x4xf16>\n%kh" +
                i + " = lm.round_f16 %kr" + i + " : (tensor<?x2xf32>) -> tensor<?x2xf16>\n%vh" + i +
                " = lm.round_f16 %v" + i + " : (tensor<?x2xf32>) -> tensor<?x2xf16>\n%a" + i +
                " = lm.attention %qh" + i + ", %kh" + i + ", %vh" + i);
  }
  replace(": (tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xf32>, i32, index)",
          ": (tensor<?x4xf16>, tensor<?x2xf16>, tensor<?x2xf16>, i32, index)");
  Program half(text), full(llmc::test::program("q"));
  Evaluator first = half.evaluator(), second = full.evaluator();
  std::vector<float> rounded = logits(half, first, sentence, 6),
                     exact = logits(full, second, sentence, 6);
  CHECK(rounded != exact);
  for (size_t index = 0; index < exact.size(); ++index)
    CHECK(std::fabs(rounded[index] - exact[index]) < 0.1);
  for (size_t chunk : {1, 4})
    CHECK(logits(half, first, sentence, chunk) == rounded);
  CHECK(first.saturatedHalves() == 0);
}

TEST_CASE("a head takes rows, a static function fewer than it says") {
  Program program(weights + R"(
  func.func @head(%x: tensor<3x4xf32>) -> tensor<3x8xf32> {
    %table = lm.get @table : tensor<8x4xf32>
    %y = lm.linear %x, %table : (tensor<3x4xf32>, tensor<8x4xf32>) -> tensor<3x8xf32>
    return %y : tensor<3x8xf32>
  })");
  Evaluator evaluator = program.evaluator("head");
  EvaluatorState state(*program.module);
  std::vector<float> result;
  REQUIRE(succeeded(
      evaluator.runRows(std::vector<float>{0, 1, 0, 0, 0, 0, 0, 2}, 4, 0, state, result)));
  CHECK(result == std::vector<float>{2, -1, 3, 1, 8, 3, 0, -2, 8, -0.5f, 2, 2, 1, 2, -2, 10});
  CHECK(failed(evaluator.runRows(std::vector<float>(16), 4, 0, state, result)));
  CHECK_THAT(program.errors, Catch::Contains("4 rows"));
  CHECK(failed(evaluator.run(Ids{1}, 0, state, result)));
}
