// Generated embedding kernels against scalar code, bit for bit, in every format and on every
// instruction set this machine has.
#include "test/unit/targets/LlvmMatmulKit.h"

#include "targets/Llvm/Lower.h"
#include "targets/X86/X86Isa.h"

#include "catch2/catch.hpp"

#include <algorithm>
#include <cstring>

using namespace llmc::target;
using namespace llmc::test;

namespace {

const IsaTable *const isas[] = {&x86Avx512(), &x86Avx2(), &x86Amx()};
const WeightFormat formats[] = {
    {ElementType::I8, ScaleKind::F32Row, 0},
    {ElementType::I4, ScaleKind::F32Row, 0},
    {ElementType::I4, ScaleKind::MultiplierF32Row, 16},
    {ElementType::I4, ScaleKind::MultiplierF32Row, 32},
    {ElementType::I4, ScaleKind::F16Group, 32},
    {ElementType::I4, ScaleKind::F32Group, 24},
    {ElementType::I8, ScaleKind::F32Group, 8},
    {ElementType::I4, ScaleKind::F16Group, 0},
};

constexpr uint32_t tokens = 9, tableRows = 37;

KernelRequest requestOf(const LinearCase &table, uint32_t stride) {
  return {"embed",
          EmbedRows{{tokens, 0}, table.k, table.format},
          {{ElementType::I32, 4}, {table.format.element}, {ElementType::F32, stride}}};
}

/// Rows with a gap; `count` of `tokens` tokens.
void check(const LinearCase &table, const IsaTable &isa, uint32_t count) {
  INFO(isa.name << ", scale " << int(table.format.scale) << ", group " << table.format.group
                << ", k " << table.k << ", " << count << " tokens");
  const uint32_t stride = table.k * 4 + 12;
  std::string error;
  const auto blob = lowerLlvm({requestOf(table, stride)}, isa, error);
  INFO(error);
  REQUIRE(blob);
  if (!canRun(isa))
    return;
  const BlobImage image(*blob);
  Guarded packed(table.packed.size());
  std::copy(table.packed.begin(), table.packed.end(), packed.data());
  std::vector<int32_t> ids;
  for (uint32_t i = 0; i < tokens; ++i)
    ids.push_back(int32_t(i * 13 % tableRows));
  ids[1] = ids[0];
  ids[2] = tableRows - 1;
  const std::vector<float> rows = table.embedded(ids);
  for (uint32_t parts : {1u, 3u}) {
    Guarded out(size_t(tokens) * stride);
    void *operands[] = {ids.data(), packed.data(), out.data()};
    for (uint32_t part = parts; part-- > 0;)
      image.entry<Kernel>("embed")(operands, &count, part, parts);
    for (uint32_t token = 0; token < tokens; ++token) {
      std::vector<uint8_t> expected(stride, 0xa5);
      if (token < count)
        std::memcpy(expected.data(), rows.data() + token * table.k, table.k * 4);
      CHECK(std::equal(expected.begin(), expected.end(), out.data() + size_t(token) * stride));
    }
    CHECK(out.intact());
  }
}

} // namespace

TEST_CASE("Embedding rows are the table's, bit for bit") {
  const IsaTable *isa = GENERATE(from_range(std::begin(isas), std::end(isas)));
  for (const WeightFormat &format : formats)
    for (uint32_t k : {1u, 40u, 64u, 203u}) {
      const LinearCase table(format, 1, tableRows, k, k);
      check(table, *isa, tokens);
      check(table, *isa, 2);
      check(table, *isa, 0);
    }
}

TEST_CASE("Embedding kernels without code are refused with the reason") {
  const LinearCase table(formats[3], 1, tableRows, 64, 1);
  std::string error;
  KernelRequest request = requestOf(table, 256);
  std::get<EmbedRows>(request.work).format.group = 12;
  CHECK_FALSE(lowerLlvm({request}, x86Avx2(), error));
  CHECK_THAT(error,
             Catch::Contains("kernel 'embed' for 'avx2'") && Catch::Contains("groups of 12"));
  request = requestOf(table, 256);
  request.operands[0].type = ElementType::F32;
  CHECK_FALSE(lowerLlvm({request}, x86Avx512(), error));
  CHECK_THAT(error, Catch::Contains("ids (i32)"));
}
