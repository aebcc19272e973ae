// Vector chains of one step, and of several as the compiler makes them.
#include "tools/conformance/Cases.h"
#include "tools/conformance/ChainCase.h"

#include "targets/Interface/Chain.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::conformance {

using namespace target;

namespace {

constexpr ElementType types[] = {ElementType::F32, ElementType::F16, ElementType::I8,
                                 ElementType::I4, ElementType::U4};

std::string nameOf(ElementType type) {
  static constexpr const char *names[] = {"f32", "f16", "i8", "i4", "i32", "u8", "u4"};
  return names[unsigned(type)];
}

/// Odd widths, several rows, sub-rows; the last with gaps between rows.
constexpr RowShape rowShapes[] = {{1, 1, 1}, {3, 1, 17}, {2, 3, 33, 3}, {1, 2, 100}};

float immediateOf(Step step, unsigned variation) {
  static constexpr float groups[] = {16, 1, 12, 32};
  if (step == Step::LoadGroup)
    return groups[variation % 4];
  return step == Step::KeepGe ? -0.25f : step == Step::Constant ? -1.5f : 0.0f;
}

/// A load, and what it loaded stored as fp32.
void loadCases(Step step, Random &random, std::vector<Case> &cases) {
  for (const RowShape &shape : rowShapes)
    for (const ElementType type : types) {
      if (!takesElement(step, type))
        continue;
      ChainCase chain(shape, random);
      chain.describe(nameOf(type));
      const auto variation = unsigned(&shape - rowShapes);
      const uint8_t value = chain.load(step, type, 1.0f, immediateOf(step, variation));
      chain.store(step == Step::LoadScalar ? Step::StoreScalar : Step::StoreMatrix, value);
      cases.push_back(chain.take());
    }
}

void storeCases(Step step, Random &random, std::vector<Case> &cases) {
  for (const RowShape &shape : rowShapes)
    for (const ElementType type : types) {
      if (!takesElement(step, type))
        continue;
      ChainCase chain(shape, random);
      chain.describe(nameOf(type));
      // Beyond what int8 and fp16 hold, too.
      const uint8_t value = step == Step::StoreScalar
                                ? chain.load(Step::LoadScalar, ElementType::F32)
                                : chain.loadSpecial(type == ElementType::I8 ? 1.0f : 0x1p8f);
      chain.store(step, value, type);
      cases.push_back(chain.take());
    }
}

/// A step of values, each a row or a number.
void valueCase(Step step, const RowShape &shape, bool rowA, bool rowB, Random &random,
               std::vector<Case> &cases) {
  const unsigned inputs = inputCount(step);
  ChainCase chain(shape, random);
  const auto value = [&](bool row) {
    return row ? chain.loadSpecial() : chain.load(Step::LoadScalar, ElementType::F32);
  };
  if (inputs > 0)
    chain.describe(
        inputs == 1 ? (rowA ? "row" : "number")
                    : fmt::format("{} and {}", rowA ? "row" : "number", rowB ? "row" : "number"));
  const uint8_t a = inputs > 0 ? value(rowA) : 0, b = inputs > 1 ? value(rowB) : 0;
  if (traitsOf(step).position)
    chain.bindPosition();
  const uint8_t result = chain.step(step, a, b, immediateOf(step, 0));
  const bool row = !traitsOf(step).reduces && inputs > 0 && (rowA || (inputs > 1 && rowB));
  chain.store(row ? Step::StoreMatrix : Step::StoreScalar, result);
  cases.push_back(chain.take());
}

/// Columns are as many as the cache has positions, some of which a row does not see.
void softmaxChain(const RowShape &shape, Random &random, std::vector<Case> &cases) {
  ChainCase chain(shape, random);
  chain.describe("softmax");
  chain.bindPosition();
  const uint8_t scores = chain.load(Step::LoadMatrix, ElementType::F32);
  const uint8_t delta = chain.step(Step::Sub, scores, chain.step(Step::MaxVisible, scores));
  const uint8_t scaled =
      chain.step(Step::Mul, chain.step(Step::Exp, delta), chain.constant(32768.0f));
  const uint8_t kept = chain.step(Step::KeepGe, chain.step(Step::RoundF16, scaled), delta, -20.0f);
  const uint8_t p = chain.step(Step::MaskVisible, kept);
  const uint8_t inverse = chain.step(Step::Recip, chain.step(Step::SumLanes, p));
  chain.store(Step::StoreMatrix, p, ElementType::F16);
  chain.store(Step::StoreScalar, inverse);
  cases.push_back(chain.take());
}

void normChain(const RowShape &shape, Random &random, std::vector<Case> &cases) {
  ChainCase chain(shape, random);
  chain.describe("norm and quantization");
  const uint8_t x = chain.load(Step::LoadMatrix, ElementType::F32);
  const uint8_t sum = chain.step(Step::SumLanes, chain.step(Step::Mul, x, x));
  const uint8_t mean = chain.step(Step::Mul, sum, chain.constant(1.0f / float(shape.columns)));
  const uint8_t factor =
      chain.step(Step::Rsqrt, chain.step(Step::Add, mean, chain.constant(1e-5f)));
  const uint8_t y = chain.step(Step::Mul, chain.step(Step::Mul, x, factor),
                               chain.load(Step::LoadRow, ElementType::F32));
  const uint8_t most = chain.step(Step::AbsMax, y);
  const uint8_t q = chain.step(Step::Mul, y, chain.step(Step::InverseScale, most));
  chain.store(Step::StoreMatrix, q, ElementType::I8);
  chain.store(Step::StoreScalar, chain.step(Step::ActivationScale, most));
  cases.push_back(chain.take());
}

void ropeChain(const RowShape &shape, Random &random, std::vector<Case> &cases) {
  ChainCase chain(shape, random);
  chain.describe("rotation");
  const auto load = [&] { return chain.load(Step::LoadMatrix, ElementType::F32); };
  const uint8_t x1 = load(), x2 = load(), c = load(), s = load();
  const auto mul = [&](uint8_t a, uint8_t b) { return chain.step(Step::Mul, a, b); };
  const uint8_t left = chain.step(Step::Sub, mul(x1, c), mul(x2, s));
  const uint8_t right = chain.step(Step::Add, mul(x2, c), mul(x1, s));
  chain.store(Step::StoreMatrix, left, ElementType::F16);
  chain.store(Step::StoreMatrix, right, ElementType::F16);
  cases.push_back(chain.take());
}

void gatingChain(const RowShape &shape, Random &random, std::vector<Case> &cases) {
  ChainCase chain(shape, random);
  chain.describe("gating and residual");
  const uint8_t g = chain.load(Step::LoadMatrix, ElementType::F32, 0x1p-4f);
  const uint8_t u = chain.load(Step::LoadMatrix, ElementType::F32);
  const uint8_t active = chain.step(Step::Mul, g, chain.step(Step::Sigmoid, g));
  const uint8_t product = chain.step(Step::Mul, active, u);
  chain.store(Step::StoreMatrix,
              chain.step(Step::Add, product, chain.load(Step::LoadMatrix, ElementType::F32)));
  cases.push_back(chain.take());
}

/// Rows of a table that were gathered before.
void decodeChain(const RowShape &shape, Random &random, std::vector<Case> &cases) {
  ChainCase chain(shape, random);
  chain.describe("rows of a table");
  const uint8_t q = chain.load(Step::LoadMatrix, ElementType::I4);
  const uint8_t m = chain.step(Step::Add, chain.load(Step::LoadGroup, ElementType::U4, 1.0f, 16),
                               chain.constant(1.0f));
  const uint8_t s = chain.load(Step::LoadScalar, ElementType::F32);
  chain.store(Step::StoreMatrix, chain.step(Step::Mul, chain.step(Step::Mul, q, m), s));
  cases.push_back(chain.take());
}

/// Rows go to their place in the cache.
void cacheChain(const RowShape &shape, uint32_t positions, Random &random,
                std::vector<Case> &cases) {
  ChainCase chain(shape, random);
  chain.describe("rows to the cache");
  chain.store(Step::StoreMatrix, chain.load(Step::LoadMatrix, ElementType::F32), ElementType::F16);
  chain.moveLastOperand(positions);
  cases.push_back(chain.take());
}

} // namespace

