#include "tools/conformance/KernelChecks.h"

#include "compiler/Emit/PlanWriter.h"
#include "compiler/Library/CompilerLibrary.h"
#include "tools/conformance/CaseRunner.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::conformance {

using namespace target;

namespace {

/// Entries of one plan.
constexpr size_t mostCases = 48;
/// More for a case is a mistake.
constexpr uint64_t mostBytes = uint64_t(1) << 32;

class KernelClass {
public:
  KernelClass(const Subject &subject, const std::string &name)
      : subject(subject), target(subject.target), machine(subject.machine) {
    result.name = name;
  }

  ClassResult run(const std::vector<Case> &cases) {
    for (const Case &data : cases)
      if (const auto broken = brokenIn([&] { return claim(data); }))
        result.fail({data.shape, broken->function, broken->reason});
    for (const Variant &variant : variants())
      for (size_t first = 0; first < claimed.size(); first += mostCases)
        runSome(variant, first, std::min(claimed.size(), first + mostCases));
    for (const State &state : states)
      finish(state);
    return std::move(result);
  }

private:
  /// Of a claimed case.
  struct State {
    bool failed = false, ran = false;
    std::string noDevice;
  };

  /// A target that throws has broken its contract for one case; the others are checked.
  template <class Check> static std::optional<Broken> brokenIn(Check check) {
    try {
      return check();
    } catch (const std::exception &thrown) {
      const Failure failure = failureOf("", thrown);
      return Broken{failure.function, failure.reason};
    }
  }

  std::optional<Broken> claim(const Case &data) {
    for (const Failure &death : subject.deaths)
      if (death.what == data.shape)
        return Broken{death.function, death.reason};
    subject.note(data.shape);
    const auto refuse = [&](const std::string &reason) {
      result.refuse(reason);
      return std::nullopt;
    };
    const Verdict verdict = target.supports(machine, data.work);
    if (!verdict.supported)
      return refuse(verdict.reason);
    PackedCase packed;
    packed.data = &data;
    if (!packRows(data, packed))
      return std::nullopt;
    if (std::optional<Broken> broken = packWeights(data, packed))
      return broken;
    if (const uint64_t bytes = onChipBytes(machine, packed); bytes > onChipRoom())
      return refuse(fmt::format("cases beyond its {} bytes of on-chip memory, which the compiler "
                                "cuts into tiles",
                                onChipRoom()));
    if (std::optional<Broken> broken = estimate(data))
      return broken;
    claimed.push_back(std::move(packed));
    states.emplace_back();
    return std::nullopt;
  }

  /// Where the target cannot say, every case that it claims fails.
  std::vector<Variant> variants() {
    std::vector<Variant> list;
    subject.note("all cases");
    const auto broken = brokenIn([&]() -> std::optional<Broken> {
      list = target.variants(machine);
      return std::nullopt;
    });
    for (size_t i = 0; broken && i < claimed.size(); ++i)
      fail(i, {}, *broken);
    return list;
  }

  uint64_t onChipRoom() const {
    return machine.dispatch == DispatchKind::Stream ? machine.sram().bytes : UINT64_MAX;
  }

  /// False where rows are to be packed and cannot be; that is noted.
  bool packRows(const Case &data, PackedCase &packed) {
    const std::optional<PackRows> packing = data.packing();
    if (!packing || machine.dispatch == DispatchKind::Stream)
      return true;
    packed.rowsBytes = target.packedRowsBytes(machine, *packing);
    if (packed.rowsBytes == 0)
      return true;
    if (const Verdict verdict = target.supports(machine, *packing); !verdict.supported)
      result.refuse(verdict.reason);
    else if (packed.rowsBytes > mostBytes)
      result.fail(
          {data.shape, "packed_rows_bytes",
           fmt::format("{} bytes for {} rows of {} columns", packed.rowsBytes,
                       uint64_t(packing->tokens.value) * packing->subRows, packing->columns)});
    else
      return true;
    return false;
  }

  std::optional<Broken> packWeights(const Case &data, PackedCase &packed) const {
    if (!data.weights)
      return std::nullopt;
    const WeightMatrix &weights = *data.weights;
    const uint64_t bytes =
        target.packedBytes(machine, weights.format, weights.rows, weights.columns);
    if (bytes == 0 || bytes > mostBytes)
      return Broken{"packed_bytes",
                    fmt::format("{} bytes for weights of a kernel that is supported", bytes)};
    target.pack(machine, weights.view(), packed.weights);
    if (packed.weights.size() != bytes)
      return Broken{"pack", fmt::format("{} bytes, stated are {}", packed.weights.size(), bytes)};
    std::vector<uint8_t> again;
    target.pack(machine, weights.view(), again);
    if (again != packed.weights)
      return Broken{"pack", "the same weights twice give other bytes"};
    if (machine.dispatch == DispatchKind::Stream && target.readsRowRecords()) {
      std::vector<uint8_t> records;
      target.Target::pack(machine, weights.view(), records);
      if (records != packed.weights)
        return Broken{"pack", "linear layers read row records, and these are none"};
    }
    return joinTiles(weights, packed.weights);
  }

  /// Tiles of whole granules are together the tile of all their rows.
  std::optional<Broken> joinTiles(const WeightMatrix &weights,
                                  const std::vector<uint8_t> &whole) const {
    const uint32_t granule = std::max(1u, target.rowGranule(machine));
    if (weights.rows <= granule)
      return std::nullopt;
    std::vector<uint8_t> parts;
    target.pack(machine, weights.view(0, granule), parts);
    target.pack(machine, weights.view(granule, weights.rows - granule), parts);
    if (parts == whole)
      return std::nullopt;
    return Broken{"pack", fmt::format("the first {} rows and the others are not the {} together",
                                      granule, weights.rows)};
  }

