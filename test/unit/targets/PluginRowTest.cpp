// What llmc answers plugins whose kernels read weights row by row.
#include "targets/Llvm/Layout/RowWeightLayout.h"
#include "targets/Plugin/Convert.h"
#include "targets/Plugin/HostCall.h"
#include "targets/Plugin/RowServices.h"

#include "catch2/catch.hpp"

#include <string>

using namespace llmc::target;

namespace {

/// Counts calls of services, and those that have returned.
struct Services final : PluginWatch {
  void enter(std::string_view, std::string_view) override {}
  void leave() override {}
  void enterHost() override { ++begun; }
  void leaveHost() override { ++done; }
  unsigned begun = 0, done = 0;
};

struct Asked {
  Services services;
  HostContext context{services};
  std::string reason;
  llmc_host host{};
  Machine machine;
  PlainMachine plain{machine};
  llmc_sink sink{&reason, [](void *ctx, const void *data, size_t size) {
                   static_cast<std::string *>(ctx)->append(static_cast<const char *>(data), size);
                 }};
  llmc_target_call call{sizeof(llmc_target_call), 0, nullptr, &host, &plain.machine(), &sink};
  Asked() {
    host.ctx = &context;
    addRowServices(host);
  }
  /// All calls were services of llmc for the watch.
  ~Asked() {
    CHECK(services.begun > 0);
    CHECK(services.done == services.begun);
  }
};

Matmul linear() {
  Matmul matmul;
  matmul.tokens = {1};
  matmul.n = {4};
  matmul.k = {64};
  matmul.format = {ElementType::I8, ScaleKind::F32Row, 0};
  return matmul;
}

} // namespace

TEST_CASE("row services say what the lowering takes") {
  IsaTable isa;
  isa.name = "mine";
  const auto refusal = [&](const Matmul &matmul) {
    Asked asked;
    const PlainKernel kernel{KernelWork(matmul)};
    const llmc_isa_table table = plainOf(isa);
    const int answer = asked.host.rows_supports(&asked.call, &kernel.kernel(), &table);
    CHECK(answer == (asked.reason.empty() ? 1 : 0));
    return asked.reason;
  };
  CHECK(refusal(linear()) == "");
  Matmul odd = linear();
  odd.format = {ElementType::I4, ScaleKind::F16Group, 24};
  CHECK_THAT(refusal(odd), Catch::Contains("groups of 24"));
  isa.dot = DotKind::Described;
  CHECK_THAT(refusal(linear()), Catch::Contains("products of 0 sums"));
  isa.dot = DotKind::Vpdpbusd;
  CHECK_THAT(refusal(linear()), Catch::Contains("'mine' does not read weights row by row"));
  Asked asked;
  CHECK(asked.host.rows_supports(&asked.call, nullptr, nullptr) == 0);
  CHECK(asked.reason == "rows_supports was given NULL");
}

TEST_CASE("row services pack as the layout says, and nothing else") {
  Asked asked;
  const std::vector<int8_t> elements(4 * 64, 3);
  const std::vector<float> scales(4, 0.5f);
  WeightRows rows;
  rows.format = linear().format;
  rows.rows = 4;
  rows.columns = 64;
  rows.elements = elements.data();
  rows.rowScales = scales.data();
  const llmc_weights plain = plainOf(rows);
  uint64_t bytes = 0;
  REQUIRE(asked.host.rows_packed_bytes(&asked.call, &plain.shape, &bytes) == 1);
  std::string error;
  std::vector<uint8_t> expected, out(bytes);
  packRows(*RowWeightLayout::of(rows.format, rows.columns, error), rows, expected);
  CHECK(asked.host.rows_pack(&asked.call, &plain, out.data(), bytes) == 1);
  CHECK(out == expected);
  CHECK(asked.host.rows_pack(&asked.call, &plain, out.data(), bytes - 1) == 0);
  CHECK_THAT(asked.reason, Catch::Contains("the layout has " + std::to_string(bytes)));
  const llmc_pack_rows pack = plainOf(PackRows{{5}, 2, 40, 0});
  CHECK(asked.host.rows_packed_rows_bytes(&asked.call, &pack, &bytes) == 1);
  CHECK(bytes == 5 * 2 * 64);
}
