// Pass llmc-round-weights: rounds weights to their formats and computes with them.
#include "passes/Quantization/RoundWeights.h"

#include "passes/Quantization/WeightStatistics.h"
#include "passes/Quantization/WeightUses.h"
#include "passes/Quantization/WeightValues.h"

#include "mlir/IR/Threading.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_ROUNDWEIGHTSPASS
#include "passes/Quantization/RoundWeights.h.inc"

namespace {

/// One weight on its way to integers.
struct Task {
  lm::WeightOp weight;
  WeightView view;
  SmallVector<lm::GetOp> reads;
  RoundedWeights rounded;
  double squaredError = 0;
  std::optional<RoundingError> error;
};

/// The symbols that replace a weight.
struct QuantizedWeight {
  lm::WeightOp elements, scales, multipliers;
  lm::FormatAttr format;
};

/// The sum runs in double, rows and columns ascending, so it does not depend on threads.
double squaredErrorOf(const WeightView &view, const RoundedWeights &rounded) {
  std::vector<float> decoded(view.columns);
  RowReader rows(view);
  double sum = 0;
  for (uint32_t row = 0; row < view.rows; ++row) {
    decodeRow(rounded, row, decoded.data());
    const float *w = rows.row(row);
    for (uint32_t column = 0; column < view.columns; ++column) {
      double difference = double(decoded[column]) - double(w[column]);
      sum += difference * difference;
    }
  }
  return sum;
}

void round(Task &task) {
  task.error = roundWeights(task.view, fromAttribute(task.weight.getFormatAttr()), task.rounded);
  if (!task.error)
    task.squaredError = squaredErrorOf(task.view, task.rounded);
}

template <class T> ArrayRef<char> bytesOf(const std::vector<T> &values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}

class WeightReplacer {
public:
  explicit WeightReplacer(ModuleOp module) : symbols(module), builder(module.getContext()) {}

  void replace(Task &task) {
    QuantizedWeight weight = addConstants(task);
    for (lm::GetOp get : task.reads)
      replaceReads(get, weight);
    task.rounded = {}; // The new constants hold the numbers.
  }

private:
  QuantizedWeight addConstants(const Task &task) {
    lm::WeightOp old = task.weight;
    const RoundedWeights &rounded = task.rounded;
    int64_t rows = rounded.rows, groups = rounded.format.groups(rounded.columns);
    std::string name = old.getSymName().str();
    Place place{old.getLoc(), old.getValue()};
    builder.setInsertionPointAfter(old);

    QuantizedWeight result;
    result.format = toAttribute(builder.getContext(), rounded.format);
    result.elements = newWeight(place, name, {rows, rounded.columns}, builder.getI8Type(),
                                bytesOf(rounded.elements));
    copyFloatStatistics(old, result.elements);
    setRoundingStatistics(result.elements, {rounded.format, task.squaredError, rounded.counters});
    symbols.erase(old);
    symbols.insert(result.elements);
    if (rounded.halfScales.empty())
      result.scales =
          newWeight(place, name + ".scales", {rows}, builder.getF32Type(), bytesOf(rounded.scales));
    else
      result.scales = newWeight(place, name + ".scales", {rows, groups}, builder.getF16Type(),
                                bytesOf(rounded.halfScales));
    symbols.insert(result.scales);
    if (!rounded.multipliers.empty()) {
      result.multipliers = newWeight(place, name + ".multipliers", {rows, groups},
                                     builder.getI8Type(), bytesOf(rounded.multipliers));
      symbols.insert(result.multipliers);
    }
    return result;
  }

  struct Place {
    Location loc;
    ElementsAttr value; ///< How the old numbers are stored.
  };

  lm::WeightOp newWeight(const Place &place, const std::string &name, ArrayRef<int64_t> shape,
                         Type element, ArrayRef<char> bytes) {
    auto type = RankedTensorType::get(shape, element);
    ElementsAttr value = constantLike(place.value, name, type, bytes);
    auto weight = lm::WeightOp::create(builder, place.loc, name, type, value, IntegerAttr(),
                                       DenseI64ArrayAttr(), lm::FormatAttr());
    builder.setInsertionPointAfter(weight);
    return weight;
  }

  Value read(lm::GetOp get, lm::WeightOp weight) {
    return weight ? lm::GetOp::create(builder, get.getLoc(), weight.tensorType(),
                                      FlatSymbolRefAttr::get(weight.getSymNameAttr()))
                        .getResult()
                  : Value();
  }

  void replaceReads(lm::GetOp get, const QuantizedWeight &weight) {
    builder.setInsertionPoint(get);
    Value elements = read(get, weight.elements), scales = read(get, weight.scales),
          multipliers = read(get, weight.multipliers);
    for (Operation *user : llvm::make_early_inc_range(get->getUsers())) {
      Value result;
      builder.setInsertionPoint(user);
      if (auto embed = dyn_cast<lm::EmbedOp>(user)) {
        result =
            lm::QuantizedEmbedOp::create(builder, user->getLoc(), embed.getType(), embed.getIds(),
                                         elements, scales, multipliers, weight.format);
      } else {
        auto linear = cast<lm::LinearOp>(user);
        auto rows = quantizedRows(linear.getInput());
        builder.setInsertionPoint(user);
        result = lm::QuantizedLinearOp::create(builder, user->getLoc(), linear.getType(),
                                               rows.getValues(), rows.getScales(), elements, scales,
                                               multipliers, linear.getBias(), weight.format);
      }
      user->getResult(0).replaceAllUsesWith(result);
      user->erase();
    }
    get.erase();
  }