  std::optional<Broken> estimate(const Case &data) const {
    const auto cycles = [&]() -> uint64_t {
      if (const auto *matmul = std::get_if<Matmul>(&data.work))
        return target.cycles(machine, *matmul);
      if (const auto *chain = std::get_if<VectorChain>(&data.work))
        return target.cycles(machine, *chain);
      return 0;
    };
    if (cycles() != cycles())
      return Broken{"cycles", "the same kernel twice gives other numbers"};
    return std::nullopt;
  }

  void fail(size_t index, const Variant &variant, const Broken &broken) {
    if (states[index].failed)
      return;
    states[index].failed = true;
    const std::string suffix = variant.name.empty() ? "" : " on " + variant.name;
    result.fail({claimed[index].data->shape + suffix, broken.function, broken.reason});
  }

  std::optional<CasePlan> plan(const Variant &variant, const std::vector<PackedCase> &cases,
                               Broken &broken) const {
    if (!cases.empty())
      subject.note(cases.front().data->shape +
                   (cases.size() > 1 ? fmt::format(" to {}", cases.back().data->shape) : ""));
    std::optional<CasePlan> planned;
    if (const auto thrown = brokenIn([&]() -> std::optional<Broken> {
          planned = planOf(target, machine, variant, cases, subject.compiler.host(), broken);
          return std::nullopt;
        }))
      broken = *thrown;
    return planned;
  }

  /// The cases of [first, end) that are good so far.
  std::vector<size_t> standing(size_t first, size_t end) const {
    std::vector<size_t> indices;
    for (size_t i = first; i < end; ++i)
      if (!states[i].failed)
        indices.push_back(i);
    return indices;
  }

  std::vector<PackedCase> select(const std::vector<size_t> &indices) const {
    std::vector<PackedCase> cases;
    for (const size_t index : indices)
      cases.push_back(claimed[index]);
    return cases;
  }

  void runSome(const Variant &variant, size_t first, size_t end) {
    std::vector<size_t> indices = standing(first, end);
    Broken broken;
    std::optional<CasePlan> planned = plan(variant, select(indices), broken);
    if (!planned) { // whose fault it is shows alone
      for (const size_t index : indices)
        if (Broken alone; !plan(variant, select({index}), alone))
          fail(index, variant, alone);
      const std::vector<size_t> left = standing(first, end);
      if (left.size() == indices.size())
        for (const size_t index : left)
          fail(index, variant, broken);
      indices = standing(first, end);
      planned = plan(variant, select(indices), broken);
    }
    if (!planned || indices.empty())
      return;
    if (!emitsAlike(variant, indices.front()))
      return fail(indices.front(), variant,
                  {machine.dispatch == DispatchKind::Stream ? "emit" : "emit_kernels",
                   "the same kernel twice gives other bytes"});
    if (subject.withDevice)
      runPlanned(variant, indices, *planned);
  }

  bool emitsAlike(const Variant &variant, size_t index) const {
    std::vector<uint8_t> bytes[2];
    for (std::vector<uint8_t> &to : bytes) {
      Broken broken;
      const auto planned = plan(variant, select({index}), broken);
      if (!planned || !writePlan(planned->description, to))
        return true; // told elsewhere
    }
    return bytes[0] == bytes[1];
  }

  void runPlanned(const Variant &variant, const std::vector<size_t> &indices,
                  const CasePlan &planned) {
    const auto skip = [&](const std::string &reason) {
      if (!variant.name.empty())
        result.skippedVariants[variant.name] = reason;
      for (const size_t index : indices)
        states[index].noDevice = reason;
    };
    if (!subject.devices.runs(target.name()))
      return skip("no device for '" + target.name() + "' on this host");
    const std::vector<PackedCase> cases = select(indices);
    std::unique_ptr<CaseRunner> runner;
    for (size_t i = 0; i < indices.size(); ++i) {
      subject.note(cases[i].data->shape);
      std::string noDevice;
      const auto run = [&] { return runOn(runner, planned, cases, i, noDevice); };
      const std::optional<Broken> found = brokenIn(run);
      if (!noDevice.empty())
        return skip(noDevice);
      states[indices[i]].ran = true;
      if (found)
        fail(indices[i], variant, *found);
    }
  }

  /// Opens the device where `runner` is none, and closes one that throws: it is of no more use.
  std::optional<Broken> runOn(std::unique_ptr<CaseRunner> &runner, const CasePlan &planned,
                              const std::vector<PackedCase> &cases, size_t index,
                              std::string &noDevice) const {
    std::optional<Broken> broken;
    try {
      if (!runner)
        runner = CaseRunner::create(planned, cases, subject.devices, {}, noDevice, broken);
      return runner ? runner->run(index) : broken;
    } catch (const std::exception &) {
      runner.reset();
      throw;
    }
  }

  void finish(const State &state) {
    if (state.failed)
      return;
    if (subject.withDevice && !state.ran)
      result.skip(state.noDevice);
    else
      ++result.passed;
  }

  const Subject &subject;
  const Target &target;
  const Machine &machine;
  std::vector<PackedCase> claimed;
  std::vector<State> states;
  ClassResult result;
};

} // namespace

ClassResult checkKernels(const Subject &subject, const std::string &name,
                         const std::vector<Case> &cases) {
  return KernelClass(subject, name).run(cases);
}

} // namespace llmc::conformance
