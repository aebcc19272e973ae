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

  /// Feeds `ids` at the current position through `entry` and the largest head that takes as many
  /// rows at a time. False with `error` set on failure.
  bool feed(func::FuncOp entry, std::span<const int32_t> ids, LevelRun &run, std::string &error) {
    std::vector<float> hidden;
    if (!execute(entry, run, [&](Evaluator &evaluator) {
          return evaluator.run(ids, cache.length(), cache, hidden);
        })) {
      error = "the evaluator failed";
      return false;
    }
    func::FuncOp head = module.lookupSymbol<func::FuncOp>("head_1");
    int64_t channels = int64_t(hidden.size() / ids.size());
    // Rows of a head are independent, so one at a time gives what any head gives.
    for (size_t row = 0; row < ids.size(); ++row) {
      std::vector<float> logits;
      std::span<const float> one(hidden.data() + int64_t(row) * channels, size_t(channels));
      LevelRun ignored;
      if (!execute(head, ignored, [&](Evaluator &evaluator) {
            return evaluator.runRows(one, channels, 0, cache, logits);
          })) {
        error = "the evaluator failed in the head";
        return false;
      }
      run.logits.insert(run.logits.end(), logits.begin(), logits.end());
    }
    return true;
  }

private:
  bool execute(func::FuncOp function, LevelRun &run,
               llvm::function_ref<LogicalResult(Evaluator &)> body) {
    FailureOr<Evaluator> evaluator = Evaluator::create(module, function.getSymName());
    if (failed(evaluator))
      return false;
    record(*evaluator, run);
    return succeeded(body(*evaluator));
  }

  ModuleOp module;
  EvaluatorState cache;
};

} // namespace

struct LevelComparison::State {
  OwningOpRef<ModuleOp> module;
  std::vector<int64_t> chunks;
  std::vector<int32_t> ids;
  std::vector<float> logits;

  std::vector<int32_t> prompt(int64_t rows) const { return {ids.begin(), ids.begin() + rows + 1}; }

  /// The reference's run of a chunk of `rows` and the token behind it, cut at the operations that
  /// heads hold.
  bool runReference(int64_t rows, LevelRun (&runs)[2]) {
    FailureOr<Evaluator> evaluator = Evaluator::create(*module, "main");
    if (failed(evaluator))
      return false;
    EvaluatorState cache(*module);
    std::vector<int32_t> all = prompt(rows);
    record(*evaluator, runs[0]);
    if (failed(evaluator->run({all.data(), size_t(rows)}, 0, cache, runs[0].logits)))
      return false;
    record(*evaluator, runs[1]);
    return succeeded(evaluator->run({all.data() + rows, 1}, rows, cache, runs[1].logits));
  }
};

LevelComparison::LevelComparison(ModuleOp reference, std::vector<int64_t> chunks)
    : state(std::make_unique<State>()) {
  state->module = reference.clone();
  int64_t capacity = INT64_MAX, largest = 1;
  for (lm::KvStateOp cache : reference.getOps<lm::KvStateOp>())
    capacity = std::min(capacity, int64_t(cache.getCapacity()));
  for (int64_t chunk : chunks)
    if (chunk < capacity) {
      state->chunks.push_back(chunk);
      largest = std::max(largest, chunk);
    }
  auto main = state->module->lookupSymbol<func::FuncOp>("main");
  int64_t vocabulary = cast<RankedTensorType>(main.getResultTypes()[0]).getDimSize(1);
  uint32_t random = 12345;
  for (int64_t i = 0; i < std::min(largest + 1, capacity); ++i) {
    random = random * 1664525u + 1013904223u;
    state->ids.push_back(int32_t((random >> 8) % uint32_t(vocabulary)));
  }
  FailureOr<Evaluator> evaluator = Evaluator::create(*state->module, "main");
  EvaluatorState cache(*state->module);
  if (succeeded(evaluator))
    (void)evaluator->run(state->ids, 0, cache, state->logits);
}

LevelComparison::~LevelComparison() = default;
const std::vector<int32_t> &LevelComparison::ids() const { return state->ids; }
const std::vector<float> &LevelComparison::logits() const { return state->logits; }

std::string LevelComparison::compare(ModuleOp module) {
  auto decode = module.lookupSymbol<func::FuncOp>("decode");
  if (!decode || !module.lookupSymbol<func::FuncOp>("head_1"))
    return {};
  for (func::FuncOp entry : module.getOps<func::FuncOp>()) {
    auto kind = entry->getAttrOfType<StringAttr>("lm.entry");
    int64_t rows = kind ? cast<IntegerAttr>(entry->getAttr("lm.rows")).getInt() : 0;
    if (!kind || kind.getValue() != "prefill" || rows >= int64_t(state->ids.size()))
      continue;
    LevelRun expected[2], actual[2];
    if (!state->runReference(rows, expected))
      return "the reference itself fails";
    EntryRunner runner(module);
    std::vector<int32_t> all = state->prompt(rows);
    std::string error;
    if (!runner.feed(entry, {all.data(), size_t(rows)}, actual[0], error) ||
        !runner.feed(decode, {all.data() + rows, 1}, actual[1], error))
      return error;
    for (int part = 0; part < 2; ++part) {
      // The head's operations were not recorded: the logits stand for them.
      expected[part].values.resize(
          std::min(expected[part].values.size(), actual[part].values.size()));
      std::string difference = firstDifference(expected[part], actual[part]);
      if (!difference.empty())
        return fmt::format("entry @{}: {}", part == 0 ? entry.getSymName().str() : "decode",
                           difference);
    }
  }
  return {};
}

void CompareAfterEach::runAfterPass(Pass *pass, Operation *op) {
  if (!failure->empty())
    return;
  auto module = dyn_cast<ModuleOp>(op);
  if (!module)
    module = op->getParentOfType<ModuleOp>();
  // A pass on functions is judged when its module is whole again, after the next module pass or at
  // the end.
  if (!isa<ModuleOp>(op))
    return;
  std::string difference = comparison->compare(module);
  if (!difference.empty())
    *failure = fmt::format("after {}: {}", pass->getArgument().str(), difference);
}

} // namespace llmc
