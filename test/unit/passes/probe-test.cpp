// Probing: operators on small tensors, and graphs that no exporter writes.
#include "compiler/Import/Onnx/ImportOnnx.h"
#include "passes/Raising/Probe.h"
#include "passes/Raising/RaisingPasses.h"
#include "passes/Raising/RopeTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include "catch2/catch.hpp"

#include <cmath>
#include <random>

using namespace llmc;
using passes::HostTensor;

namespace {

/// Evaluates the last node of a function body whose values are i64 tensors.
struct Evaluated {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::optional<HostTensor> tensor;

  Evaluated(const std::string &body, passes::ProbePoint point = {2, 3}) {
    context.loadDialect<lm::LmDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect>();
    std::string text = R"(func.func @main(%ids: tensor<?x?xi64> {lm.role = "ids"},
        %mask: tensor<?x?xi64> {lm.role = "mask"}, %positions: tensor<?x?xi64> {lm.role = "positions"}) {
      )" + body + "\nreturn }";
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    REQUIRE(module);
    auto function = *module->getOps<mlir::func::FuncOp>().begin();
    passes::Probe probe(function, point);
    mlir::Operation *last = function.getBody().front().getTerminator()->getPrevNode();
    if (const HostTensor *found = probe.find(last->getResult(0)))
      tensor = *found;
  }
};

std::string constant(const std::string &name, const std::string &values, int count) {
  return "%" + name + " = arith.constant dense<" + values + "> : tensor<" + std::to_string(count) +
         "xi64>\n";
}

std::string node(const std::string &type, const std::string &operands, int count,
                 const std::string &attributes = "") {
  std::string names;
  size_t begin = 0;
  for (int i = 0; i < count; ++i) {
    size_t end = std::min(operands.find(' ', begin), operands.size());
    names += (i ? ", %" : "%") + operands.substr(begin, end - begin);
    begin = end + 1;
  }
  return "%r = \"lm.opaque\"(" + names + ") {domain = \"\", op_type = \"" + type +
         "\", version = 18 : i64, node_name = \"n\", node_attributes = {" + attributes +
         "}} : (TYPES) -> tensor<*xi64>\n";
}

/// A node on constants of rank 1 with the given lengths.
std::string onConstants(std::string text, const std::vector<int> &lengths) {
  std::string types;
  for (size_t i = 0; i < lengths.size(); ++i)
    types += (i ? ", tensor<" : "tensor<") + std::to_string(lengths[i]) + "xi64>";
  return text.replace(text.find("TYPES"), 5, types);
}

using Ints = std::vector<int64_t>;

} // namespace

TEST_CASE("arguments hold what their role says") {
  Evaluated positions(R"(%r = lm.opaque "" "Identity" version 18 name "n"(%positions) {}
                          : (tensor<?x?xi64>) -> tensor<*xi64>)");
  REQUIRE(positions.tensor);
  CHECK(positions.tensor->ints == Ints{3, 4});
  Evaluated mask(R"(%r = lm.opaque "" "ReduceSum" version 18 name "n"(%mask) {keepdims = 0 : i64}
                     : (tensor<?x?xi64>) -> tensor<*xi64>)");
  REQUIRE(mask.tensor);
  CHECK(mask.tensor->ints == Ints{5});
  Evaluated ids(R"(%r = lm.opaque "" "Shape" version 18 name "n"(%ids) {start = -1 : i64}
                    : (tensor<?x?xi64>) -> tensor<*xi64>)");
  REQUIRE(ids.tensor);
  CHECK(ids.tensor->ints == Ints{2});
  Evaluated unknown(R"(%r = lm.opaque "" "Neg" version 18 name "n"(%ids) {}
                        : (tensor<?x?xi64>) -> tensor<*xi64>)");
  REQUIRE(unknown.tensor);
  CHECK_FALSE(unknown.tensor->hasData);
}

