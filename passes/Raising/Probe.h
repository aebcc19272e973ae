// Probing: evaluates what depends only on constants, shapes, the attention mask and the position
// ids, at one concrete number of tokens and of past positions.
//
// Exporters write shape arithmetic, masks, position ids and rotary tables in a hundred ways.
// Instead of a pattern for each, raising computes them at a few sizes and compares the numbers with
// what the canonical program would have there.
#pragma once

#include "passes/Raising/HostTensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

#include <array>
#include <optional>
#include <utility>

namespace llmc::passes {

/// `tokens` new tokens after `past` cached positions.
struct ProbePoint {
  int64_t tokens = 0, past = 0;
};

/// The sizes at which every proof by numbers is done: an empty cache, one token, and sizes without
/// a common factor.
inline constexpr std::array<ProbePoint, 3> probePoints = {{{2, 0}, {3, 5}, {1, 7}}};

/// Elements up to which a probe computes values and not shapes alone: masks and positions at the
/// probe points, not weights.
inline constexpr int64_t probeElements = int64_t(1) << 14;
/// The same where one path or one table is evaluated.
inline constexpr int64_t pathElements = int64_t(1) << 26;

class Probe {
public:
  /// Evaluates the function at `point`; only what `wanted` depend on, where any are given. The
  /// arguments have their roles already (llmc-raise-inputs).
  Probe(mlir::func::FuncOp function, ProbePoint point, llvm::ArrayRef<mlir::Value> wanted = {},
        int64_t limit = probeElements);

  ProbePoint point() const { return where; }
  /// Null where not even the shape is known.
  const HostTensor *find(mlir::Value value) const;
  /// Null where the elements are not known: the value depends on token ids, on the cache, or on an
  /// operator that probing does not compute.
  const HostTensor *findData(mlir::Value value) const;
  bool hasShape(mlir::Value value, llvm::ArrayRef<int64_t> shape) const;

  /// `value` stands for what `old` was: raising has replaced it.
  void adopt(mlir::Value value, mlir::Value old);

  /// What `leaf` becomes where `root` holds `seed`; nothing where the way is not computable.
  std::optional<HostTensor> evaluateFrom(mlir::Value root, HostTensor seed, mlir::Value leaf) const;

private:
  using Values = llvm::DenseMap<mlir::Value, HostTensor>;
  void bindArguments(mlir::func::FuncOp function);
  static void evaluate(mlir::Operation *op, Values &into, const Values *base, int64_t limit);

  ProbePoint where;
  Values values;
};

/// The operations that lead from `root` to `leaf`, in program order; empty where none does.
llvm::SmallVector<mlir::Operation *> pathBetween(mlir::Value root, mlir::Value leaf);

/// One probe of a function at every probe point.
llvm::SmallVector<Probe> probeAll(mlir::func::FuncOp function);

/// Whether raising knows the operator at all. Others hide the shapes behind them, so that nodes
/// that depend on them are not understood either.
bool isKnownOperator(lm::OpaqueOp node);

//===-- Rules, for the probe itself ---------------------------------------===//

struct NodeInputs {
  mutable lm::OpaqueOp node;                       ///< Generated accessors are not const.
  llvm::SmallVector<const HostTensor *, 4> inputs; ///< Null where missing or not known.
  int64_t limit;

  const HostTensor *at(size_t index) const {
    return index < inputs.size() ? inputs[index] : nullptr;
  }
  const HostTensor *dataAt(size_t index) const {
    return at(index) && at(index)->hasData ? at(index) : nullptr;
  }
};

using NodeResults = std::optional<llvm::SmallVector<HostTensor, 1>>;
/// A single result.
inline NodeResults oneResult(HostTensor tensor) {
  NodeResults results(std::in_place);
  results->push_back(std::move(tensor));
  return results;
}

using NodeRule = NodeResults (*)(const NodeInputs &);
using NodeRules = llvm::StringMap<NodeRule>; ///< By operator, contributed ones as "domain::type".

void addElementwiseRules(NodeRules &rules);
void addMovementRules(NodeRules &rules);
void addTensorRules(NodeRules &rules);

} // namespace llmc::passes
