#include "tools/conformance/ModelChecks.h"

#include "tools/conformance/ModelRuns.h"
#include "tools/conformance/TargetView.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <optional>

namespace llmc::conformance {

using namespace target;

namespace {

/// Behind two whole chunks, where those are small, and of no round size.
uint32_t contextOf(const Subject &subject) { return std::min(2 * subject.sizes().chunk + 5, 149u); }

std::string contentOf(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Compiled {
  std::string error, report;
  Answers answers;
  explicit operator bool() const { return error.empty(); }
};

/// For the subject's machine, or for another in its place.
Compiled compileFor(const Subject &subject, const TinyModel &model, const std::string &output,
                    const Machine *machine = nullptr, bool compareLevels = false) {
  Compiled compiled;
  const TargetRegistry views = viewsOf(subject.targets, subject.target, machine, compiled.answers);
  CompileOptions options = model.options(subject.machine.name, output);
  options.compareAfterEach = compareLevels;
  options.fallback = subject.fallback;
  CompileResult result = subject.compiler.compile(options, views);
  compiled.error = std::move(result.error);
  compiled.report = std::move(result.reportJson);
  return compiled;
}

/// Why no kernel of the plan is the target's, so that the plan says nothing about it; nothing where
/// some are.
std::optional<std::string> whyUnused(const Compiled &compiled) {
  const auto placement = nlohmann::json::parse(compiled.report).at("placement");
  if (placement.at("target").at("kernels") > 0)
    return std::nullopt;
  std::string all;
  for (const auto &reason : placement.at("reasons"))
    all += (all.empty() ? "" : "; ") + reason.at("reason").get<std::string>();
  return all;
}

class ModelClass {
public:
  ModelClass(const Subject &subject, const std::string &name) : subject(subject) {
    result.name = name;
  }

  void check(const TinyModel &model, bool twice) {
    try {
      run(model, twice);
    } catch (const std::exception &thrown) {
      result.fail(failureOf(model.name() + " model", thrown));
    }
  }

  ClassResult take() { return std::move(result); }

private:
  void run(const TinyModel &model, bool twice) {
    subject.note(model.name() + " model");
    const Compiled compiled = compileFor(subject, model, "model.llmc");
    if (!compiled)
      return refuse(model, compiled);
    if (const auto reason = whyUnused(compiled))
      return result.refuse(*reason);
    ++result.passed;
    countKernels(subject, model.file("model.llmc"), result);
    if (twice)
      compileAgain(model);
    for (const auto &[count, chunk] :
         {std::pair<size_t, size_t>{SIZE_MAX, 0}, {11, 1}, {SIZE_MAX, 7}})
      note(model, [&, count = count, chunk = chunk] {
        return feedPlan(subject, model, "model.llmc", count, chunk);
      });
    note(model, [&] { return feedTwice(subject, model, "model.llmc"); });
    note(model, [&] { return feedTooMuch(subject, model, "model.llmc"); });
    note(model, [&] { return comparePeak(subject, model, "model.llmc"); });
    if (failedRun)
      nameLevel(model);
  }

  /// The target's refusal, or a failure of what it said to support.
  void refuse(const TinyModel &model, const Compiled &compiled) {
    const Answers &answers = compiled.answers;
    if (answers.emitFailure.empty() && answers.refused > 0)
      return result.refuse(compiled.error);
    result.fail({model.name() + " model", answers.emitFailure.empty() ? "compile" : "emit",
                 compiled.error});
  }

  void compileAgain(const TinyModel &model) {
    const Compiled again = compileFor(subject, model, "again.llmc");
    if (again && contentOf(model.file("again.llmc")) == contentOf(model.file("model.llmc")))
      ++result.passed;
    else
      result.fail({model.name() + " model, compiled twice", "emit",
                   again ? "the plans have other bytes" : again.error});
  }

  template <class Run> void note(const TinyModel &, Run run) {
    if (!subject.withDevice)
      return;
    if (!subject.devices.runs(subject.target.name()))
      return result.skip("no device for '" + subject.target.name() + "' on this host");
    std::optional<Failure> failure = run();
    if (!failure) {
      ++result.passed;
      return;
    }
    failedRun = true;
    result.fail(std::move(*failure));
  }

  /// Says whether it is the compiler's levels that differ, and at which operation.
  void nameLevel(const TinyModel &model) {
    const Compiled levels = compileFor(subject, model, "levels.llmc", nullptr, true);
    result.failures.front().reason +=
        levels ? "; all levels of the compiler agree, so that it is the device's kernels that "
                 "differ: see the classes of kernels"
               : "; " + levels.error;
  }

  const Subject &subject;
  ClassResult result;
  bool failedRun = false;
};

/// Bytes that a plan takes of each memory of the machine, by its report.
std::map<std::string, uint64_t> usesOf(const std::string &report) {
  std::map<std::string, uint64_t> uses;
  const auto json = nlohmann::json::parse(report);
  for (const auto &region : json.at("regions"))
    uses[region.at("memory")] += region.at("bytes").get<uint64_t>();
  return uses;
}

class MemoryClass {
public:
  MemoryClass(const Subject &subject, const std::string &name)
      : subject(subject),
        model(oddShape(), "w8a8", contextOf(subject), subject.compiler, subject.seed) {
    result.name = name;
  }

  ClassResult run() {
    subject.note(model.name() + " model");
    const Compiled whole = compileFor(subject, model, "whole.llmc");
    const std::optional<std::string> unused = whole ? whyUnused(whole) : whole.error;
    if (unused) {
      result.refuse(*unused);
      return std::move(result);
    }
    for (const auto &[memory, bytes] : usesOf(whole.report))
      if (subject.machine.memory(memory))
        check(memory, bytes);
    return std::move(result);
  }

private:
  Compiled compileWith(const std::string &memory, uint64_t bytes, const std::string &output) {
    subject.note(fmt::format("{} of {} bytes", memory, bytes));
    Machine machine = subject.machine;
    for (Memory &known : machine.memories)
      if (known.name == memory)
        known.bytes = bytes;
    return compileFor(subject, model, output, &machine);
  }

  void expect(bool holds, const std::string &memory, uint64_t bytes, const std::string &reason) {
    if (holds)
      ++result.passed;
    else
      result.fail({fmt::format("{} of {} bytes", memory, bytes), "compile", reason});
  }

  void check(const std::string &memory, uint64_t bytes) {
    if (memory == subject.machine.sram().name && subject.machine.dispatch == DispatchKind::Stream)
      return checkOnChip(memory, bytes);
    const Compiled enough = compileWith(memory, bytes, "enough.llmc");
    expect(bool(enough), memory, bytes, "is what a plan takes, and does not do: " + enough.error);
    const uint64_t less = bytes - 1;
    const Compiled short1 = compileWith(memory, less, "less.llmc");
    // Smaller entries may do the work of larger ones.
    expect(!short1 || usesOf(short1.report)[memory] <= less, memory, less,
           "a plan was made that takes more");
  }

  /// The least on-chip memory that there is a plan for: that plan runs, and one unit less is
  /// refused.
  void checkOnChip(const std::string &memory, uint64_t bytes) {
    const uint64_t unit = subject.machine.sram().alignment;
    uint64_t low = 0, high = bytes / unit; // units that are refused, that are taken
    while (low + 1 < high) {
      const uint64_t middle = (low + high) / 2;
      const Compiled compiled = compileWith(memory, middle * unit, "middle.llmc");
      (compiled ? high : low) = middle;
    }
    const Compiled least = compileWith(memory, high * unit, "least.llmc");
    expect(bool(least), memory, high * unit,
           "is what a plan takes, and does not do: " + least.error);
    if (!least)
      return;
    const uint64_t used = usesOf(least.report)[memory];
    expect(used <= high * unit, memory, high * unit, fmt::format("a plan takes {} bytes", used));
    expect(!compileWith(memory, high * unit - unit, "less.llmc"), memory, high * unit - unit,
           "one unit less than the least is taken, too");
    if (!subject.withDevice || !subject.devices.runs(subject.target.name()))
      return;
    for (const auto &failure : {feedPlan(subject, model, "least.llmc", SIZE_MAX, 0),
                                comparePeak(subject, model, "least.llmc")}) {
      if (failure)
        result.fail(*failure);
      else
        ++result.passed;
    }
  }

  const Subject &subject;
  const TinyModel model;
  ClassResult result;
};

} // namespace

ClassResult checkModels(const Subject &subject, const std::string &name,
                        const std::string &recipe) {
  ModelClass checks(subject, name);
  const bool first = recipe == "w8a8";
  for (const make::ModelShape *shape : {&evenShape(), &oddShape()})
    if (shape == &oddShape() || first)
      checks.check({*shape, recipe, contextOf(subject), subject.compiler, subject.seed}, first);
  return checks.take();
}

ClassResult checkMemory(const Subject &subject, const std::string &name) {
  return MemoryClass(subject, name).run();
}

} // namespace llmc::conformance