TEST_CASE("slices follow ONNX at both ends") {
  auto slice = [](const std::string &start, const std::string &end, const std::string &step) {
    Evaluated result(constant("x", "[0, 1, 2, 3, 4]", 5) + constant("s", start, 1) +
                     constant("e", end, 1) + constant("a", "0", 1) + constant("t", step, 1) +
                     onConstants(node("Slice", "x s e a t", 5), {5, 1, 1, 1, 1}));
    return result.tensor ? result.tensor->ints : Ints{-99};
  };
  CHECK(slice("1", "3", "1") == Ints{1, 2});
  CHECK(slice("-2", "9223372036854775807", "1") == Ints{3, 4});
  CHECK(slice("-9223372036854775808", "-2", "1") == Ints{0, 1, 2});
  CHECK(slice("0", "5", "2") == Ints{0, 2, 4});
  CHECK(slice("4", "-9223372036854775808", "-2") == Ints{4, 2, 0});
  CHECK(slice("-1", "0", "-1") == Ints{4, 3, 2, 1});
  CHECK(slice("1", "4", "9223372036854775807") == Ints{1});
  CHECK(slice("3", "1", "1").empty());
}

TEST_CASE("integer arithmetic neither traps nor wanders") {
  auto binary = [](const std::string &type, const std::string &a, const std::string &b) {
    Evaluated result(constant("a", a, 1) + constant("b", b, 1) +
                     onConstants(node(type, "a b", 2), {1, 1}));
    return result.tensor && result.tensor->hasData ? result.tensor->ints[0] : -99;
  };
  CHECK(binary("Div", "7", "-2") == -3);
  CHECK(binary("Div", "7", "0") == 0);
  CHECK(binary("Div", "-9223372036854775808", "-1") == 0);
  CHECK(binary("Mod", "-7", "3") == 2);
  CHECK(binary("Mod", "-9223372036854775808", "-1") == 0);
  CHECK(binary("Add", "9223372036854775807", "1") == std::numeric_limits<int64_t>::min());
  CHECK(binary("Mul", "3", "-5") == -15);
  CHECK(binary("LessOrEqual", "3", "3") == 1);
}

TEST_CASE("shapes that cannot be are not known") {
  auto reshape = [](const std::string &shape, int length) {
    return Evaluated(constant("x", "[0, 1, 2, 3, 4, 5]", 6) + constant("s", shape, length) +
                     onConstants(node("Reshape", "x s", 2), {6, length}));
  };
  auto good = reshape("[2, -1]", 2).tensor;
  REQUIRE(good);
  CHECK(good->shape == llvm::SmallVector<int64_t, 4>{2, 3});
  CHECK_FALSE(reshape("[-2, -3]", 2).tensor);
  CHECK_FALSE(reshape("[-1, -1]", 2).tensor);
  CHECK_FALSE(reshape("[4294967296, 4294967296, 6]", 3).tensor);
  CHECK_FALSE(
      Evaluated(constant("s", "[-5]", 1) + onConstants(node("ConstantOfShape", "s", 1), {1}))
          .tensor);
  CHECK_FALSE(Evaluated(constant("s", "[4294967296, 4294967296]", 2) +
                        onConstants(node("ConstantOfShape", "s", 1), {2}))
                  .tensor);
  Evaluated uneven(
      "%x = arith.constant dense<1> : tensor<2x3xi64>\n"
      "%y = arith.constant dense<1> : tensor<4x3xi64>\n"
      "%r = lm.opaque \"\" \"Concat\" version 18 name \"n\"(%x, %y) {axis = 1 : i64} : "
      "(tensor<2x3xi64>, tensor<4x3xi64>) -> tensor<*xi64>");
  CHECK_FALSE(uneven.tensor);
  CHECK_FALSE(Evaluated(constant("x", "[1, 2]", 2) + constant("i", "2", 1) +
                        onConstants(node("Gather", "x i", 2), {2, 1}))
                  .tensor);
}

