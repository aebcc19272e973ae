// Chains of random steps.
#include "tools/conformance/Cases.h"
#include "tools/conformance/ChainCase.h"

#include "runtime/base/numerics.h"
#include "targets/Reference/ReferenceKernel.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::conformance {

using namespace target;

namespace {

constexpr Step binarySteps[] = {Step::Add, Step::Sub, Step::Mul, Step::Max, Step::Min};
constexpr Step unarySteps[] = {Step::Sigmoid, Step::RoundF16, Step::SumLanes, Step::AbsMax};

/// Values of the same kind are taken alike: a row where one is needed, else any.
struct Values {
  std::vector<uint8_t> rows, all;
  uint8_t row(Random &random) const { return rows[random.below(uint32_t(rows.size()))]; }
  uint8_t any(Random &random) const { return all[random.below(uint32_t(all.size()))]; }
  void add(uint8_t value, bool isRow) {
    all.push_back(value);
    if (isRow)
      rows.push_back(value);
  }
  bool isRow(uint8_t value) const { return std::count(rows.begin(), rows.end(), value) > 0; }
};

Case randomCase(Random &random, size_t most) {
  const RowShape shape = {1 + random.below(5), 1 + random.below(3), 1 + random.below(90),
                          random.below(2) * 3};
  ChainCase chain(shape, random);
  Values values;
  values.add(chain.load(Step::LoadMatrix, ElementType::F32), true);
  values.add(chain.load(Step::LoadRow, ElementType::F16), true);
  values.add(chain.load(Step::LoadScalar, ElementType::F32), false);
  while (chain.steps() + 2 < most) {
    if (random.below(3) > 0) {
      const uint8_t a = values.any(random), b = values.any(random);
      values.add(chain.step(binarySteps[random.below(5)], a, b),
                 values.isRow(a) || values.isRow(b));
    } else {
      const Step step = unarySteps[random.below(4)];
      const bool reduces = step == Step::SumLanes || step == Step::AbsMax;
      const uint8_t a = reduces ? values.row(random) : values.any(random);
      values.add(chain.step(step, a), !reduces && values.isRow(a));
    }
  }
  chain.store(Step::StoreMatrix, values.rows.back());
  chain.store(Step::StoreMatrix, values.row(random), ElementType::F16);
  chain.describe(fmt::format("{} steps", most));
  return chain.take();
}

/// Whether all results are numbers that no machine flushes: those alone are promised to be equal.
bool isObservable(const Case &data) {
  const auto after = data.expected(data.calls.front());
  for (size_t i = 0; i < after.size(); ++i)
    for (size_t k = 0; data.writes(i) && k * 4 + 4 <= after[i].size(); ++k) {
      if (data.operands[i].type == ElementType::F16)
        break;
      const uint32_t bits =
          llmc_bits(elementOf(ElementType::F32, after[i].data(), k)) & LLMC_BITS_MAGNITUDE;
      if (bits >= LLMC_BITS_INF || (bits != 0 && bits < LLMC_BITS_MIN_NORMAL))
        return false;
    }
  return true;
}

} // namespace

std::vector<Case> randomChainCases(const CaseSizes &sizes) {
  Random random(sizes.seed * 47);
  std::vector<Case> cases;
  const size_t longest = std::min(sizes.maxSteps, 48u);
  for (size_t most = std::min<size_t>(longest, 8); most <= longest; most += 4)
    for (int tries = 0; tries < 20; ++tries)
      if (Case data = randomCase(random, most); isObservable(data)) {
        cases.push_back(std::move(data));
        break;
      }
  return cases;
}

} // namespace llmc::conformance
