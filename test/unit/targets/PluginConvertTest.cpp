// Kernels, programs and tables through the plugin interface and back.
#include "test/unit/targets/RandomProgram.h"

#include "targets/Plugin/Convert.h"
#include "targets/Plugin/PlainReader.h"

#include "catch2/catch.hpp"

#include <random>

using namespace llmc;
using namespace llmc::target;

namespace {

class RandomKernel {
public:
  explicit RandomKernel(uint32_t seed) : random(seed) {}

  KernelRequest request() {
    KernelRequest request;
    request.name = "kernel." + std::to_string(random() % 1000);
    request.work = work();
    for (uint32_t i = random() % 6; i > 0; --i)
      request.operands.push_back({ElementType(random() % 7), random(), random(), argument(),
                                  random(), uint64_t(random()) << 20});
    return request;
  }

private:
  int16_t argument() { return int16_t(int(random() % 5) - 1); }
  Extent extent() { return {uint32_t(random()), argument()}; }
  float number() { return float(random()) / 1024; }
  WeightFormat format() {
    return {random() % 2 ? ElementType::I4 : ElementType::I8, ScaleKind(random() % 4),
            uint32_t(random() % 100)};
  }

  KernelWork work() {
    switch (random() % 5) {
    case 0: {
      VectorChain chain{extent(), random(), extent(), argument(), random(), {}};
      for (uint32_t i = random() % 20; i > 0; --i)
        chain.steps.push_back({Step(random() % LLMC_STEP_COUNT), uint8_t(random()),
                               uint8_t(random()), uint8_t(random()), number()});
      return chain;
    }
    case 1:
      return Matmul{MatmulKind(random() % 3),
                    extent(),
                    random(),
                    extent(),
                    extent(),
                    format(),
                    number(),
                    random() % 2 == 0,
                    Epilogue(random() % 3)};
    case 2:
      return PackRows{extent(), random(), random(), random()};
    case 3:
      return EmbedRows{extent(), random(), format(), random() % 2 == 0};
    }
    return Attention{extent(), random(), random(), random(), random(), number(), argument()};
  }

  struct Words {
    explicit Words(uint32_t seed) : engine(seed) {}
    uint32_t operator()() { return uint32_t(engine()); }
    std::mt19937 engine;
  } random;
};

} // namespace

TEST_CASE("kernels come back as they were") {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    const KernelRequest request = RandomKernel(seed).request();
    const PlainKernel plain(request), question(request.work);
    PlainReader reader;
    INFO("seed " << seed);
    CHECK(reader.request(plain.kernel()) == request);
    CHECK(reader.work(question.kernel()) == request.work);
    CHECK(question.kernel().n_operands == 0);
    CHECK(reader.error == "");
  }
}

TEST_CASE("programs come back as they were") {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    const Program program = test::RandomProgram(seed).image().program;
    const PlainProgram plain(program);
    PlainReader reader;
    INFO("seed " << seed);
    CHECK(reader.program(plain.program()) == program);
    CHECK(reader.error == "");
  }
}

TEST_CASE("an instruction set comes back as it was") {
  const IsaTable isa{.name = "one",
                     .triple = "aarch64-unknown-none-elf",
                     .cpu = "generic",
                     .features = "+dotprod",
                     .abi = "lp64",
                     .vectorBits = 256,
                     .dot = DotKind::Described,
                     .products = {"llvm.aarch64.neon.sdot.v4i32.v16i8", 4, true, true, false},
                     .codeModel = CodeModel::Medium,
                     .halfConversion = true,
                     .fusedMultiplyAdd = true,
                     .softFloat = true,
                     .stackBytes = 4096,
                     .blobAlignment = 64};
  PlainReader reader;
  const IsaTable back = reader.isa(plainOf(isa));
  CHECK(reader.error == "");
  CHECK(back.name + back.triple + back.cpu + back.features + back.abi ==
        isa.name + isa.triple + isa.cpu + isa.features + isa.abi);
  CHECK(back.vectorBits == isa.vectorBits);
  CHECK(back.dot == isa.dot);
  CHECK(back.products.intrinsic == isa.products.intrinsic);
  CHECK(back.products.lanes == isa.products.lanes);
  CHECK((back.products.words && back.products.unsignedWeights && !back.products.adds));
  CHECK(back.codeModel == isa.codeModel);
  CHECK((back.halfConversion && back.fusedMultiplyAdd && back.softFloat));
  CHECK(back.stackBytes == isa.stackBytes);
  CHECK(back.blobAlignment == isa.blobAlignment);
}

TEST_CASE("what comes through the interface is not believed") {
  const PlainKernel good(KernelWork(Matmul{}));
  const auto errorOf = [](const llmc_kernel &kernel) {
    PlainReader reader;
    reader.request(kernel);
    return reader.error;
  };
  CHECK(errorOf(good.kernel()) == "");
  llmc_kernel kernel = good.kernel();
  kernel.struct_size = 8;
  CHECK(errorOf(kernel) == "a kernel has struct_size 8, not " + std::to_string(sizeof kernel));
  kernel = good.kernel();
  kernel.kind = 5;
  CHECK(errorOf(kernel) == "a kernel's kind is 5, the last there is is 4");
  kernel.kind = LLMC_KERNEL_CHAIN;
  CHECK(errorOf(kernel) == "the chain of a kernel is NULL");
  kernel = good.kernel();
  kernel.name = nullptr;
  CHECK(errorOf(kernel) == "the name of a kernel is NULL");
  kernel = good.kernel();
  kernel.n_operands = 3;
  kernel.operands = nullptr;
  CHECK(errorOf(kernel) == "3 operands at NULL");
  llmc_matmul matmul = *good.kernel().matmul;
  kernel = good.kernel();
  kernel.matmul = &matmul;
  matmul.epilogue = 9;
  CHECK(errorOf(kernel) == "an epilogue is 9, the last there is is 2");
  matmul = *good.kernel().matmul;
  matmul.tokens.argument = 40000;
  CHECK(errorOf(kernel) == "an argument has index 40000");
  llmc_isa_table isa = plainOf(IsaTable());
  isa.blob_alignment = 48;
  PlainReader reader;
  reader.isa(isa);
  CHECK(reader.error == "blob_alignment is 48, not a power of two up to 4096");
}
