// Probe rules of elementwise operators.
#include "passes/Raising/Node.h"
#include "passes/Raising/Probe.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace llmc::passes {

using Element = HostTensor::Element;

//===-- One operand -------------------------------------------------------===//

template <float (*Fn)(float)> static NodeResults floatUnary(const NodeInputs &in) {
  const HostTensor *x = in.at(0);
  if (!x || !x->isFloat())
    return std::nullopt;
  HostTensor result = *x;
  for (float &value : result.floats)
    value = Fn(value);
  return oneResult(std::move(result));
}

template <class FloatFn, class IntFn>
static NodeResults unary(const NodeInputs &in, FloatFn floatFn, IntFn intFn) {
  const HostTensor *x = in.at(0);
  if (!x || x->element == Element::Other)
    return std::nullopt;
  HostTensor result = *x;
  for (float &value : result.floats)
    value = floatFn(value);
  for (int64_t &value : result.ints)
    value = intFn(value);
  return oneResult(std::move(result));
}

static NodeResults neg(const NodeInputs &in) {
  return unary(in, [](float x) { return -x; }, [](int64_t x) { return int64_t(-uint64_t(x)); });
}

static NodeResults absolute(const NodeInputs &in) {
  return unary(
      in, [](float x) { return std::fabs(x); },
      [](int64_t x) { return x < 0 ? int64_t(-uint64_t(x)) : x; });
}

static NodeResults logicalNot(const NodeInputs &in) {
  return unary(in, [](float x) { return x; }, [](int64_t x) { return int64_t(x == 0); });
}

static NodeResults identity(const NodeInputs &in) {
  return in.at(0) ? oneResult(*in.at(0)) : NodeResults();
}

static NodeResults isNan(const NodeInputs &in) {
  const HostTensor *x = in.at(0);
  if (!x || !x->isFloat())
    return std::nullopt;
  HostTensor result = HostTensor::shapeOnly(Element::Bool, x->shape);
  result.hasData = x->hasData;
  for (float value : x->floats)
    result.ints.push_back(std::isnan(value));
  return oneResult(std::move(result));
}

/// A shape passes where the elements do not matter to raising.
static NodeResults sameShape(const NodeInputs &in) {
  return in.at(0) ? oneResult(HostTensor::shapeOnly(in.at(0)->element, in.at(0)->shape))
                  : NodeResults();
}

static float sine(float x) { return float(std::sin(double(x))); }
static float cosine(float x) { return float(std::cos(double(x))); }
static float root(float x) { return std::sqrt(x); }
static float reciprocal(float x) { return 1.0F / x; }
static float floorOf(float x) { return std::floor(x); }
static float ceilOf(float x) { return std::ceil(x); }

static HostTensor castTo(const HostTensor &x, Element element) {
  HostTensor result = HostTensor::shapeOnly(element, x.shape);
  result.hasData = x.hasData && element != Element::Other;
  if (!result.hasData)
    return result;
  for (int64_t i = 0, count = x.size(); i < count; ++i) {
    if (element == Element::Float32)
      result.floats.push_back(x.isFloat() ? x.floats[i] : float(x.ints[i]));
    else if (element == Element::Bool)
      result.ints.push_back(x.isFloat() ? x.floats[i] != 0 : x.ints[i] != 0);
    else if (x.isFloat())
      result.ints.push_back(std::fabs(x.floats[i]) < 0x1p63F ? int64_t(x.floats[i]) : 0);
    else
      result.ints.push_back(element == Element::Int32 ? int32_t(x.ints[i]) : x.ints[i]);
  }
  return result;
}

static NodeResults cast(const NodeInputs &in) {
  const HostTensor *x = in.at(0);
  if (!x || x->element == Element::Other)
    return std::nullopt;
  return oneResult(castTo(*x, elementOfOnnx(intAttribute(in.node, "to", 0))));
}

static NodeResults castLike(const NodeInputs &in) {
  if (!in.at(0) || !in.at(1) || in.at(0)->element == Element::Other)
    return std::nullopt;
  return oneResult(castTo(*in.at(0), in.at(1)->element));
}

//===-- Two operands ------------------------------------------------------===//

/// `result` says the element kind; where it has none, that of the operands.
template <class FloatFn, class IntFn>
static NodeResults binary(const NodeInputs &in, std::optional<Element> result, FloatFn floatFn,
                          IntFn intFn) {
  const HostTensor *a = in.at(0), *b = in.at(1);
  if (!a || !b || in.inputs.size() != 2 || a->isFloat() != b->isFloat() ||
      a->element == Element::Other || b->element == Element::Other)
    return std::nullopt;
  auto shape = broadcastShape(a->shape, b->shape);
  if (!shape)
    return std::nullopt;
  HostTensor out = HostTensor::shapeOnly(result.value_or(a->element), *shape);
  out.hasData = a->hasData && b->hasData && out.size() <= in.limit;
  if (!out.hasData)
    return oneResult(std::move(out));
  forEachIndex(out.shape, [&](ArrayRef<int64_t> index, int64_t) {
    int64_t i = broadcastIndex(a->shape, index), j = broadcastIndex(b->shape, index);
    if (out.isFloat())
      out.floats.push_back(float(floatFn(a->floats[i], b->floats[j])));
    else if (a->isFloat())
      out.ints.push_back(int64_t(floatFn(a->floats[i], b->floats[j])));
    else
      out.ints.push_back(int64_t(intFn(a->ints[i], b->ints[j])));
  });
  return oneResult(std::move(out));
}

