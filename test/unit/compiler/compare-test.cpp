// The comparison of levels finds what a wrong pass changed, and says where.
#include "test/unit/compiler/ChainFixture.h"

#include "compiler/Pipeline/Compare.h"
#include "compiler/Pipeline/ModelDigest.h"
#include "dialects/Npu/Npu.h"
#include "passes/Fusion/Fuse.h"
#include "passes/Specialization/Specialize.h"

#include "catch2/catch.hpp"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace llmc::test {
namespace {

/// A small model, its comparison, and its specialized and fused form.
struct Levels {
  explicit Levels(ChainShape shape = {}) {
    context.loadDialect<lm::LmDialect, npu::NpuDialect, func::FuncDialect, arith::ArithDialect>();
    module = parseSourceString<ModuleOp>(ChainText(shape, 3).module(), &context);
    REQUIRE(module);
    std::vector<int64_t> chunks = {16, 4};
    comparison = std::make_unique<LevelComparison>(*module, chunks);
    PassManager manager(&context);
    passes::SpecializePassOptions options;
    options.chunks.assign(chunks.begin(), chunks.end());
    options.headRows = 4;
    manager.addPass(passes::createSpecializePass(options));
    manager.addNestedPass<func::FuncOp>(passes::createFusePass());
    REQUIRE(succeeded(manager.run(*module)));
  }

  /// The operation `OpTy` number `index` of a function.
  template <class OpTy> OpTy find(StringRef function, int index) {
    OpTy found;
    module->lookupSymbol<func::FuncOp>(function).walk([&](OpTy op) {
      if (index-- == 0)
        found = op;
    });
    REQUIRE(found);
    return found;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<LevelComparison> comparison;
};

} // namespace

TEST_CASE("levels that agree are judged, and equal") {
  Levels levels;
  CHECK(levels.comparison->compare(*levels.module) == "");
  CHECK(levels.comparison->comparisons() == 5); // two chunks, full and partial, and decode alone
}

TEST_CASE("a context shorter than every chunk is judged too") {
  ChainShape shape;
  shape.capacity = 3;
  Levels levels(shape);
  CHECK(levels.comparison->compare(*levels.module) == "");
  CHECK(levels.comparison->comparisons() == 3);
}

TEST_CASE("the first operation that differs is named, with its entry") {
  Levels levels;
  OpBuilder builder(&levels.context);
  SECTION("a norm of a prefill layer") {
    auto norm = levels.find<lm::RmsNormOp>("layer_0_rows_16", 1);
    norm.setEpsilonAttr(builder.getF32FloatAttr(0.5f));
    CHECK_THAT(levels.comparison->compare(*levels.module),
               Catch::Contains("@prefill_16") && Catch::Contains("lm.rms_norm number 1"));
  }
  SECTION("the attention of decode alone") {
    auto attention = levels.find<lm::AttentionOp>("layer_0_rows_1", 0);
    attention.setScaleAttr(builder.getF32FloatAttr(0.5f));
    CHECK_THAT(levels.comparison->compare(*levels.module),
               Catch::Contains("@decode") && Catch::Contains("lm.attention number 0"));
  }
  SECTION("the head") {
    auto norm = levels.find<lm::RmsNormOp>("head_1", 0);
    norm.setEpsilonAttr(builder.getF32FloatAttr(0.5f));
    CHECK_THAT(levels.comparison->compare(*levels.module), Catch::Contains("logit"));
  }
}

TEST_CASE("a model's digest follows its numbers and not its names") {
  MLIRContext context;
  context.loadDialect<lm::LmDialect, func::FuncDialect, arith::ArithDialect>();
  ChainShape shape;
  auto digest = [&](std::string text) {
    return modelDigest(*parseSourceString<ModuleOp>(text, &context));
  };
  std::string text = ChainText(shape, 3).module(), renamed = text;
  for (size_t at = 0; (at = renamed.find("@l0.q", at)) != std::string::npos; at += 5)
    renamed.replace(at, 5, "@x0.q");
  CHECK(digest(text) == digest(renamed));
  CHECK(digest(text) != digest(ChainText(shape, 4).module()));
  shape.capacity = 41; // more room for the same model
  CHECK(digest(text) == digest(ChainText(shape, 3).module()));
}

} // namespace llmc::test
