// Kernels that read weights row by row against scalar code, bit for bit. What they are written in
// has no order of its own, so this machine's vectors stand for those of a microcontroller.
#include "test/unit/targets/LlvmMatmulKit.h"

#include "targets/Llvm/Layout/RowWeightLayout.h"
#include "targets/Llvm/Lower.h"
#include "targets/X86/X86Isa.h"

#include "catch2/catch.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

using namespace llmc::target;
using namespace llmc::test;

namespace {

const WeightFormat formats[] = {
    {ElementType::I8, ScaleKind::F32Row, 0},
    {ElementType::I4, ScaleKind::F32Row, 0},
    {ElementType::I4, ScaleKind::MultiplierF32Row, 16},
    {ElementType::I4, ScaleKind::MultiplierF32Row, 32},
    {ElementType::I4, ScaleKind::MultiplierF32Row, 64},
    {ElementType::I4, ScaleKind::F16Group, 32},
    {ElementType::I4, ScaleKind::F16Group, 160},
    {ElementType::I4, ScaleKind::F32Group, 16},
    {ElementType::I8, ScaleKind::F32Group, 32},
    {ElementType::I4, ScaleKind::F16Group, 0},
};

/// Two shapes of code: four rows of activations at once, and two.
IsaTable rowsIsa(uint32_t vectorBits) {
  IsaTable isa = x86Avx2();
  isa.name = "rows";
  isa.dot = DotKind::None;
  isa.vectorBits = vectorBits;
  return isa;
}

/// Products by an instruction that is known as data alone: u8 x s8, 16 sums.
IsaTable describedIsa() {
  IsaTable isa = x86Avx512();
  isa.name = "described";
  isa.dot = DotKind::Described;
  isa.products = {
      .intrinsic = "llvm.x86.avx512.vpdpbusd.512", .lanes = 16, .unsignedWeights = true};
  return isa;
}

std::vector<uint8_t> packed(const LinearCase &data) {
  std::string error;
  const auto layout = RowWeightLayout::of(data.format, data.k, error);
  INFO(error);
  REQUIRE(layout);
  std::vector<uint8_t> bytes;
  packRows(*layout, data.rows(), bytes);
  REQUIRE(bytes.size() == layout->bytes(data.n));
  return bytes;
}

struct Request {
  PackRows pack;
  std::vector<KernelRequest> kernels;
  uint32_t aStride, outStride;
};

/// Rows with gaps; tokens an argument where there are several.
Request requestOf(const LinearCase &data) {
  const Extent tokens{data.m, data.m == 1 ? int16_t(-1) : int16_t(0)};
  Request request{{tokens, 1, data.k, 0}, {}, data.k + 3, data.outputs() * 4 + 8};
  const KernelOperand rows{ElementType::I8, request.aStride}, packedRows{ElementType::U8};
  Matmul matmul;
  matmul.tokens = tokens;
  matmul.n = {data.n, -1};
  matmul.k = {data.k, -1};
  matmul.format = data.format;
  matmul.epilogue = data.epilogue;
  request.kernels = {{"linear",
                      matmul,
                      {data.m == 1 ? rows : packedRows,
                       {ElementType::F32, 4},
                       {data.format.element},
                       {ElementType::F32, request.outStride}}},
                     {"pack", request.pack, {rows, packedRows}}};
  return request;
}

void check(const LinearCase &data, const IsaTable &isa) {
  INFO("element " << int(data.format.element) << ", scale " << int(data.format.scale) << ", group "
                  << data.format.group << ", m " << data.m << ", n " << data.n << ", k " << data.k
                  << ", epilogue " << int(data.epilogue));
  const Request request = requestOf(data);
  std::string error;
  const auto blob = lowerLlvm(request.kernels, isa, error);
  INFO(error);
  REQUIRE(blob);
  const auto image = runnable(*blob, isa);
  if (!image)
    return;
  std::vector<int8_t> rows(size_t(data.m) * request.aStride, int8_t(99));
  for (size_t i = 0; i < data.m; ++i)
    std::copy_n(data.activations.begin() + ptrdiff_t(i * data.k), data.k,
                rows.begin() + ptrdiff_t(i * request.aStride));
  std::vector<uint8_t> bytes = packed(data);
  Guarded weights(bytes.size());
  std::copy(bytes.begin(), bytes.end(), weights.data());
  std::vector<float> scales = data.activationScales;
  const std::vector<float> expected = data.expected();
  const size_t line = data.outputs() * 4;
  for (uint32_t parts : {1u, 3u}) {
    Guarded packedRows(packedRowBytes(request.pack)), out(size_t(data.m) * request.outStride);
    for (size_t row = 0; row < data.m; ++row)
      std::memcpy(out.data() + row * request.outStride, data.before.data() + row * data.outputs(),
                  line);
    if (data.m > 1)
      image->run("pack", {operandOf(rows), packedRows.operand()}, {data.m}, parts);
    image->run("linear",
               {data.m > 1 ? packedRows.operand() : operandOf(rows), operandOf(scales),
                weights.operand(), out.operand()},
               {data.m}, parts);
    size_t wrong = 0;
    for (size_t row = 0; row < data.m; ++row)
      wrong += std::memcmp(out.data() + row * request.outStride,
                           expected.data() + row * data.outputs(), line) != 0;
    CHECK(wrong == 0);
    CHECK((out.intact() && packedRows.intact()));
  }
}

} // namespace

