// Generated matrix kernels against scalar code, bit for bit, on every instruction set this machine
// has.
#include "test/unit/targets/LlvmMatmulKit.h"

#include "targets/Llvm/Layout/X86PackedRows.h"
#include "targets/Llvm/Lower.h"
#include "targets/X86/X86Isa.h"

#include "catch2/catch.hpp"

#include <cstring>

using namespace llmc::target;
using namespace llmc::test;

namespace {

const IsaTable *const isas[] = {&x86Avx512(), &x86Avx2(), &x86Amx()};

const WeightFormat w8{ElementType::I8, ScaleKind::F32Row, 0};
const WeightFormat w4{ElementType::I4, ScaleKind::F32Row, 0};
const WeightFormat m16{ElementType::I4, ScaleKind::MultiplierF32Row, 16};
const WeightFormat m32{ElementType::I4, ScaleKind::MultiplierF32Row, 32};
const WeightFormat m64{ElementType::I4, ScaleKind::MultiplierF32Row, 64};
const WeightFormat g8{ElementType::I4, ScaleKind::F16Group, 8}; // A run ends by its groups.
const WeightFormat g32{ElementType::I4, ScaleKind::F16Group, 32};
const WeightFormat g128{ElementType::I4, ScaleKind::F16Group, 128};
const WeightFormat f24{ElementType::I4, ScaleKind::F32Group, 24};
const WeightFormat b32{ElementType::I8, ScaleKind::F32Group, 32};
const WeightFormat whole{ElementType::I4, ScaleKind::F16Group, 0};
const WeightFormat m24{ElementType::I4, ScaleKind::MultiplierF32Row, 24};
const std::vector<WeightFormat> formats{w8, w4, m16, m24, m32, m64, g8, g32, g128, f24, b32, whole};

std::string describe(const LinearCase &data, const IsaTable &isa) {
  return isa.name + ": element " + std::to_string(int(data.format.element)) + ", scale " +
         std::to_string(int(data.format.scale)) + ", group " + std::to_string(data.format.group) +
         ", m " + std::to_string(data.m) + ", n " + std::to_string(data.n) + ", k " +
         std::to_string(data.k) + ", epilogue " + std::to_string(int(data.epilogue));
}

struct LinearKernels {
  PackRows pack;
  Matmul matmul;
  std::vector<KernelRequest> requests;
};

/// There is a gap between rows of outputs, but not where they fill lines and are many.
uint32_t outStrideOf(const LinearCase &data) {
  return data.outputs() * 4 + (data.outputs() % 16 == 0 && data.m > 512 ? 0 : 8);
}

/// Rows of A with a gap, two sub-rows a token where the number is even and more than 2; tokens an
/// argument.
LinearKernels kernelsOf(const LinearCase &data) {
  LinearKernels kernels;
  const uint32_t subRows = data.m > 2 && data.m % 2 == 0 ? 2 : 1;
  const uint32_t a = data.k + 3, out = outStrideOf(data);
  const Extent tokens{data.m / subRows, data.m == 1 ? int16_t(-1) : int16_t(0)};
  kernels.pack = {tokens, subRows, data.k, data.layout.scaledByGroup() ? data.format.group : 0};
  kernels.matmul.tokens = tokens;
  kernels.matmul.subRows = subRows;
  kernels.matmul.n = {data.n, -1};
  kernels.matmul.k = {data.k, -1};
  kernels.matmul.format = data.format;
  kernels.matmul.epilogue = data.epilogue;
  const KernelOperand rows{ElementType::I8, a * subRows, a}, packed{ElementType::U8};
  kernels.requests.push_back({"linear",
                              kernels.matmul,
                              {data.m == 1 ? rows : packed,
                               {ElementType::F32, 4 * subRows, 4},
                               {data.format.element},
                               {ElementType::F32, out * subRows, out}}});
  if (data.m > 1)
    kernels.requests.push_back({"pack", kernels.pack, {rows, packed}});
  return kernels;
}

void runParts(Kernel *kernel, std::vector<void *> operands, uint32_t tokens, uint32_t parts) {
  for (uint32_t part = parts; part-- > 0;)
    kernel(operands.data(), &tokens, part, parts);
}

void check(const LinearCase &data, const IsaTable &isa) {
  INFO(describe(data, isa));
  const LinearKernels kernels = kernelsOf(data);
  std::string error;
  const auto blob = lowerLlvm(kernels.requests, isa, error);
  INFO(error);
  REQUIRE(blob);
  if (!canRun(isa))
    return;
  const BlobImage image(*blob);
  const uint32_t aStride = data.k + 3, outStride = outStrideOf(data);
  std::vector<int8_t> rows(size_t(data.m) * aStride, int8_t(99));
  for (size_t i = 0; i < data.m; ++i)
    std::copy_n(data.activations.begin() + ptrdiff_t(i * data.k), data.k,
                rows.begin() + ptrdiff_t(i * aStride));
  Guarded weights(data.packed.size());
  std::copy(data.packed.begin(), data.packed.end(), weights.data());
  std::vector<float> scales = data.activationScales;
  const std::vector<float> expected = data.expected();
  for (uint32_t parts : {1u, 2u, 5u}) {
    Guarded packed(packedRowsBytes(isa, kernels.pack));
    Guarded out(size_t(data.m) * outStride);
    const size_t line = data.outputs() * 4;
    for (size_t row = 0; row < data.m; ++row)
      std::memcpy(out.data() + row * outStride, data.before.data() + row * data.outputs(), line);
    if (data.m > 1)
      runParts(image.entry<Kernel>("pack"), {rows.data(), packed.data()}, kernels.pack.tokens.value,
               parts);
    void *a = data.m > 1 ? static_cast<void *>(packed.data()) : rows.data();
    runParts(image.entry<Kernel>("linear"), {a, scales.data(), weights.data(), out.data()},
             kernels.pack.tokens.value, parts);
    size_t wrong = 0;
    for (size_t row = 0; row < data.m; ++row) {
      const uint8_t *got = out.data() + row * outStride;
      wrong += std::memcmp(got, expected.data() + row * data.outputs(), line) != 0;
      for (size_t i = line; i < outStride; ++i)
        wrong += got[i] != 0xa5;
    }
    INFO(parts << " parts");
    CHECK(wrong == 0);
    CHECK((out.intact() && packed.intact()));
  }
}

} // namespace