std::vector<Case> stepCases(const CaseSizes &sizes, Step step) {
  Random random(sizes.seed * 41 + unsigned(step));
  std::vector<Case> cases;
  if (isLoad(step)) {
    loadCases(step, random, cases);
    return cases;
  }
  if (isStore(step)) {
    storeCases(step, random, cases);
    return cases;
  }
  const Inputs inputs = traitsOf(step).inputs;
  for (const RowShape &shape : rowShapes) {
    if (inputs != Inputs::S && inputs != Inputs::None)
      valueCase(step, shape, true, true, random, cases);
    if (inputs == Inputs::XX) {
      valueCase(step, shape, true, false, random, cases);
      if (step != Step::KeepGe) // a number is kept by a number
        valueCase(step, shape, false, true, random, cases);
    }
    if (inputs != Inputs::V)
      valueCase(step, shape, false, false, random, cases);
  }
  return cases;
}

std::vector<Case> fusedChainCases(const CaseSizes &sizes) {
  Random random(sizes.seed * 43);
  std::vector<Case> cases;
  const RowShape shapes[] = {{1, 1, 1}, {1, 1, 65}, {3, 2, 16}, {2, 1, 257, 3}};
  for (const RowShape &shape : shapes) {
    softmaxChain(shape, random, cases);
    normChain(shape, random, cases);
    ropeChain(shape, random, cases);
    gatingChain(shape, random, cases);
    decodeChain(shape, random, cases);
    cacheChain(shape, 9, random, cases);
  }
  const RowShape chunk = {std::min(sizes.chunk, 64u), 1, 96};
  normChain(chunk, random, cases);
  softmaxChain({chunk.tokens, 2, 128}, random, cases);
  return cases;
}

} // namespace llmc::conformance