TEST_CASE("Linear layers row by row, bit for bit") {
  const IsaTable isa = GENERATE(rowsIsa(128), rowsIsa(32), describedIsa());
  for (const WeightFormat &format : formats)
    for (const auto &[m, n, k] : {std::tuple{1u, 5u, 256u},
                                  {1u, 9u, 512u},
                                  {1u, 3u, 33u},
                                  {1u, 7u, 16u},
                                  {2u, 3u, 200u},
                                  {7u, 6u, 96u},
                                  {5u, 6u, 700u},
                                  {9u, 1u, 330u}})
      check(LinearCase(format, m, n, k, m * 100 + k), isa);
}

TEST_CASE("Linear layers by instructions of other machines, bit for bit") {
  const IsaTable isa = GENERATE(aarch64Dot(), hexagonHvx());
  for (const WeightFormat &format : formats)
    for (const auto &[m, n, k] : {std::tuple{1u, 9u, 600u}, {6u, 6u, 330u}})
      check(LinearCase(format, m, n, k, m * 100 + k), isa);
  for (const auto &[m, n, k] : {std::tuple{1u, 3u, 33u}, {1u, 1u, 1u}, {9u, 1u, 512u}})
    check(LinearCase(formats[3], m, n, k, m * 100 + k), isa);
}

TEST_CASE("Linear layers row by row with epilogues") {
  const IsaTable isa = GENERATE(rowsIsa(128), aarch64Dot(), hexagonHvx());
  for (const Epilogue epilogue : {Epilogue::Add, Epilogue::SiluMul})
    for (const WeightFormat &format : {formats[0], formats[3], formats[5]})
      for (const uint32_t m : {1u, 6u})
        check(LinearCase(format, m, 10, 96, m, epilogue), isa);
}

TEST_CASE("Embedding rows from rows of weights, bit for bit") {
  const IsaTable isa = GENERATE(rowsIsa(128), aarch64Dot(), hexagonHvx());
  constexpr uint32_t tokens = 4, tableRows = 11;
  for (const WeightFormat &format : formats)
    for (const uint32_t k : {1u, 20u, 64u, 203u}) {
      const LinearCase table(format, 1, tableRows, k, k);
      std::string error;
      const auto blob =
          lowerLlvm({{"embed",
                      EmbedRows{{tokens, 0}, k, format},
                      {{ElementType::I32, 4}, {format.element}, {ElementType::F32, k * 4 + 4}}}},
                    isa, error);
      INFO(error << " scale " << int(format.scale) << " group " << format.group << " k " << k);
      REQUIRE(blob);
      const auto image = runnable(*blob, isa);
      if (!image)
        return;
      std::vector<uint8_t> weights = packed(table);
      Guarded aligned(weights.size()), out(tokens * (k * 4 + 4));
      std::copy(weights.begin(), weights.end(), aligned.data());
      std::vector<int32_t> ids = {3, 0, 10, 3};
      const std::vector<float> expected = table.embedded(ids);
      image->run("embed", {operandOf(ids), aligned.operand(), out.operand()}, {tokens}, 3);
      size_t wrong = 0;
      for (uint32_t token = 0; token < tokens; ++token)
        for (uint32_t column = 0; column < k; ++column) {
          float value;
          std::memcpy(&value, out.data() + token * (k * 4 + 4) + column * 4, 4);
          wrong += value != expected[token * k + column];
        }
      CHECK(wrong == 0);
      CHECK(out.intact());
    }
}

TEST_CASE("An instruction that is not what a table says is refused") {
  const KernelRequest request =
      requestOf(LinearCase({ElementType::I8, ScaleKind::F32Group, 32}, 1, 5, 4096, 1)).kernels[0];
  const auto refusal = [&](const std::function<void(IsaTable &)> &change) {
    IsaTable isa = describedIsa();
    change(isa);
    std::string error;
    CHECK_FALSE(lowerLlvm({request}, isa, error));
    return error;
  };
  CHECK_THAT(refusal([](IsaTable &isa) { isa.products.lanes = 24; }),
             Catch::Contains("kernel 'linear' for 'described'") &&
                 Catch::Contains("products of 24 sums"));
  CHECK_THAT(refusal([](IsaTable &isa) { isa.products.intrinsic = "llvm.x86.dot"; }),
             Catch::Contains("no intrinsic 'llvm.x86.dot'"));
  CHECK_THAT(refusal([](IsaTable &isa) { isa.products.words = true; }),
             Catch::Contains("does not return 16 x i32") && Catch::Contains("two vectors of i32"));
  CHECK_THAT(refusal([](IsaTable &isa) { isa.stackBytes = 8 * 1024; }),
             Catch::Contains("4096 columns in groups take 4096 bytes of stack, 0 are left"));
}

TEST_CASE("What rows of weights cannot be is refused with the reason") {
  const IsaTable isa = rowsIsa(128);
  std::string error;
  KernelRequest request =
      requestOf(LinearCase({ElementType::I4, ScaleKind::F16Group, 32}, 1, 5, 64, 1)).kernels[0];
  Matmul &matmul = std::get<Matmul>(request.work);
  const auto refusal = [&] {
    CHECK_FALSE(lowerLlvm({request}, isa, error));
    return error;
  };
  matmul.format.group = 24;
  CHECK_THAT(refusal(),
             Catch::Contains("kernel 'linear' for 'rows'") && Catch::Contains("groups of 24"));
  matmul.format.group = 32;
  matmul.epilogue = Epilogue::SiluMul;
  CHECK_THAT(refusal(), Catch::Contains("5 rows, an odd number"));
  matmul.epilogue = Epilogue::Store;
  matmul.k = {200000, -1};
  CHECK_THAT(refusal(), Catch::Contains("200000 columns"));
  matmul.k = {64, 0};
  CHECK_THAT(refusal(), Catch::Contains("n and k must be numbers"));
  request.operands.pop_back();
  matmul.k = {64, -1};
  CHECK_THAT(refusal(), Catch::Contains("3 operands"));
}