/// The same expression on floats and integers.
#define LLMC_BINARY_RULE(NAME, RESULT, EXPRESSION)                                                 \
  static NodeResults NAME(const NodeInputs &in) {                                                  \
    auto rule = [](auto a, auto b) { return EXPRESSION; };                                         \
    return binary(in, RESULT, rule, rule);                                                         \
  }
LLMC_BINARY_RULE(maximum, std::nullopt, a > b ? a : b)
LLMC_BINARY_RULE(minimum, std::nullopt, a < b ? a : b)
LLMC_BINARY_RULE(equal, Element::Bool, a == b)
LLMC_BINARY_RULE(less, Element::Bool, a < b)
LLMC_BINARY_RULE(lessOrEqual, Element::Bool, a <= b)
LLMC_BINARY_RULE(greater, Element::Bool, a > b)
LLMC_BINARY_RULE(greaterOrEqual, Element::Bool, a >= b)
LLMC_BINARY_RULE(logicalAnd, Element::Bool, a != 0 && b != 0)
LLMC_BINARY_RULE(logicalOr, Element::Bool, a != 0 || b != 0)
#undef LLMC_BINARY_RULE

/// Integers wrap around.
template <class Fn> static NodeResults wrapping(const NodeInputs &in, Fn fn) {
  return binary(in, std::nullopt, fn,
                [fn](int64_t a, int64_t b) { return int64_t(fn(uint64_t(a), uint64_t(b))); });
}

static NodeResults add(const NodeInputs &in) {
  return wrapping(in, [](auto a, auto b) { return a + b; });
}

static NodeResults subtract(const NodeInputs &in) {
  return wrapping(in, [](auto a, auto b) { return a - b; });
}

static NodeResults multiply(const NodeInputs &in) {
  return wrapping(in, [](auto a, auto b) { return a * b; });
}

/// Quotient towards zero; what has none (a division by zero, the one overflow) is 0.
static int64_t quotient(int64_t a, int64_t b) {
  if (b == 0 || (a == std::numeric_limits<int64_t>::min() && b == -1))
    return 0;
  return a / b;
}

static NodeResults divide(const NodeInputs &in) {
  return binary(in, std::nullopt, [](float a, float b) { return a / b; }, quotient);
}

static NodeResults modulo(const NodeInputs &in) {
  return binary(
      in, std::nullopt, [](float a, float b) { return std::fmod(a, b); },
      [](int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : ((a % b) + b) % b; });
}

static NodeResults power(const NodeInputs &in) {
  return binary(
      in, std::nullopt, [](float a, float b) { return std::pow(double(a), double(b)); },
      [](int64_t a, int64_t b) { return std::llround(std::pow(double(a), double(b))); });
}

static NodeResults where(const NodeInputs &in) {
  const HostTensor *condition = in.at(0), *a = in.at(1), *b = in.at(2);
  if (!condition || !a || !b || a->isFloat() != b->isFloat() || a->element == Element::Other)
    return std::nullopt;
  auto values = broadcastShape(a->shape, b->shape);
  auto shape = values ? broadcastShape(condition->shape, *values) : values;
  if (!shape)
    return std::nullopt;
  HostTensor out = HostTensor::shapeOnly(a->element, *shape);
  out.hasData = condition->hasData && a->hasData && b->hasData && out.size() <= in.limit;
  if (!out.hasData)
    return oneResult(std::move(out));
  forEachIndex(out.shape, [&](ArrayRef<int64_t> index, int64_t) {
    const HostTensor *from = condition->ints[broadcastIndex(condition->shape, index)] ? a : b;
    int64_t at = broadcastIndex(from->shape, index);
    if (out.isFloat())
      out.floats.push_back(from->floats[at]);
    else
      out.ints.push_back(from->ints[at]);
  });
  return oneResult(std::move(out));
}

void addElementwiseRules(NodeRules &rules) {
  rules.insert({{"Neg", neg},
                {"Abs", absolute},
                {"Not", logicalNot},
                {"Identity", identity},
                {"IsNaN", isNan},
                {"Sigmoid", sameShape},
                {"Softmax", sameShape},
                {"Sin", floatUnary<sine>},
                {"Cos", floatUnary<cosine>},
                {"Sqrt", floatUnary<root>},
                {"Reciprocal", floatUnary<reciprocal>},
                {"Floor", floatUnary<floorOf>},
                {"Ceil", floatUnary<ceilOf>},
                {"Cast", cast},
                {"CastLike", castLike}});
  rules.insert({{"Add", add},
                {"Sub", subtract},
                {"Mul", multiply},
                {"Div", divide},
                {"Mod", modulo},
                {"Pow", power},
                {"Max", maximum},
                {"Min", minimum},
                {"Equal", equal},
                {"Less", less},
                {"LessOrEqual", lessOrEqual},
                {"Greater", greater},
                {"GreaterOrEqual", greaterOrEqual},
                {"And", logicalAnd},
                {"Or", logicalOr},
                {"Where", where}});
}

} // namespace llmc::passes