  /// The one quantization of a value, right after the value.
  lm::QuantizeRowsOp quantizedRows(Value value) {
    for (Operation *user : value.getUsers())
      if (auto rows = dyn_cast<lm::QuantizeRowsOp>(user))
        return rows;
    builder.setInsertionPointAfterValue(value);
    auto type = cast<RankedTensorType>(value.getType());
    return lm::QuantizeRowsOp::create(
        builder, value.getLoc(), type.clone(builder.getI8Type()),
        RankedTensorType::get({type.getDimSize(0)}, builder.getF32Type()), value);
  }

  SymbolTable symbols;
  OpBuilder builder;
};

/// Merges quantizations of one value into the first, moved right after the value so that it
/// precedes every use.
void mergeQuantizations(ModuleOp module) {
  DenseMap<Value, lm::QuantizeRowsOp> first;
  module.walk([&](lm::QuantizeRowsOp rows) {
    auto [entry, inserted] = first.try_emplace(rows.getInput(), rows);
    if (!inserted) {
      rows->replaceAllUsesWith(entry->second);
      rows->erase();
    } else if (Operation *producer = rows.getInput().getDefiningOp()) {
      rows->moveAfter(producer);
    } else {
      Block *block = rows.getInput().getParentBlock();
      rows->moveBefore(block, block->begin());
    }
  });
}

struct RoundWeightsPass : impl::RoundWeightsPassBase<RoundWeightsPass> {
  explicit RoundWeightsPass(DoneReading done = {}) : done(std::move(done)) {}

  void runOnOperation() override {
    FailureOr<std::vector<Task>> tasks = collect();
    if (failed(tasks))
      return signalPassFailure();
    std::vector<Task *> order = largestFirst(*tasks);
    parallelFor(&getContext(), 0, order.size(), [&](size_t index) {
      round(*order[index]);
      tellDone(done, order[index]->weight);
    });
    for (Task &task : *tasks)
      if (task.error) {
        task.weight.emitOpError() << "@" << task.weight.getSymName() << ": " << task.error->message;
        return signalPassFailure();
      }
    mergeQuantizations(getOperation());
    WeightReplacer replacer(getOperation());
    for (Task &task : *tasks)
      replacer.replace(task);
  }

private:
  /// The largest weights are read while little is rounded yet, which keeps peak memory low, and end
  /// with the others.
  static std::vector<Task *> largestFirst(std::vector<Task> &tasks) {
    std::vector<Task *> order;
    for (Task &task : tasks)
      order.push_back(&task);
    auto elements = [](const Task *task) { return uint64_t(task->view.rows) * task->view.columns; };
    llvm::sort(order, [&](const Task *a, const Task *b) {
      return elements(a) != elements(b) ? elements(a) > elements(b) : a < b;
    });
    return order;
  }

  FailureOr<std::vector<Task>> collect() {
    std::vector<Task> tasks;
    DenseMap<StringAttr, size_t> byName;
    for (auto weight : getOperation().getOps<lm::WeightOp>()) {
      if (!weight.getFormatAttr())
        continue;
      FailureOr<std::optional<WeightView>> view = floatViewOf(weight);
      if (failed(view))
        return failure();
      if (!*view || weight.tensorType().getRank() != 2)
        return weight.emitOpError()
               << "@" << weight.getSymName()
               << " has a format, but is no matrix of f32: " << weight.getType();
      byName[weight.getSymNameAttr()] = tasks.size();
      tasks.push_back({weight, **view, {}, {}, 0, {}});
    }
    WalkResult result = getOperation().walk([&](lm::GetOp get) {
      auto found = byName.find(get.getWeightAttr().getAttr());
      if (found == byName.end())
        return WalkResult::advance();
      tasks[found->second].reads.push_back(get);
      return failed(checkUsers(get)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return failure();
    return tasks;
  }

  LogicalResult checkUsers(lm::GetOp get) {
    for (OpOperand &use : get->getUses()) {
      auto linear = dyn_cast<lm::LinearOp>(use.getOwner());
      bool matrix = linear && use.get() != linear.getInput();
      if (!matrix && !isa<lm::EmbedOp>(use.getOwner()))
        return use.getOwner()->emitOpError()
               << "reads @" << get.getWeight()
               << ", which has a format; only lm.embed and lm.linear read quantized weights";
    }
    return success();
  }

  DoneReading done;
};

} // namespace

std::unique_ptr<Pass> createRoundWeightsPass(DoneReading done) {
  return std::make_unique<RoundWeightsPass>(std::move(done));
}

} // namespace llmc::passes
