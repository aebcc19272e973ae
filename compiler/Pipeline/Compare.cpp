#include "compiler/Pipeline/Compare.h"

#include "compiler/Evaluate/Evaluator.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

#include <fmt/format.h>
#include <map>

using namespace mlir;
using llmc::evaluate::Evaluator;
using llmc::evaluate::EvaluatorState;

namespace llmc {

namespace {

uint64_t digestOf(std::span<const char> bytes) {
  uint64_t hash = 0xcbf29ce484222325u; // FNV-1a
  for (char byte : bytes)
    hash = (hash ^ uint8_t(byte)) * 0x100000001b3u;
  return hash;
}

/// Taps an evaluator into a run.
void record(Evaluator &evaluator, LevelRun &run) {
  evaluator.setTap([&run](const evaluate::TapValue &value) {
    if (isa<lm::GroupOp, lm::RepeatOp>(value.op))
      return; // their operations are tapped one by one
    run.values.push_back({value.op->getName().getStringRef().str(), digestOf(value.data)});
  });
}

/// The first operation, in the reference's order, whose k-th execution differs. Fusion may move
/// operations of different names past each other.
std::string firstDifference(const LevelRun &expected, const LevelRun &actual) {
  std::map<std::string, std::vector<uint64_t>> byName;
  for (const LevelValue &value : actual.values)
    byName[value.operation].push_back(value.digest);
  std::map<std::string, size_t> next;
  for (const LevelValue &value : expected.values) {
    size_t index = next[value.operation]++;
    const std::vector<uint64_t> &others = byName[value.operation];
    if (index >= others.size())
      return fmt::format("{} number {} is missing", value.operation, index);
    if (others[index] != value.digest)
      return fmt::format("{} number {} is the first to differ", value.operation, index);
  }
  if (actual.values.size() != expected.values.size())
    return fmt::format("{} results were computed, the reference has {}", actual.values.size(),
                       expected.values.size());
  for (size_t i = 0; i < expected.logits.size(); ++i)
    if (i >= actual.logits.size() ||
        std::memcmp(&expected.logits[i], &actual.logits[i], sizeof(float)) != 0)
      return fmt::format("logit {} differs", i);
  return {};
}

/// The entries of a specialized module on the evaluator.
class EntryRunner {
public:
  explicit EntryRunner(ModuleOp module) : module(module), cache(module) {}

  /// Results of one run of the head, which are not recorded.
  size_t headValues = 0;

  /// Feeds `ids` at the current position through `entry`, then each row through the head of one
  /// row: rows are independent, so that gives what any head gives.
  bool feed(StringRef entry, std::span<const int32_t> ids, LevelRun &run) {
    std::vector<float> hidden;
    if (!execute(entry, run, [&](Evaluator &evaluator) {
          return evaluator.run(ids, cache.length(), cache, hidden);
        }))
      return false;
    size_t channels = hidden.size() / ids.size();
    for (size_t row = 0; row < ids.size(); ++row) {
      std::vector<float> logits;
      std::span<const float> one(hidden.data() + row * channels, channels);
      LevelRun head;
      if (!execute("head_1", head, [&](Evaluator &evaluator) {
            return evaluator.runRows(one, int64_t(channels), 0, cache, logits);
          }))
        return false;
      headValues = head.values.size();
      run.logits.insert(run.logits.end(), logits.begin(), logits.end());
    }
    return true;
  }

private:
  bool execute(StringRef function, LevelRun &run,
               llvm::function_ref<LogicalResult(Evaluator &)> body) {
    FailureOr<Evaluator> evaluator = Evaluator::create(module, function);
    if (failed(evaluator))
      return false;
    record(*evaluator, run);
    return succeeded(body(*evaluator));
  }

