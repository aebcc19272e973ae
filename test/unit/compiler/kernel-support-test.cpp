// A kernel that the target refuses is an error before anything is encoded.
#include "test/unit/compiler/NoServices.h"
#include "test/unit/targets/KnownTarget.h"

#include "compiler/Emit/EmitKernels.h"
#include "dialects/Npu/Npu.h"
#include "targets/Rnpu/RnpuTarget.h"

#include "catch2/catch.hpp"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace llmc::target;

namespace llmc::test {
namespace {

/// The rnpu but for the kernels that a test takes away.
class Restricted : public Target {
public:
  explicit Restricted(const Target &whole) : whole(whole) {}

  const std::string &name() const override { return ownName; }
  std::vector<MachineText> descriptions() const override { return whole.descriptions(); }
  Legalization legalization(const Machine &machine) const override {
    return whole.legalization(machine);
  }
  Verdict supports(const Machine &machine, const KernelWork &work) const override {
    if (const auto *matmul = std::get_if<Matmul>(&work))
      if (refuseScores && matmul->kind == MatmulKind::Scores)
        return {false, "f16 products are left to others"};
    if (const auto *chain = std::get_if<VectorChain>(&work))
      for (const ChainStep &step : chain->steps)
        if (refuseExp && step.step == Step::Exp)
          return {false, "step exp is not there"};
    return whole.supports(machine, work);
  }
  uint64_t cycles(const Machine &machine, const KernelWork &work) const override {
    return whole.cycles(machine, work);
  }
  uint64_t dmaCycles(const Machine &machine, Space offChip, uint64_t bytes, uint64_t runs,
                     bool isLoad) const override {
    return whole.dmaCycles(machine, offChip, bytes, runs, isLoad);
  }
  uint32_t rowGranule(const Machine &machine) const override { return whole.rowGranule(machine); }
  std::optional<std::vector<uint8_t>> emit(const Machine &, const Program &program,
                                           std::string &) const override {
    encoded.push_back(program.entry);
    return std::vector<uint8_t>(64);
  }
  std::string disassemble(const std::vector<uint8_t> &, std::string &) const override { return ""; }

  bool refuseScores = false, refuseExp = false;
  mutable std::vector<std::string> encoded;

private:
  const Target &whole;
  std::string ownName = "restricted";
};

const char *const text = R"(
npu.program @decode decode rows 1 arguments [] scratch 0 sram 192 {
  %x = npu.buffer "x" bytes 64 at 0
  %k = npu.buffer "k" bytes 64 at 64
  %y = npu.buffer "y" bytes 64 at 128
  npu.matmul "scores" scores %x, %k, %y [#npu.access<element = f16, bytes = 32, token_stride = 32>, #npu.access<element = f16, bytes = 32, token_stride = 32>, #npu.access<element = f32, bytes = 4, token_stride = 16>] tokens <1> sub 1 n <1> k <16> scale 0.5
  npu.trips 2 {
    npu.chain "softmax" %y, %x [#npu.access<element = f32, bytes = 16, token_stride = 16>, #npu.access<element = f32, bytes = 16, token_stride = 16>] tokens <1> sub 1 columns <4> position -1 first 0 steps [#npu.step<kind = load_matrix, operand = 0>, #npu.step<kind = exp, a = 0>, #npu.step<kind = store_matrix, a = 1, operand = 1>] loc("model/attention")
  }
}
plan.file producer "test" {
  plan.target @npu backend "rnpu" device "small"
  plan.region @code dram constant size 64 align 64 access <cpu_reads, device_reads>
  plan.segment @kernels kernel in @code at 0 size 64 align 64
  plan.kernel @run of @decode parameters [] bounds [] in @kernels on @npu args 0
})";

struct Encoding {
  Encoding() {
    context.loadDialect<npu::NpuDialect, plan::PlanDialect>();
    module = parseSourceString<ModuleOp>(text, &context);
    REQUIRE(module);
    REQUIRE(!rnpu.machines().empty());
    target = std::make_unique<Restricted>(*rnpu);
  }

  bool run() {
    plan::FileOp file = *module->getOps<plan::FileOp>().begin();
    return encodeKernels(file, {*target, rnpu.machines().front()}, NoServices(), error).has_value();
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  KnownTarget rnpu{rnpu::createTarget()};
  std::unique_ptr<Restricted> target;
  std::string error;
};

} // namespace

TEST_CASE("kernels that the target takes are encoded") {
  Encoding encoding;
  INFO(encoding.error);
  CHECK(encoding.run());
  CHECK(encoding.target->encoded == std::vector<std::string>{"decode"});
}

TEST_CASE("a refused kernel is named with its place, the reason and what to do") {
  Encoding encoding;
  encoding.target->refuseExp = true;
  CHECK_FALSE(encoding.run());
  CHECK(encoding.error == "entry 'decode', npu.chain 'softmax' at loc(\"model/attention\"): target "
                          "'restricted' does not support it on rnpu-soc: step exp is not there; "
                          "use another recipe or another target");
  CHECK(encoding.target->encoded.empty());
}

TEST_CASE("matrix multiplications are asked for as well") {
  Encoding encoding;
  encoding.target->refuseScores = true;
  CHECK_FALSE(encoding.run());
  CHECK(encoding.error.find("npu.matmul 'scores'") != std::string::npos);
  CHECK(encoding.error.find("f16 products are left to others") != std::string::npos);
  CHECK(encoding.target->encoded.empty());
}

} // namespace llmc::test