TEST_CASE("Packed weights come back") {
  for (const WeightFormat &format : formats)
    for (uint32_t columns : {1u, 7u, 40u, 64u, 200u})
      for (uint32_t rows : {1u, 16u, 19u}) {
        const LinearCase data(format, 1, rows, columns, columns + rows);
        CHECK(data.packed.size() == data.layout.bytes(rows));
        CHECK(data.layout.blockBytes % 64 == 0);
        const UnpackedRows back = unpackX86(data.layout, data.packed.data(), rows);
        CHECK(back.elements == data.weights.elements);
        if (data.layout.hasMultipliers())
          CHECK(back.multipliers == data.weights.multipliers);
        if (format.scale == ScaleKind::F16Group)
          CHECK(back.halfScales == data.weights.halfScales);
        else
          CHECK((data.layout.scaledByGroup() ? back.groupScales == data.weights.groupScales
                                             : back.rowScales == data.weights.rowScales));
      }
}

TEST_CASE("The layout is the documented one") {
  std::string error;
  const auto layout = X86WeightLayout::of(m32, 96, error);
  REQUIRE(layout);
  CHECK(layout->paddedColumns == 128);
  CHECK(layout->groups == 3);
  CHECK(layout->multipliers == 128 * 8);
  CHECK(layout->scales == 128 * 8 + 64);
  CHECK(layout->blockBytes == 128 * 8 + 64 + 64);
  const LinearCase data(m32, 1, 5, 96, 3);
  const auto weight = [&](uint32_t row, uint32_t column) {
    return uint32_t(data.weights.elements[row * 96 + column] + 8);
  };
  CHECK(data.packed[64 * 3 + 4 * 2 + 1] == (weight(2, 25) | weight(2, 29) << 4));
  CHECK(data.packed[layout->multipliers + 16 + 4] == data.weights.multipliers[4 * 3 + 2] - 1);
}

TEST_CASE("One row") {
  const IsaTable *isa = GENERATE(from_range(std::begin(isas), std::end(isas)));
  for (const WeightFormat &format : formats)
    for (uint32_t k : {1u, 40u, 64u, 200u, 2112u})
      check(LinearCase(format, 1, 5 + k % 60, k, k), *isa);
}

TEST_CASE("Many rows") {
  const IsaTable *isa = GENERATE(from_range(std::begin(isas), std::end(isas)));
  for (const WeightFormat &format : formats) {
    check(LinearCase(format, 2, 1, 3, 1), *isa);
    check(LinearCase(format, 17, 70, 100, 2), *isa);
    check(LinearCase(format, 40, 128, 64, 3), *isa);
    check(LinearCase(format, 33, 35, 2112, 4), *isa);
    check(LinearCase(format, 70, 49, 1160, 5), *isa);
  }
}