  ModuleOp module;
  EvaluatorState cache;
};

/// Calls of one judgement: an entry and the tokens it is fed. The first call starts at position 0.
using Calls = std::vector<std::pair<std::string, size_t>>;

/// Full and partial chunks of every prefill entry, each with decoded tokens behind them as far as
/// the prompt reaches; decode alone without one.
std::vector<Calls> callsFor(ModuleOp module, size_t tokens) {
  std::vector<Calls> all;
  auto add = [&](const std::string &entry, size_t first) {
    Calls calls = {{entry, first}};
    for (size_t position = first; position < tokens && calls.size() < 3; ++position)
      calls.push_back({"decode", 1});
    all.push_back(calls);
  };
  for (func::FuncOp entry : module.getOps<func::FuncOp>()) {
    auto attribute = lm::EntryAttr::of(entry);
    if (!attribute || attribute.getKind() != lm::EntryKind::Prefill)
      continue;
    auto rows = size_t(attribute.getRows());
    add(entry.getSymName().str(), std::min(rows, tokens));
    if (rows > 1 && rows <= tokens)
      add(entry.getSymName().str(), rows - 1);
  }
  add("decode", 1);
  return all;
}

} // namespace

struct LevelComparison::State {
  OwningOpRef<ModuleOp> module;
  std::vector<int32_t> ids;
  std::vector<float> logits;

  /// The reference fed as `calls` feed the entries. False where it fails.
  bool run(const Calls &calls, std::vector<LevelRun> &runs) {
    FailureOr<Evaluator> evaluator = Evaluator::create(*module, "main");
    if (failed(evaluator))
      return false;
    EvaluatorState cache(*module);
    runs.resize(calls.size());
    for (auto [call, run] : llvm::zip(calls, runs)) {
      record(*evaluator, run);
      std::span<const int32_t> tokens(ids.data() + cache.length(), call.second);
      if (failed(evaluator->run(tokens, cache.length(), cache, run.logits)))
        return false;
    }
    return true;
  }

  std::string judge(ModuleOp module, const Calls &calls) {
    std::vector<LevelRun> expected;
    if (!run(calls, expected))
      return "the reference itself fails";
    EntryRunner runner(module);
    size_t position = 0;
    for (auto [index, call] : llvm::enumerate(calls)) {
      LevelRun actual;
      if (!runner.feed(call.first, {ids.data() + position, call.second}, actual))
        return fmt::format("entry @{}: the evaluator cannot run it", call.first);
      position += call.second;
      // The head's operations come last and are judged by the logits.
      std::vector<LevelValue> &values = expected[index].values;
      values.resize(values.size() - std::min(values.size(), runner.headValues));
      std::string difference = firstDifference(expected[index], actual);
      if (!difference.empty())
        return fmt::format("entry @{} on {} tokens: {}", call.first, call.second, difference);
    }
    return {};
  }
};

LevelComparison::LevelComparison(ModuleOp reference, std::span<const int64_t> chunks)
    : state(std::make_unique<State>()) {
  state->module = reference.clone();
  int64_t capacity = INT64_MAX, wanted = 3;
  for (lm::KvStateOp cache : reference.getOps<lm::KvStateOp>())
    capacity = std::min(capacity, int64_t(cache.getCapacity()));
  for (int64_t chunk : chunks)
    wanted = std::max(wanted, chunk + 2); // a chunk, and two tokens behind it
  auto main = state->module->lookupSymbol<func::FuncOp>("main");
  int64_t vocabulary = cast<RankedTensorType>(main.getResultTypes()[0]).getDimSize(1);
  uint32_t random = 12345;
  for (int64_t i = 0; i < std::min(wanted, capacity); ++i) {
    random = random * 1664525u + 1013904223u;
    state->ids.push_back(int32_t((random >> 8) % uint32_t(vocabulary)));
  }
  std::vector<LevelRun> runs;
  if (state->run({{"main", state->ids.size()}}, runs))
    state->logits = runs[0].logits;
}

LevelComparison::~LevelComparison() = default;
const std::vector<int32_t> &LevelComparison::ids() const { return state->ids; }
const std::vector<float> &LevelComparison::logits() const { return state->logits; }

std::string LevelComparison::compare(ModuleOp module) {
  if (!module.lookupSymbol<func::FuncOp>("decode") || !module.lookupSymbol<func::FuncOp>("head_1"))
    return {};
  for (const Calls &calls : callsFor(module, state->ids.size())) {
    std::string difference = state->judge(module, calls);
    if (!difference.empty())
      return difference;
    ++judged;
  }
  return {};
}

void CompareAfterEach::runAfterPass(Pass *pass, Operation *op) {
  if (!failure->empty())
    return;
  auto module = dyn_cast<ModuleOp>(op);
  if (!module)
    module = op->getParentOfType<ModuleOp>();
  std::string difference = comparison->compare(module);
  if (!difference.empty())
    *failure = fmt::format("after {}: {}", pass->getArgument().str(), difference);
}

} // namespace llmc
