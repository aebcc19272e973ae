// The mutator of plans: most of what it makes is accepted, and what is accepted runs.
#include "catch2/catch.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "compiler/Emit/PlanWriter.h"
#include "runtime/plan/source.h"
#include "runtime/schema/explain.h"
#include "test/fuzz/plan_mutator.h"
#include "test/fuzz/plan_run.h"
#include "test/fuzz/seed_plans.h"

using namespace llmc;
using namespace llmc::fuzz;

namespace {

std::vector<std::vector<uint8_t>> seeds() {
  std::vector<std::vector<uint8_t>> all;
  for (const auto &[name, description] : seedPlans()) {
    INFO(name);
    std::vector<uint8_t> bytes;
    PlanWriterResult result = writePlan(description, bytes);
    INFO(result.error);
    REQUIRE(result);
    all.push_back(bytes);
  }
  return all;
}

} // namespace

TEST_CASE("a plan that is taken apart and put together is the same") {
  for (const std::vector<uint8_t> &seed : seeds()) {
    std::optional<PlanDescription> plan = takeApart(seed);
    REQUIRE(plan);
    CHECK(putTogether(*plan) == seed);
  }
}

TEST_CASE("mending leaves a good plan good") {
  for (const std::vector<uint8_t> &seed : seeds()) {
    Random random(1);
    std::optional<PlanDescription> plan = takeApart(seed);
    mendPlan(*plan, random);
    rt::Status status = openEveryWay(putTogether(*plan));
    INFO(rt::explain(status));
    CHECK(status.ok());
  }
}

TEST_CASE("a tensor without dimensions is mended like any other") {
  for (const std::vector<uint8_t> &seed : seeds()) {
    std::optional<PlanDescription> plan = takeApart(seed);
    rt::Operand four = plan->operands.front();
    four.extent = 4;
    four.move = rt::none8;
    plan->operands.push_back(four);
    for (EntryDescription &entry : plan->entries)
      for (TensorDescription &tensor : entry.outputs) {
        tensor.operand = uint16_t(plan->operands.size() - 1);
        tensor.dtype = rt::DType::F32;
        tensor.role = rt::TensorRole::Logits;
        tensor.dims = std::vector<uint32_t>();
      }
    Random random(1);
    mendPlan(*plan, random);
    for (const EntryDescription &entry : plan->entries)
      for (const TensorDescription &tensor : entry.outputs)
        CHECK(tensor.role == rt::TensorRole::Other);
    (void)openEveryWay(putTogether(*plan));
  }
}

TEST_CASE("the corpus is of this format, and is accepted or refused in every way alike") {
  size_t accepted = 0, other = 0, total = 0;
  for (const auto &entry :
       std::filesystem::directory_iterator(LLMC_TEST_DATA "/../fuzz/corpus/plan")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    const rt::Status status =
        openEveryWay({reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()});
    ++total;
    accepted += status.ok();
    other += status.code == LLMC_BAD_VERSION;
  }
  CHECK(total > 50);
  CHECK(accepted > 3);
  CHECK(other * 4 < total); // tools/fuzz --renew makes a corpus of the present format
}

TEST_CASE("at least three in ten mutated plans are accepted, and those run", "[mutator]") {
  // Mutations of mutations, as a fuzzer makes them; a refused one is built on half of the time.
  std::vector<std::vector<uint8_t>> pool = seeds();
  const size_t n = 4000;
  size_t accepted = 0, made = 0, ran = 0;
  std::map<std::string, size_t> refused;
  Random random(7);
  for (uint64_t round = 0; round < n; ++round) {
    std::vector<uint8_t> next = mutatePlan(pool[random.below(pool.size())], round);
    if (next.empty())
      continue;
    ++made;
    rt::Status status = openEveryWay(next);
    accepted += status.ok();
    if (!status.ok())
      ++refused[rt::explain({rt::Code(status.code), rt::Where(status.where), 0})];
    else if (round % 4 == 0)
      ran += runEverything(next).entries > 0;
    if (status.ok() || random.oneIn(2))
      pool[pool.size() < 200 ? (pool.push_back({}), pool.size() - 1) : random.below(200)] = next;
  }
  std::string list;
  std::vector<std::pair<size_t, std::string>> sorted;
  for (auto &[text, count] : refused)
    sorted.push_back({count, text});
  std::sort(sorted.rbegin(), sorted.rend());
  for (auto &[count, text] : sorted)
    list += std::to_string(count) + " " + text + "\n";
  WARN(accepted << " of " << made << " mutated plans are accepted (" << 100 * accepted / made
                << " %), " << ran << " of those tried ran an entry; refused for\n"
                << list);
  CHECK(made >= n * 9 / 10);
  CHECK(accepted * 10 >= made * 3);
  CHECK(ran > 100);
  CHECK(refused.size() >= 30);
}