TEST_CASE("More rows than wait on the stack at a time") {
  for (const IsaTable *isa : isas)
    for (const WeightFormat &format : {w8, m32, g32})
      check(LinearCase(format, 531, 20, 600, 8), *isa);
}

TEST_CASE("Rows of outputs that follow each other without a gap") {
  for (const IsaTable *isa : isas)
    for (const WeightFormat &format : {w8, m16, g32})
      check(LinearCase(format, 520, 544, 64, 9), *isa);
}

TEST_CASE("Sums are added to what the output holds") {
  const IsaTable *isa = GENERATE(from_range(std::begin(isas), std::end(isas)));
  for (const WeightFormat &format : formats) {
    check(LinearCase(format, 1, 37, 200, 11, Epilogue::Add), *isa);
    check(LinearCase(format, 35, 83, 200, 12, Epilogue::Add), *isa);
  }
  check(LinearCase(m32, 520, 544, 64, 13, Epilogue::Add), *isa);
}

TEST_CASE("Gates and ups") {
  const IsaTable *isa = GENERATE(from_range(std::begin(isas), std::end(isas)));
  for (const WeightFormat &format : formats) {
    check(LinearCase(format, 1, 96, 200, 14, Epilogue::SiluMul), *isa);
    check(LinearCase(format, 2, 32, 3, 15, Epilogue::SiluMul), *isa);
    check(LinearCase(format, 35, 160, 1160, 16, Epilogue::SiluMul), *isa);
  }
  check(LinearCase(m32, 520, 1088, 64, 17, Epilogue::SiluMul), *isa);
}

TEST_CASE("No rows at all: nothing is written") {
  for (const IsaTable *isa : isas) {
    const LinearCase data(m32, 9, 20, 70, 5);
    const LinearKernels kernels = kernelsOf(data);
    std::string error;
    const auto blob = lowerLlvm(kernels.requests, *isa, error);
    REQUIRE(blob);
    if (!canRun(*isa))
      continue;
    const BlobImage image(*blob);
    Guarded nothing(0);
    std::vector<float> scales(9);
    runParts(image.entry<Kernel>("pack"), {nothing.data(), nothing.data()}, 0, 2);
    runParts(image.entry<Kernel>("linear"),
             {nothing.data(), scales.data(), nothing.data(), nothing.data()}, 0, 2);
    CHECK(nothing.intact());
  }
}

TEST_CASE("Linear layers without code are refused with the reason") {
  std::string error;
  const LinearCase data(m32, 4, 20, 70, 6);
  const auto refusal = [&](const KernelRequest &request, const IsaTable &isa) {
    CHECK_FALSE(lowerLlvm({request}, isa, error));
    return error;
  };
  KernelRequest request = kernelsOf(data).requests.front();
  Matmul &matmul = std::get<Matmul>(request.work);
  matmul.format.group = 12;
  CHECK_THAT(refusal(request, x86Avx2()),
             Catch::Contains("kernel 'linear' for 'avx2'") && Catch::Contains("groups of 12"));
  matmul.format = m32;
  matmul.k = {200000, -1};
  CHECK_THAT(refusal(request, x86Avx2()), Catch::Contains("200000 columns"));
  matmul.k = {70, 0};
  CHECK_THAT(refusal(request, x86Avx2()), Catch::Contains("n and k must be numbers"));
  matmul.k = {70, -1};
  matmul.epilogue = Epilogue::SiluMul;
  CHECK_THAT(refusal(request, x86Avx2()), Catch::Contains("20 rows, not a multiple of 32"));
  matmul.epilogue = Epilogue::Store;
  request.operands[0].type = ElementType::I8;
  CHECK_THAT(refusal(request, x86Avx2()), Catch::Contains("packed rows"));
  request.operands.pop_back();
  CHECK_THAT(refusal(request, x86Avx2()), Catch::Contains("3 operands"));
  request = kernelsOf(LinearCase(g32, 4, 20, 64, 7)).requests.front();
  std::get<Matmul>(request.work).k = {32768, -1};
  std::get<Matmul>(request.work).format.group = 16384;
  CHECK_THAT(refusal(request, x86Avx512()),
             Catch::Contains("bytes of stack") && Catch::Contains("use smaller groups"));
}