TEST_CASE("a rotary table snaps to its formula and to no other") {
  passes::RopeTable table{40, 8, {}, {}};
  auto fill = [&](double base, double nudge) {
    table.cosines.clear();
    table.sines.clear();
    for (int64_t position = 0; position < table.positions; ++position)
      for (int64_t pair = 0; pair < table.half; ++pair) {
        float angle = float(position) * float(std::pow(base, -double(pair) / double(table.half)));
        table.cosines.push_back(float(std::cos(double(angle)) + nudge * (1 + position)));
        table.sines.push_back(float(std::sin(double(angle))));
      }
  };
  for (double base : {10000.0, 500000.0, 1000000.0, 25250.0}) {
    fill(base, 0);
    passes::RopeSnap snap = passes::snapRope(table);
    REQUIRE(snap.formula);
    CHECK(snap.formula->base == base);
    CHECK(snap.formula->scaling == 1);
    CHECK(snap.largestDifference == 0);
  }
  // As stored by a graph in half precision: two formulas that differ by more are still told apart.
  for (double base : {10000.0, 500000.0, 1000000.0, 150000.0})
    for (int lostBits : {13, 16}) {
      fill(base, 0);
      for (std::vector<float> *numbers : {&table.cosines, &table.sines})
        for (float &number : *numbers) {
          int exponent = 0;
          double significand = std::frexp(double(number), &exponent);
          significand = std::nearbyint(std::ldexp(significand, 24 - lostBits));
          number = float(std::ldexp(significand, exponent - 24 + lostBits));
        }
      CAPTURE(base, lostBits);
      CHECK_FALSE(passes::snapRope(table).formula);
      passes::RopeSnap snap = passes::snapRope(table, lostBits);
      REQUIRE(snap.formula);
      CHECK(snap.formula->base == base);
    }
  fill(10000, 0x1p-24);
  CHECK(passes::snapRope(table).formula);
  fill(10000, 0x1p-20);
  CHECK_FALSE(passes::snapRope(table).formula);
  fill(10000, 0);
  table.sines[20 * table.half + 3] += 0x1p-10F;
  passes::RopeSnap snap = passes::snapRope(table);
  CHECK_FALSE(snap.formula);
  CHECK(snap.failure.find("position 20, pair 3: sin is") == 0);
}

namespace {

/// Broken graphs from each model; a few seconds.
constexpr unsigned mutants = 12;

/// Changes one node as a broken exporter, or a broken disk, would.
void mutate(mlir::ModuleOp module, std::mt19937 &random) {
  std::vector<lm::OpaqueOp> nodes;
  module->walk([&](lm::OpaqueOp op) { nodes.push_back(op); });
  auto pick = [&] { return nodes[random() % nodes.size()]; };
  lm::OpaqueOp victim = pick();
  mlir::Builder builder(module.getContext());
  switch (random() % 5) {
  case 0:
    if (victim->getNumOperands() > 0)
      victim->eraseOperand(victim->getNumOperands() - 1);
    break;
  case 1: {
    lm::OpaqueOp other = pick();
    if (other->isBeforeInBlock(victim) && victim->getNumOperands() > 0)
      victim->setOperand(random() % victim->getNumOperands(), other->getResult(0));
    break;
  }
  case 2:
    victim.setNodeAttributesAttr(builder.getDictionaryAttr({}));
    break;
  case 3: {
    mlir::NamedAttrList attributes(victim.getNodeAttributes());
    const int64_t values[] = {-1,
                              0,
                              1,
                              1 << 20,
                              std::numeric_limits<int64_t>::max(),
                              std::numeric_limits<int64_t>::min()};
    for (mlir::NamedAttribute attribute : victim.getNodeAttributes())
      if (mlir::isa<mlir::IntegerAttr>(attribute.getValue()))
        attributes.set(attribute.getName(), builder.getI64IntegerAttr(values[random() % 6]));
    victim.setNodeAttributesAttr(attributes.getDictionary(module.getContext()));
    break;
  }
  default:
    victim.setOpType(pick().getOpType());
  }
}

} // namespace

TEST_CASE("broken graphs are errors, never crashes") {
  for (const char *name :
       {"decomposed-torchscript", "decomposed-dynamo", "fused-genai", "fused-genai-int4"})
    for (unsigned seed = 0; seed < mutants; ++seed) {
      mlir::MLIRContext context;
      context.disableMultithreading();
      int errors = 0;
      context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diagnostic) {
        errors += diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
      });
      auto model = importOnnx(std::string(LLMC_TEST_DATA "/scribe-6m/") + name + ".onnx", context);
      REQUIRE(mlir::succeeded(model));
      std::mt19937 random(seed);
      for (unsigned changes = 1 + random() % 3; changes > 0; --changes)
        mutate(*model->module, random);
      mlir::PassManager manager(&context);
      passes::buildRaisePipeline(manager, {512, nullptr, ""});
      bool succeeded = mlir::succeeded(manager.run(*model->module));
      INFO(name << ", seed " << seed);
      CHECK(succeeded == (errors == 0));
      int64_t left = 0;
      if (succeeded)
        model->module->walk([&](lm::OpaqueOp) { ++left; });
      CHECK(left == 0);
    }
}
