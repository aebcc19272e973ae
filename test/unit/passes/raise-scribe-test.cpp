// Raising the trained model as four exporters wrote it.
#include "compiler/Import/Onnx/ImportOnnx.h"
#include "dialects/Lm/LmWeights.h"
#include "passes/Raising/FingerprintWeights.h"
#include "passes/Raising/RaisingPasses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/DenseSet.h"

#include "catch2/catch.hpp"

#include <map>

using namespace llmc;

namespace {

std::string modelPath(const std::string &name) {
  return std::string(LLMC_TEST_DATA "/scribe-6m/") + name + ".onnx";
}

/// One model and what raising said about it. Diagnostics are collected, not printed.
struct Raised {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::shared_ptr<passes::RaiseReport> report = std::make_shared<passes::RaiseReport>();
  std::string diagnostics;
  bool succeeded = false;

  explicit Raised(const std::string &name) {
    context.disableMultithreading();
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &diagnostic) {
      diagnostics += diagnostic.str() + "\n";
      for (const mlir::Diagnostic &note : diagnostic.getNotes())
        diagnostics += note.str() + "\n";
    });
    auto imported = importOnnx(modelPath(name), context);
    REQUIRE(mlir::succeeded(imported));
    module = std::move(imported->module);
  }

  Raised &raise(int64_t positions = 512) {
    mlir::PassManager manager(&context);
    passes::buildRaisePipeline(manager, {positions, report, ""});
    succeeded = mlir::succeeded(manager.run(*module));
    return *this;
  }

  std::string fingerprint() {
    mlir::PassManager manager(&context);
    manager.addPass(passes::createFingerprintWeightsPass());
    REQUIRE(mlir::succeeded(manager.run(*module)));
    std::string text;
    llvm::raw_string_ostream stream(text);
    module->print(stream);
    return text;
  }

  std::map<std::string, int64_t> operations() {
    std::map<std::string, int64_t> counts;
    module->walk([&](mlir::Operation *op) { ++counts[op->getName().getStringRef().str()]; });
    return counts;
  }

  lm::WeightOp weight(const std::string &name) {
    auto found = module->lookupSymbol<lm::WeightOp>(name);
    INFO("weight " << name);
    REQUIRE(found);
    return found;
  }
};

const std::vector<std::string> floatModels = {"decomposed-torchscript", "decomposed-dynamo",
                                              "fused-genai"};

const char *bytesOf(lm::WeightOp weight) {
  auto resource = mlir::dyn_cast<mlir::DenseResourceElementsAttr>(weight.getValue());
  return resource ? resource.getRawHandle().getBlob()->getData().data() : nullptr;
}

/// Integers and scales of a packed layer as the file stores them, read without the raising code.
struct PackedLayer {
  int64_t rows, columns;
  std::vector<int> integers;
  std::vector<float> scales;

  PackedLayer(Raised &file, const std::string &name) {
    lm::WeightOp packed = file.weight(name + "_Q4"), grid = file.weight(name + "_scales");
    auto shape = packed.tensorType().getShape();
    REQUIRE(shape.size() == 3);
    rows = shape[0];
    columns = shape[1] * shape[2] * 2;
    for (int64_t i = 0; i < rows * columns / 2; ++i) {
      auto byte = static_cast<unsigned char>(bytesOf(packed)[i]);
      integers.push_back(int(byte & 15) - 8);
      integers.push_back(int(byte >> 4) - 8);
    }
    const auto *values = reinterpret_cast<const float *>(bytesOf(grid));
    scales.assign(values, values + grid.tensorType().getNumElements());
  }
};

/// Rows `begin ...` of the packed layer are the raised weight `name`.
void checkEqual(Raised &raised, const std::string &name, const PackedLayer &layer, int64_t begin) {
  INFO("layer " << name);
  auto integers = lm::viewOf(raised.weight(name));
  auto scales = lm::viewOf(raised.weight(name + ".scales"));
  REQUIRE(mlir::succeeded(integers));
  REQUIRE(mlir::succeeded(scales));
  int64_t rows = integers->shape[0], columns = integers->shape[1], groups = scales->shape[1];
  REQUIRE(columns == layer.columns);
  REQUIRE(groups == columns / 32);
  REQUIRE(begin + rows <= layer.rows);
  int64_t different = 0;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column)
      different +=
          integers->as<int8_t>()[row * integers->strides[0] + column * integers->strides[1]] !=
          layer.integers[(begin + row) * columns + column];
    for (int64_t group = 0; group < groups; ++group)
      different += scales->as<float>()[row * scales->strides[0] + group * scales->strides[1]] !=
                   layer.scales[(begin + row) * groups + group];
  }
  CHECK(different == 0);
}

} // namespace

TEST_CASE("three exporters become one program") {
  std::string first;
  for (const std::string &name : floatModels) {
    Raised raised(name);
    raised.raise();
    INFO(name << ": " << raised.diagnostics);
    REQUIRE(raised.succeeded);
    CHECK(raised.diagnostics.empty());
    std::string text = raised.fingerprint();
    if (first.empty())
      first = text;
    CHECK(text == first);
  }
  CHECK(first.find("lm.digest") != std::string::npos);
}

TEST_CASE("the canonical program has the operations of six layers") {
  for (const std::string &name : floatModels) {
    Raised raised(name);
    REQUIRE(raised.raise().succeeded);
    auto counts = raised.operations();
    INFO(name);
    CHECK(counts["lm.embed"] == 1);
    CHECK(counts["lm.rms_norm"] == 13);
    CHECK(counts["lm.linear"] == 43);
    CHECK(counts["lm.rope"] == 12);
    CHECK(counts["lm.attention"] == 6);
    CHECK(counts["lm.gated_act"] == 6);
    CHECK(counts["lm.add"] == 12);
    CHECK(counts["lm.weight"] == 56); // 9 a layer, embedding, final norm; the head is tied.
    CHECK(counts["lm.kv_state"] == 1);
    CHECK(counts["lm.opaque"] == 0);
    CHECK(counts["builtin.unrealized_conversion_cast"] == 0);
  }
}

TEST_CASE("the report lists matches and snaps") {
  for (const std::string &name : floatModels) {
    Raised raised(name);
    REQUIRE(raised.raise().succeeded);
    INFO(name);
    bool fused = name == "fused-genai";
    CHECK(raised.report->matchCount("attention") == 6);
    CHECK(raised.report->matchCount("gated_act silu") == 6);
    CHECK(raised.report->matchCount("rope") == (fused ? 0 : 12));
    CHECK(raised.report->matchCount("rms_norm") == (fused ? 1 : 13));
    CHECK(raised.report->nearlyMatched.empty());
    CHECK(raised.report->unmatched.empty());
    // The decomposed scales are one ulp off, the fused one is exact.
    REQUIRE(raised.report->snaps.size() == (fused ? 1 : 2));
    const auto &rope = raised.report->snaps[0];
    CHECK(rope.what == "rope table to base 10000, dimension 32, scaling 1");
    CHECK(rope.count == 12);
    CHECK(rope.largestDifference > 0);
    CHECK(rope.largestDifference <= rope.tolerance);
    if (!fused) {
      CHECK(raised.report->snaps[1].what == "attention scale to 1/sqrt(32)");
      CHECK(raised.report->snaps[1].count == 6);
      CHECK(raised.report->snaps[1].largestDifference == 1);
    }
  }
}

TEST_CASE("float weights stay in the mapped file") {
  for (const std::string &name : floatModels) {
    Raised raised(name);
    llvm::DenseSet<const char *> mapped;
    for (auto weight : raised.module->getOps<lm::WeightOp>())
      mapped.insert(bytesOf(weight));
    REQUIRE(raised.raise().succeeded);
    for (auto weight : raised.module->getOps<lm::WeightOp>()) {
      INFO(name << " " << weight.getSymName().str());
      CHECK(mapped.contains(bytesOf(weight)));
    }
  }
}

TEST_CASE("int4: integers and scales are the file's") {
  Raised file("fused-genai-int4"), raised("fused-genai-int4");
  raised.raise();
  INFO(raised.diagnostics);
  REQUIRE(raised.succeeded);
  for (int layer = 0; layer < 6; ++layer) {
    std::string from = "model.layers." + std::to_string(layer) + ".";
    std::string to = "layers." + std::to_string(layer) + ".";
    PackedLayer qkv(file, from + "attn.qkv_proj.MatMul.weight");
    checkEqual(raised, to + "q", qkv, 0);
    checkEqual(raised, to + "k", qkv, 256);
    checkEqual(raised, to + "v", qkv, 384);
    checkEqual(raised, to + "o", PackedLayer(file, from + "attn.o_proj.MatMul.weight"), 0);
    for (std::string role : {"gate", "up", "down"})
      checkEqual(raised, to + role, PackedLayer(file, from + "mlp." + role + "_proj.MatMul.weight"),
                 0);
  }
  PackedLayer head(file, "lm_head.MatMul.weight");
  checkEqual(raised, "embed", head, 0);
  CHECK(llvm::any_of(head.scales, [](float scale) { return scale < 0; }));

  auto counts = raised.operations();
  CHECK(counts["lm.quantized_embed"] == 1);
  CHECK(counts["lm.quantized_linear"] == 43);
  CHECK(counts["lm.quantize_rows"] ==
        25); // One a norm's or activation's reader set: 4 a layer, head.
  CHECK(counts["lm.linear"] == 0);
  CHECK(counts["lm.weight"] == 99);
  REQUIRE(raised.report->notes.size() == 1);
  CHECK(raised.report->notes[0].count == 31);
  CHECK(raised.report->notes[0].text.find("accuracy_level 4") != std::string::npos);
}

TEST_CASE("a context beyond the model's tables is an error that says so") {
  Raised raised("fused-genai");
  raised.raise(513);
  CHECK_FALSE(raised.succeeded);
  CHECK(raised.diagnostics.find("com.microsoft::GroupQueryAttention (version 1) x 6") !=
        std::string::npos);
  CHECK(raised.diagnostics.find("its cos cache has 512 positions, the context has 513") !=
        std::string::npos);
  CHECK(raised.report->unmatched.size() >= 6);
}

TEST_CASE("a context that nobody states is an error") {
  Raised raised("decomposed-dynamo");
  raised.raise(0);
  CHECK_FALSE(raised.succeeded);
  CHECK(raised.diagnostics.find("the context length is not known") != std::string::npos);
}
